"""Readers on a connection of their own (aiosqlite): the drain's view of the outbox and figures for status."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Self

import aiosqlite

from gateway.database.opening import SQLITE_ERRORS, translated
from gateway.deadlines import ClockReading, Deadline
from gateway.events import ResultArrived
from gateway.records.follow_ups import FollowUp
from gateway.records.outgoing import Lane
from gateway.store.codec import decode
from gateway.store.database import read_state
from gateway.store.dead_letters import Retry
from gateway.store.outbox import Queued
from gateway.store.queries.alarm_reader import AlarmReader
from gateway.store.queries.certificate_reader import CertificateReader
from gateway.store.queries.model_reader import ModelReader
from gateway.store.queries.sink_reader import SinkReader
from gateway.store.queries.sparkplug_reader import SparkplugReader
from gateway.store.statements import SQL
from gateway.store.transaction.restated_results import MEANT_AFTER_NS, meant
from gateway.time_units import SECOND_NS

_ROWS_AT_ONCE = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Depths:
    """How much waits in the outbox."""

    messages: Mapping[Lane, int] = field(default_factory=dict)
    parked: int = 0
    bytes: int = 0
    oldest_ns: int | None = None

    def oldest_seconds(self, now_ns: int) -> float:
        """Return the age of the oldest message, 0 where none waits."""
        return 0.0 if self.oldest_ns is None else max(0.0, (now_ns - self.oldest_ns) / SECOND_NS)


class Reader:
    """A read connection to the state database; an async context manager.

    ``alarms``, ``models``, ``sinks``, ``sparkplug`` and ``certificates`` read on the same connection.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._connection: aiosqlite.Connection | None = None
        self.alarms = AlarmReader(self._all)
        self.models = ModelReader(self._all)
        self.sinks = SinkReader(self._all)
        self.sparkplug = SparkplugReader(self._all)
        self.certificates = CertificateReader(self._all)

    async def __aenter__(self) -> Self:
        self._connection = await aiosqlite.Connection(partial(read_state, self._directory), _ROWS_AT_ONCE)
        return self

    async def __aexit__(self, *_exception: object) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def _all(self, statement: str, **parameters: object) -> list[tuple[object, ...]]:
        if self._connection is None:
            raise RuntimeError("the reader is not open")
        try:
            rows = await self._connection.execute_fetchall(SQL[statement], parameters)
            return [tuple(row) for row in rows]
        except SQLITE_ERRORS as error:
            raise translated(error, "the store cannot be read") from error

    async def follow_ups(self, *, most: int) -> list[tuple[str, FollowUp | None]]:
        """Return what decisions have left for later, the oldest first, by its event's id; None where it is damaged."""
        return [
            (str(event_id), decode(FollowUp, str(body))) for event_id, body in await self._all("follow_ups", most=most)
        ]

    async def restated(self, at: ClockReading, *, most: int) -> list[ResultArrived | None]:
        """Return the results that the laboratory sent again and that have stood long enough to count; None: damaged."""
        rows = await self._all("restated_since", until_ns=at.wall_ns - MEANT_AFTER_NS, most=most)
        return [meant(row, at) for row in rows]

    async def newest_seq(self) -> int:
        """Return the number of the newest message that waits, 0 where none does."""
        ((seq,),) = await self._all("newest_seq")
        return int(str(seq))

    async def waiting(self, *, most: int, cursors: Mapping[str, int]) -> list[Queued]:
        """Return the next messages to send, in the order of sending; see ``gateway.publish.order``."""
        return [queued(row) for row in await self._all("waiting", most=most, **cursors)]

    async def older_of_topic(
        self, message: Queued, *, sent: int, backlog: int, connection: int, most: int
    ) -> list[Queued]:
        """Return what waits of a message's lane and topic from before the connection came up."""
        rows = await self._all(
            "older_of_topic",
            topic=message.topic,
            lane=int(message.lane),
            sent=sent,
            backlog=backlog,
            connection=connection,
            most=most,
        )
        return [queued(row) for row in rows]

    async def depths(self) -> Depths:
        """Return how much waits."""
        return depths(await self._all("depths"))

    async def retries(self) -> list[Retry]:
        """Return the dead letters that a person has asked to be tried again; damaged ones are left out."""
        return [
            Retry(dead_letter_id=str(key), topic=str(topic), payload=_bytes(payload), person=str(person))
            for key, topic, payload, person, holds in await self._all("retries")
            if holds
        ]


def queued(row: tuple[object, ...]) -> Queued:
    """Return a row of the outbox as a message."""
    seq, message_id, lane, topic, payload, retain, expires_ns, expires_boot_ns, boot_id, acknowledged, holds = row
    return Queued(
        seq=int(str(seq)),
        message_id=str(message_id),
        lane=Lane(int(str(lane))),
        topic=str(topic),
        payload=_bytes(payload),
        retain=bool(retain),
        expires=_deadline(expires_ns, expires_boot_ns, boot_id),
        again=bool(acknowledged),
        holds=bool(holds),
    )


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""


def _deadline(wall_ns: object, boot_ns: object, boot_id: object) -> Deadline | None:
    """Return the deadline in three columns; of a message older than boot times, one that only the wall clock ends."""
    if not isinstance(wall_ns, int):
        return None
    return Deadline(wall_ns=wall_ns, boot_ns=boot_ns if isinstance(boot_ns, int) else 0, boot_id=str(boot_id or ""))


def depths(rows: list[tuple[object, ...]]) -> Depths:
    """Return rows of ``depths`` as one record."""
    numbers = [tuple(int(str(cell or 0)) for cell in row) for row in rows]
    return Depths(
        messages={Lane(lane): count - parked for lane, count, _oldest, parked, _size in numbers},
        parked=sum(parked for _lane, _count, _oldest, parked, _size in numbers),
        bytes=sum(size for _lane, _count, _oldest, _parked, size in numbers),
        oldest_ns=min((oldest for _lane, _count, oldest, _parked, _size in numbers), default=None),
    )
