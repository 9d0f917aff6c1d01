"""Rows by which somebody may do something count only where the audit trail vouches for them.

Who can write the database file can add a row with the right hash. So the running gateway holds in memory what the trail
vouched for as it started, and what it has written itself since; a row of ``user_version``, ``signature``,
``setpoint_stop`` and so on (``authorises`` in ``tables.py``) that is not among them gives nobody anything, and is
reported.
Of rows of which the newest holds, an older one is not revived where the newest is taken out.
"""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.records.lot_parts import BETWEEN
from gateway.store.tables import TABLES

AUTHORISES = "authorises"
"""Key in a line's body: the line vouches for rows that authorise."""
NOT_OURS = "trail_not_ours"
"""Kind of a line that says which lines before it this gateway has not written: they vouch for no authority."""
_LATELY_SECONDS = 5.0  # a reader may still see what was there as it began
_PART = "lot_part "  # before the name of a part, in that of the owner of its rows

Row = tuple[str, str | None]


class Named(NamedTuple):
    """The name of a row of which the newest of its owner holds."""

    owner: str  # its table and its owner
    seq: int


def authorises(name: str) -> bool:
    """Return whether a row, by its name in the trail, is one that authorises."""
    table = TABLES.get(name.partition(" ")[0])
    return table is not None and table.authorises


def named(name: str) -> Named | None:
    """Return the owner and number of a row of which the newest counts, None of any other."""
    table_name, _, key = name.partition(" ")
    table = TABLES[table_name]
    if not table.newest_counts:
        return None
    if not table.named_by:
        return Named(f"{table_name} ", int(key))
    owner, seq = json.loads(key)
    return Named(f"{table_name} {owner}", int(seq))


@dataclass(slots=True)
class Authority:
    """What the trail vouches for of the rows that authorise; ``refused``: rows that were met and are not among them."""

    rows: dict[str, str] = field(default_factory=dict)
    newest: dict[str, int] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    _parts: dict[str, dict[str, float]] = field(default_factory=dict)  # of each lot: a part, and until when it is new
    _rows_before: dict[str, tuple[str, float]] = field(default_factory=dict)
    _newest_before: dict[str, tuple[int, float]] = field(default_factory=dict)

    def take(self, rows: Iterable[Row]) -> None:
        """Take rows that are vouched for from now on: (name, hash), None where a row was taken out."""
        until = time.monotonic() + _LATELY_SECONDS
        for name, digest in rows:
            before, of = self.rows.get(name), named(name)
            if before is not None and before != digest:
                self._rows_before[name] = before, until
            if digest is None:
                self.rows.pop(name, None)
                continue
            self.rows[name] = digest
            newest = None if of is None else self.newest.get(of.owner)
            if newest is None and of is not None and of.owner.startswith(_PART):
                part = of.owner.removeprefix(_PART)
                self._parts.setdefault(part.rpartition(BETWEEN)[0], {})[part] = until
            if of is not None and (newest is None or of.seq > newest):
                if newest is not None:
                    self._newest_before[of.owner] = newest, until
                self.newest[of.owner] = of.seq
        for lately in (self._rows_before, self._newest_before):
            for gone in [name for name, (_value, ends) in lately.items() if ends < time.monotonic()]:
                del lately[gone]

    def forget_before(self) -> None:
        """Forget what was there before: nobody reads yet."""
        self._rows_before.clear()
        self._newest_before.clear()
        self._parts = {lot: dict.fromkeys(parts, 0.0) for lot, parts in self._parts.items()}

    def vouches(self, name: str, digest: str | None, *, lately: bool = False) -> bool:
        """Return whether a row is as the trail vouches for it; ``lately``: or was so some seconds ago."""
        if digest is not None and self.rows.get(name) == digest:
            return True
        before, until = self._rows_before.get(name, ("", 0.0))
        return lately and before == digest and until > time.monotonic()

    def is_newest(self, name: str, *, lately: bool = False) -> bool:
        """Return whether no newer row of the same owner is known; ``lately``: or was not some seconds ago."""
        of = named(name)
        if of is None or self.newest.get(of.owner) == of.seq:
            return True
        before, until = self._newest_before.get(of.owner, (0, 0.0))
        return lately and before == of.seq and until > time.monotonic()

    def parts_of(self, lot: str, *, lately: bool = False) -> list[str]:
        """Return the parts of a lot that are vouched for; ``lately``: without those of the last seconds."""
        now = time.monotonic()
        return sorted(part for part, new_until in self._parts.get(lot, {}).items() if not lately or new_until < now)

    def all_parts(self) -> list[str]:
        """Return the parts of every lot that are vouched for."""
        return sorted(part for parts in self._parts.values() for part in parts)

    def refuse(self, name: str, why: str) -> None:
        """Note a row that authorises nothing; each once."""
        self.refused.setdefault(name, why)
