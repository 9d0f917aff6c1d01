"""What the drain tells the outbox. Each function is work for the writing thread."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.records import Lane
from gateway.store.statements import SQL


@dataclass(frozen=True, kw_only=True, slots=True)
class Queued:
    """A message that waits in the outbox."""

    seq: int
    message_id: str
    lane: Lane
    topic: str
    payload: bytes
    retain: bool
    expires_ns: int | None


class Left(StrEnum):
    """Why a message left without an acknowledgement."""

    EXPIRED = "expired"
    WITHHELD = "withheld"
    SUPERSEDED = "superseded"


def acknowledged(seqs: Sequence[int]) -> Callable[[sqlite3.Connection], None]:
    """Return the work that deletes what the broker has acknowledged."""

    def work(connection: sqlite3.Connection) -> None:
        connection.executemany(SQL["acknowledged"], [{"seq": seq} for seq in seqs])

    return work


def departed(seqs: Sequence[int], reason: Left, *, at_ns: int) -> Callable[[sqlite3.Connection], None]:
    """Return the work that takes messages out with a record of why."""

    def work(connection: sqlite3.Connection) -> None:
        for seq in seqs:
            connection.execute(SQL["depart"], {"seq": seq, "reason": reason.value, "at_ns": at_ns})
            connection.execute(SQL["acknowledged"], {"seq": seq})

    return work


def parked(seq: int, reason: str) -> Callable[[sqlite3.Connection], None]:
    """Return the work that sets a refused message aside: kept, but not in the way."""

    def work(connection: sqlite3.Connection) -> None:
        connection.execute(SQL["park"], {"seq": seq, "reason": reason})

    return work
