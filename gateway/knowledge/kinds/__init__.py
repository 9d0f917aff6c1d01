"""The kinds of records that are found: one file each, and one row in ``table.py``."""
