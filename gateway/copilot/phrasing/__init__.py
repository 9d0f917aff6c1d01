"""A language model phrases an answer that is already there; nothing is loaded of it where none is configured.

It computes nothing, decides nothing and has no tools. ``checking.py`` holds its text to the computed one, word by word;
where it does not hold, comes late or not at all, the computed text stands.
"""
