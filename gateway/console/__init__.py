"""The operators' console: what its pages read and do, over HTTP, for people who have signed in.

``views/`` has one file for each view: its shape, and how it is read. ``routes.py`` has one row for each path.
"""
