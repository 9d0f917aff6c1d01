"""What may leave the state database by age or for want of space. Each function is work for the writing thread."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from gateway.records.outgoing import AuditEntry, Lane
from gateway.store.audit import trail as audit
from gateway.store.statements import SQL

AT_ONCE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """Bytes of the database file in use, and of what waits in the lanes that the quota bounds."""

    state: int
    lanes: dict[Lane, int]


def sizes(connection: sqlite3.Connection) -> Sizes:
    """Return the sizes."""
    lanes = {Lane(lane): size for lane, size in connection.execute(SQL["lane_bytes"])}
    return Sizes(state=connection.execute(SQL["size"]).fetchone()[0], lanes=lanes)


def prune(before_ns: int, *, at_ns: int) -> Callable[[sqlite3.Connection], int]:
    """Return the work that deletes some of what goes by age; it returns how many.

    That is predictions, departures, ended deliveries and what models were asked to phrase. Predictions at a sample's
    drawn time stay: they are evidence. That departures have gone is a line of the trail.
    """

    def work(connection: sqlite3.Connection) -> int:
        limits = {"before_ns": before_ns, "most": AT_ONCE}
        departures = connection.execute(SQL["prune_departures"], limits).rowcount
        if departures:
            body = {"before_ns": before_ns, "count": departures}
            audit.append(connection, (AuditEntry(kind="pruned", subject="departure", body=body),), at_ns=at_ns)
        deliveries = connection.execute(SQL["prune_deliveries"], limits).rowcount
        phrasings = connection.execute(SQL["prune_phrasings"], limits).rowcount
        return departures + deliveries + phrasings + connection.execute(SQL["prune_predictions"], limits).rowcount

    return work


@dataclass(frozen=True, kw_only=True, slots=True)
class EvictableMessages:
    """The oldest messages of a lane, which would go next."""

    seqs: tuple[int, ...]
    from_ns: int
    until_ns: int


def evictable(lane: Lane) -> Callable[[sqlite3.Connection], EvictableMessages | None]:
    """Return the work that names the oldest messages of a lane; evidence is never evicted."""
    if lane is Lane.EVIDENCE:
        raise ValueError("evidence is never evicted")

    def work(connection: sqlite3.Connection) -> EvictableMessages | None:
        rows = connection.execute(SQL["oldest_of_lane"], {"lane": int(lane), "most": AT_ONCE}).fetchall()
        if not rows:
            return None
        created = [row["created_ns"] for row in rows]
        return EvictableMessages(seqs=tuple(row["seq"] for row in rows), from_ns=min(created), until_ns=max(created))

    return work
