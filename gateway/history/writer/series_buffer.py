"""The journalled samples of one series that are not sealed yet, in few bytes: most of them packed.

Half an hour of every tag would otherwise be the largest thing in memory. New samples are kept as rows of bytes, not as
arrays: six arrays for a handful of samples take more memory than the samples.
"""

from dataclasses import dataclass

import numpy as np

from gateway.history.codec.chunk import decode, encode
from gateway.history.columns import Columns

_PLAIN = np.dtype([("arrival", "<i8"), ("held_ns", "<i8"), ("values", "<f8")])  # good, of its own time, nothing more
_FULL = np.dtype(
    [("arrival", "<i8"), ("source_ns", "<i8"), ("held_ns", "<i8"), ("values", "<f8"), ("statuses", "<u4"),
     ("flags", "u1")]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Buffered:
    """A buffer as it was at one moment; later samples do not change it."""

    packed: tuple[bytes, ...]
    rows: bytes
    plain: bool

    def columns(self) -> Columns:
        """Return all of it, in the order of arrival."""
        return Columns.joined([*(decode(chunk) for chunk in self.packed), _columns(self.rows, plain=self.plain)])


class SeriesBuffer:
    """Samples of one series in the order of their arrival; only a flush changes it."""

    __slots__ = ("_packed", "_plain", "_rows", "count", "first_arrival", "first_ns", "unpacked")

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._rows = bytearray()
        self._plain = True
        self.unpacked = 0
        self.count = 0
        self.first_arrival: int | None = None
        self.first_ns = 0

    @property
    def packed_before(self) -> bool:
        """Return whether any of it is packed."""
        return bool(self._packed)

    def add(self, columns: Columns) -> None:
        """Add what has been journalled, in the order of arrival; it must not be empty."""
        if not self.count:
            self.first_arrival, self.first_ns = int(columns.arrival[0]), int(columns.held_ns[0])
        plain = self._plain and _is_plain(columns)
        if self._plain and not plain and self._rows:
            self._rows = bytearray(_rows(_columns(self._rows, plain=True), plain=False))
        self._plain = plain
        self._rows += _rows(columns, plain=plain)
        self.unpacked += len(columns)
        self.count += len(columns)

    def holds_before(self, arrival: int) -> bool:
        """Return whether it holds a sample that arrived before."""
        return self.first_arrival is not None and self.first_arrival < arrival

    def packed(self) -> bytes:
        """Return the unpacked samples as bytes."""
        return encode(_columns(self._rows, plain=self._plain))

    def replace_unpacked(self, packed: bytes) -> None:
        """Keep these bytes in place of the unpacked samples."""
        self._packed.append(packed)
        self._rows, self._plain, self.unpacked = bytearray(), True, 0

    def buffered(self) -> Buffered:
        """Return it as it is now."""
        return Buffered(tuple(self._packed), bytes(self._rows), self._plain)


def _is_plain(columns: Columns) -> bool:
    return not (columns.statuses.any() or columns.flags.any() or (columns.source_ns != columns.held_ns).any())


def _rows(columns: Columns, *, plain: bool) -> bytes:
    rows = np.empty(len(columns), _PLAIN if plain else _FULL)
    for name in rows.dtype.names or ():
        rows[name] = getattr(columns, name)
    return rows.tobytes()


def _columns(rows: bytes | bytearray, *, plain: bool) -> Columns:
    kept = np.frombuffer(bytes(rows), _PLAIN if plain else _FULL)
    held_ns = np.ascontiguousarray(kept["held_ns"])
    return Columns(
        arrival=np.ascontiguousarray(kept["arrival"]),
        source_ns=held_ns if plain else np.ascontiguousarray(kept["source_ns"]),
        held_ns=held_ns,
        values=np.ascontiguousarray(kept["values"]),
        statuses=np.zeros(len(kept), np.uint32) if plain else np.ascontiguousarray(kept["statuses"]),
        flags=np.zeros(len(kept), np.uint8) if plain else np.ascontiguousarray(kept["flags"]),
    )
