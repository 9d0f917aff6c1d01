"""What all kinds of records have in common."""


class Record:
    """A kind of record that a decision can leave; its row is in ``store/transaction/records/table.py``."""

    __slots__ = ()
