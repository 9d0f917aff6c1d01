"""The review of a batch record by exception: what of a lot's records a person must look at. Pure.

``table.py`` has one row for each check; ``review.py`` makes the review of a lot from them.
"""
