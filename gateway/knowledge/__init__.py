"""What is on record, found by words: an index of its own beside the store, and what is read with it.

The index (``knowledge.db``) is derived. It only finds: what is shown of a hit is read from the store again, where the
hash of each row and whose record it is are checked. It may be deleted at any time, and is then built again.
"""
