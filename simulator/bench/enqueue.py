"""Durable enqueue against raw sqlite3 committing the same bytes with the same grouping, in pairs.

A unit of work is one message with its record of evidence: what a decision leaves behind at the least.
"""

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import uvloop

from gateway.database.writer import Writer
from gateway.records.outgoing import Lane, OutgoingMessage
from gateway.store.database import open_state
from gateway.store.outbox import enqueue
from simulator.bench.measuring import Figure, Goal

UNITS = 8000
GROUP = 20  # the most that one commit of the process loop takes
PAIRS = 5
PAYLOAD = b'{"schema":"labline.disposition/1","text":"' + b"x" * 560 + b'"}'


def measure(small: bool) -> dict[str, Figure]:  # noqa: FBT001 - every bench takes it
    """Return how many messages per second become durable, over what raw sqlite3 does with the same bytes."""
    return uvloop.run(_measure(1 if small else PAIRS))


async def _measure(pairs: int) -> dict[str, Figure]:
    ours, floors = [], []
    with tempfile.TemporaryDirectory(prefix="labline-bench-") as name:
        for pair in range(pairs):
            floors.append(_raw(Path(name) / f"raw-{pair}.db"))
            directory = Path(name) / f"store-{pair}"
            directory.mkdir()
            ours.append(await _store(directory))
    return {
        "enqueue": Figure(
            value=statistics.median(ours), floor=statistics.median(floors), unit="units of work/s",
            goal=Goal(op=">=", value=0.5),
        )
    }  # fmt: skip


def _raw(path: Path) -> float:
    """Return what sqlite3 does with the same rows in the same table, made ready before, without our hands in it."""
    rows = [(f"m-{number}", 1, _topic(number), PAYLOAD, 0, number, "0" * 64) for number in range(UNITS)]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(_SAME_TABLE)
        begun = time.perf_counter()
        for first in range(0, UNITS, GROUP):
            connection.execute("BEGIN IMMEDIATE")
            for row in rows[first : first + GROUP]:
                connection.execute(
                    "INSERT INTO outbox (message_id, lane, topic, payload, retain, created_ns, hash) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)", row,
                )  # fmt: skip
            connection.execute("COMMIT")
        return UNITS / (time.perf_counter() - begun)


_SAME_TABLE = """
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT NOT NULL UNIQUE, lane INTEGER NOT NULL,
    topic TEXT NOT NULL, payload BLOB NOT NULL, retain INTEGER NOT NULL, expires_ns INTEGER,
    created_ns INTEGER NOT NULL, parked TEXT, expires_boot_ns INTEGER, boot_id TEXT, hash TEXT
) STRICT;
CREATE INDEX outbox_order ON outbox (lane, seq) WHERE parked IS NULL;
CREATE INDEX outbox_topic ON outbox (topic);
"""


async def _store(directory: Path) -> float:
    messages = [
        OutgoingMessage(message_id=f"m-{number}", lane=Lane.EVIDENCE, topic=_topic(number), payload=PAYLOAD)
        for number in range(UNITS)
    ]
    async with Writer(partial(open_state, directory), name="store") as writer:
        begun = time.perf_counter()
        waiting: deque[asyncio.Task[None]] = deque()
        for first in range(0, UNITS, GROUP):  # the next group is handed over while one is being committed
            work = partial(_enqueue, messages[first : first + GROUP])
            waiting.append(asyncio.create_task(writer.run(work), name="bench-group"))
            if len(waiting) > 1:
                await waiting.popleft()
        await waiting.popleft()
        return UNITS / (time.perf_counter() - begun)


def _topic(number: int) -> str:
    return f"bench/disposition/lot-{number % 50}"


def _enqueue(messages: Sequence[OutgoingMessage], connection: sqlite3.Connection) -> None:
    for number, message in enumerate(messages):
        enqueue(connection, message, at_ns=number)
