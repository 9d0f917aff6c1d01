"""Records into their tables: one row in ``table.py`` for each kind, one file for each part of the plant."""
