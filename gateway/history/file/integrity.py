"""What proves that history is as it was written: a hash over each chunk and each journal entry, and over its row. Pure.

What cannot be proven is not skipped in silence: it is counted as damage, and in its place stands a mark, from which on
nothing is known.
"""

import hashlib
import struct
from dataclasses import dataclass

from gateway.history.columns import Columns, mark

AFTER_ALL = 2**62  # of an arrival: behind every sample of the same instant


def chunk_hash(*, series_id: int, number: int, first_ns: int, last_ns: int, last_arrival: int, payload: bytes) -> str:
    """Return the SHA-256 of a chunk and of what its row says about it."""
    head = struct.pack("<qqqqq", series_id, number, first_ns, last_ns, last_arrival)
    return hashlib.sha256(head + payload).hexdigest()


def journal_hash(last_arrival: int, payload: bytes) -> str:
    """Return the SHA-256 of a journal entry."""
    return hashlib.sha256(struct.pack("<q", last_arrival) + payload).hexdigest()


@dataclass(slots=True)
class Damage:
    """How many chunks and journal entries could not be used."""

    chunks: int = 0
    journal_entries: int = 0

    def __bool__(self) -> bool:
        return bool(self.chunks or self.journal_entries)

    def add(self, other: "Damage") -> None:
        """Count what another reading could not use, too."""
        self.chunks += other.chunks
        self.journal_entries += other.journal_entries


def are_integers(*cells: object) -> bool:
    """Return whether cells are the whole numbers they were written as: a damaged page may say anything."""
    return all(type(cell) is int for cell in cells)


def loss_mark(since_ns: int) -> Columns:
    """Return what stands in the place of a chunk that is lost: the mark that nothing is known from an instant on."""
    return Columns.of((mark("", since_ns, arrival=AFTER_ALL),))
