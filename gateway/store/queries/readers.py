"""Readers on a connection of their own (aiosqlite): the drain's view of the outbox and figures for status."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Self

import aiosqlite

from gateway.database.opening import SQLITE_ERRORS, translated
from gateway.deadlines import ClockReading, Deadline
from gateway.events import FollowUp, ResultArrived
from gateway.inference.feedback import BiasState
from gateway.records.alarms import AlarmChange, AlarmEvent
from gateway.records.guidance import Severity
from gateway.records.laboratory import LabResult
from gateway.records.outgoing import Lane
from gateway.records.people import VersionChange
from gateway.store.codec import decode
from gateway.store.database import read_state
from gateway.store.dead_letters import Retry
from gateway.store.outbox import Queued
from gateway.store.queries.versions import changes
from gateway.store.statements import SQL
from gateway.store.transaction.restated_results import MEANT_AFTER_NS, meant
from gateway.time_units import SECOND_NS

_ROWS_AT_ONCE = 64
_RECENT_PREDICTIONS = 200
_RECENT_SAMPLES = 50
_RESIDUAL_LAMBDA = 0.2


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
    """A read connection to the state database; an async context manager."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._connection: aiosqlite.Connection | None = None

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

    async def version_changes(self) -> list[VersionChange]:
        """Return which versions of models people have put into service or taken out of it, as far as that is known."""
        acts, _unknown = changes(await self._all("version_changes"))
        return acts

    async def active_gateway_alarms(self) -> list[str]:
        """Return the ids of the gateway's own alarms that are active on record."""
        return [str(alarm_id) for (alarm_id,) in await self._all("active_gateway_alarms")]

    async def alarm_counts(self, from_ns: int) -> dict[str, float]:
        """Return how many alarms are active, unacknowledged and kept from calling, and how many called since then."""
        names = ("active", "unacknowledged", "suppressed", "called_in_10_minutes")
        ((*counts,),) = await self._all("alarm_counts", from_ns=from_ns)
        return {name: float(str(count)) for name, count in zip(names, counts, strict=True)}

    async def notified_up_to(self, target: str) -> int | None:
        """Return up to which entry about alarms a target of notifications has come; None of a new one."""
        rows = await self._all("notified_up_to", target=target)
        return int(str(rows[0][0])) if rows else None

    async def alarm_events_after(self, seq: int, *, most: int) -> list[AlarmEvent]:
        """Return what happened to alarms after an entry, the oldest first."""
        rows = await self._all("alarm_events_after", seq=seq, most=most)
        return [_alarm_event(row) for row in rows]

    async def latches(self) -> tuple[str, ...]:
        """Return the alarms that stand until a person takes them down."""
        return tuple(str(code) for (code,) in await self._all("latches"))

    async def retries(self) -> list[Retry]:
        """Return the dead letters that a person has asked to be tried again; damaged ones are left out."""
        return [
            Retry(dead_letter_id=str(key), topic=str(topic), payload=_bytes(payload), person=str(person))
            for key, topic, payload, person, holds in await self._all("retries")
            if holds
        ]

    async def model_figures(self, model: str, bundle_sha256: str, *, signed: Collection[str] = ()) -> dict[str, float]:
        """Return a model's share of abstentions and, against current lab results, coverage and residual.

        Of each analyte that results have taught it about: the bias, the charts of the residuals in sigmas, the coverage
        of the intervals that stood when samples were drawn, and of how many.

        ``signed``: the analytes whose bias is what a person has signed.
        ``lab_residual_ewma``: exponentially weighted mean of (lab - predicted), lambda 0.2, newest last.
        """
        figures: dict[str, float] = {}
        ((count, accepted),) = await self._all("recent_acceptance", model=model, most=_RECENT_PREDICTIONS)
        if isinstance(count, int) and count:
            figures["abstained_share"] = round(1.0 - float(str(accepted or 0)) / count, 4)
        rows = await self._all("recent_sample_predictions", model=model, most=_RECENT_SAMPLES)
        pairs = [
            (float(str(value)), float(str(low)), float(str(high)), decode(LabResult, str(body)).value)
            for value, low, high, body in reversed(rows)
        ]
        measured = [(value, low, high, lab) for value, low, high, lab in pairs if lab is not None]
        if measured:
            covered = sum(low <= lab <= high for _value, low, high, lab in measured)
            ewma = math.nan
            for value, _low, _high, lab in measured:
                residual = lab - value
                ewma = residual if math.isnan(ewma) else ewma + _RESIDUAL_LAMBDA * (residual - ewma)
            figures |= {"coverage": round(covered / len(measured), 4), "lab_residual_ewma": round(ewma, 4)}
        for analyte, body, holds in await self._all("learned_by_name", bundle_sha256=bundle_sha256):
            figures |= _learned_figures(str(analyte), decode(BiasState, str(body))) if holds else {}
        for analyte in signed:
            acts = await self._all("signed_bias_in_force", bundle_sha256=bundle_sha256, analyte=analyte)
            figures[f"bias_{analyte}"] = float(str(acts[0][0])) if acts else 0.0
        return figures


def _learned_figures(analyte: str, state: BiasState) -> dict[str, float]:
    figures = {
        f"bias_{analyte}": state.bias,
        f"residual_ewma_{analyte}": state.ewma.value,
        f"residual_cusum_{analyte}": max(state.cusum.high, state.cusum.low),
        f"interval_coverage_{analyte}": state.coverage or 0.0,
        f"results_{analyte}": float(state.results),
    }
    return {name: round(value, 4) for name, value in figures.items()}


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


def _alarm_event(row: tuple[object, ...]) -> AlarmEvent:
    seq, at_ns, alarm_id, change, title, severity, position, person, reason, guidance_id = row
    return AlarmEvent(
        seq=int(str(seq)),
        at_ns=int(str(at_ns)),
        alarm_id=str(alarm_id),
        change=AlarmChange(str(change)),
        title=str(title),
        severity=Severity(str(severity)),
        position=str(position),
        person=str(person),
        reason=str(reason),
        guidance_id=None if guidance_id is None else str(guidance_id),
    )
