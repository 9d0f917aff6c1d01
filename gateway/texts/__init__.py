"""The sentences and titles that operators read, by group and code: one file for each language. Pure."""
