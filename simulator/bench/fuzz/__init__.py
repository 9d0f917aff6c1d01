"""Fuzzing of every parser that strangers can reach: what is not understood is refused, and nothing else happens.

``parsers.py`` has one row for each parser. A new parser is a new row there, with examples that it understands.
"""
