"""Messages that wait to be sent: how they come in, and what the drain reports of them (on the writing thread)."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple

from gateway.deadlines import Deadline
from gateway.records.outgoing import AuditEntry, Lane, OutgoingMessage
from gateway.store.audit import trail as audit
from gateway.store.audit.evidence import Cell, row_hash
from gateway.store.statements import SQL


class Queued(NamedTuple):
    """A message that waits in the outbox. Made for every message: a frozen dataclass would take twice as long."""

    seq: int
    message_id: str
    lane: Lane
    topic: str
    payload: bytes
    retain: bool
    expires: Deadline | None
    again: bool  # whether the broker had acknowledged it, on a connection before
    holds: bool  # whether the row matches its hash


class Left(StrEnum):
    """Why a message left without an acknowledgement."""

    EXPIRED = "expired"
    WITHHELD = "withheld"
    DAMAGED = "damaged"
    EVICTED = "evicted"
    SUPERSEDED = "superseded"


def enqueue(connection: sqlite3.Connection, message: OutgoingMessage, *, at_ns: int) -> Queued | None:
    """Put a message into the outbox within the transaction that runs; it supersedes what it replaces.

    Returns it as it waits there; None where its id is in the outbox already.
    """
    if message.replaces is not None:
        topic = {"topic": message.topic, "lane": int(message.replaces), "at_ns": at_ns}
        connection.execute(SQL["depart_replaced"], topic)
        connection.execute(SQL["delete_replaced"], topic)
    expires = message.expires
    cells: tuple[Cell, ...] = (
        message.message_id,
        int(message.lane),
        message.topic,
        message.payload,
        int(message.retain),
        expires.wall_ns if expires else None,
        at_ns,
        expires.boot_ns if expires else None,
        expires.boot_id if expires else None,
    )
    inserted = connection.execute(SQL["enqueue"], (*cells, row_hash("outbox", cells)))
    if not inserted.rowcount:
        return None
    return Queued(
        seq=inserted.lastrowid or 0,
        message_id=message.message_id,
        lane=message.lane,
        topic=message.topic,
        payload=message.payload,
        retain=message.retain,
        expires=expires,
        again=False,
        holds=True,
    )


def acknowledged(
    seqs: Sequence[int], *, connection_number: int, gone: Sequence[int] = ()
) -> Callable[[sqlite3.Connection], None]:
    """Return the work that notes what the broker has acknowledged on a connection, and deletes what it surely keeps."""

    def work(connection: sqlite3.Connection) -> None:
        connection.execute(SQL["acknowledged"], {"seqs": json.dumps(seqs), "connection": connection_number})
        connection.execute(SQL["gone"], {"seqs": json.dumps(gone)})

    return work


def departed(seqs: Sequence[int], reason: Left, *, at_ns: int) -> Callable[[sqlite3.Connection], None]:
    """Return the work that takes messages out with a record of why, and a line of the trail that vouches for it."""

    def work(connection: sqlite3.Connection) -> None:
        """Take each message out with a record of why; those that are gone already count for nothing."""
        count = 0
        for seq in seqs:
            departure = {"seq": seq, "reason": reason.value, "at_ns": at_ns}
            count += connection.execute(SQL["depart"], departure).rowcount
            connection.execute(SQL["gone"], {"seqs": json.dumps([seq])})
        if count:
            entry = AuditEntry(kind="messages_departed", subject=reason.value, body={"count": count})
            audit.append(connection, (entry,), at_ns=at_ns)

    return work


def parked(seq: int, reason: str) -> Callable[[sqlite3.Connection], None]:
    """Return the work that sets a refused message aside: kept, but not in the way."""

    def work(connection: sqlite3.Connection) -> None:
        connection.execute(SQL["park"], {"seq": seq, "reason": reason})

    return work
