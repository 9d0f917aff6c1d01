"""What ``labline doctor`` looks at: ``table.py`` has one row for each check, and each group of checks its file."""
