"""What the tags were: samples in memory and on disk, and windows of them as plain arrays.

The way of a sample: ``memory/`` decides when it counts (``source_times.py``) and keeps it in its tag's ring;
``writer/`` writes it to the journal within a second and seals it into a chunk of its series (``codec/`` makes the
bytes, ``file/`` holds them); ``reader/`` reads it again. ``tag_history.py`` joins memory and disk, ``windows.py``
computes the aggregates. ``clock_steps.py`` says which samples no longer hold because the wall clock was set.
"""
