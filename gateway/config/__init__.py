"""The configuration file: its tables, how it is read and checked, and the line that is built from it."""
