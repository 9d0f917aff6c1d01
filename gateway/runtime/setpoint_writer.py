"""The one loop that writes to a PLC: it takes open intents, looks at everything once more, writes once, reads back.

In this order, so that a crash at any point leaves a record that says what may have happened:

1. the plant is read and judged; where it speaks against the move, the intent is closed;
2. ``SetpointWriteBegun`` is committed, by a decision that judges all records at that instant;
3. records and plant are read and judged again, directly before the write;
4. the value is written, once, and read back until it stands;
5. ``SetpointWriteEnded`` is committed.

An intent that is met in the state "writing" was cut off between 2 and 5, by a lost connection or a crash: it is never
written again, what is read back decides. The same loop counts up the heartbeat, so that it stops where the loop, the
store or the connection does, or where writing is stopped; the PLC then hands its setpoints to the operator.
"""

import asyncio
import math
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import structlog

from gateway.clock import Clock
from gateway.contract.identity import identity_of
from gateway.database.writer import Writer
from gateway.errors import LablineError, StoreCorruptError
from gateway.events import Event, SetpointWriteBegun, SetpointWriteEnded
from gateway.guardrails.reasons import Abstention, abstain
from gateway.guardrails.writing import Permission, PlantNow, Refused, judge_permission, judge_plant
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.line.definition import LineDefinition
from gateway.line.setpoint_writes import SetpointWrite
from gateway.records.setpoints import SetpointIntent, WriteState
from gateway.records.verdicts import Reason
from gateway.runtime.setpoint_plc import Plc
from gateway.setpoints.handshake import Do, Ended, Handshake, refused_by_server
from gateway.store.queries.setpoints import (
    StopOnRecord,
    WriteOnRecord,
    begun_of,
    open_intents,
    stop_of,
    write_on_record,
)
from gateway.time_units import SECOND_NS
from gateway.transport.opcua_source import OpcUaSource
from gateway.transport.opcua_writing import Writable, WriteRefusedError, plc_port
from gateway.transport.reconnect import Reconnection

log = structlog.get_logger()

_LOOK_SECONDS = 0.25
_READ_BACK_SECONDS = 0.1
_BEAT_SECONDS = 1.0
_HEARD_SECONDS = 1.5  # a PLC that had shed listens again after a beat and a few scans
_COMMIT_SECONDS = 10.0

OnCondition = Callable[[str, bool], None]


class SetpointWriter:
    """Writes the setpoints of one OPC UA server."""

    def __init__(
        self,
        source: OpcUaSource,
        *,
        line: LineDefinition,
        clock: Clock,
        store: Writer,
        inbox: EventQueue,
        present: Callable[[str], float | None],
        on_condition: OnCondition,
    ) -> None:
        """``present``: a tag's value of now from the history, for interlocks that are tags of other servers."""
        self._source = source
        self._line = line
        self._clock = clock
        self._store = store
        self._inbox = inbox
        self._present = present
        self._on_condition = on_condition
        self._reconnection = Reconnection(f"setpoint writer {source.name}", clock=clock)
        self._away = f"SETPOINT_WRITER_AWAY_{source.name.upper()}"
        self._next_beat = -math.inf
        self._stopped = True
        self._listens_from = -math.inf  # from when on the PLC has heard enough heartbeats to listen

    def take_line(self, line: LineDefinition) -> None:
        """Write by this definition from now on."""
        self._line = line

    @property
    def _beat_node(self) -> str | None:
        return self._line.writes.heartbeats.get(self._source.name)

    async def run(self) -> None:
        """Write what is approved, until cancelled."""
        while True:
            self._reconnection.attempt()
            try:
                await self._one_connection()
                why = "the connection ended"
            except StoreCorruptError:
                raise  # the gateway ends, and says so
            except LablineError as error:
                why = f"{error}; {error.hint}" if error.hint else str(error)
            except Exception as error:  # noqa: BLE001 - a loop's edge: asyncua raises of every kind
                why = str(error) or repr(error)
            self._on_condition(self._away, True)
            delay = self._reconnection.failed(why)
            await self._close_expired()
            await asyncio.sleep(delay)

    async def _one_connection(self) -> None:
        async with plc_port(self._source) as port:
            plc = Plc(port, source=self._source.name, present=self._present)
            self._reconnection.connected()
            self._stopped = True
            await self._pass(plc)
            self._reconnection.proven()
            self._on_condition(self._away, False)
            while True:
                await self._pause(plc, _LOOK_SECONDS)
                await self._pass(plc)

    async def _pass(self, plc: Plc) -> None:
        """Look once at what is open, and take it up; at most one write is under way."""
        stop, intents = await self._store.run(_state_of_writes)
        if self._stopped and stop is None:  # heartbeats begin again
            self._listens_from = self._clock.monotonic() + (_HEARD_SECONDS if self._beat_node is not None else 0.0)
        self._stopped = stop is not None
        self._on_condition("SETPOINT_WRITES_STOPPED", self._stopped)
        for intent, state in intents:
            write = self._line.writes.by_tag.get(intent.tag)
            if write is None or write.source != self._source.name:
                continue
            if state is WriteState.OPEN:
                if self._stopped or self._clock.monotonic() >= self._listens_from:
                    await self._write(plc, intent, write)
            else:
                await self._resolve(plc, intent, write, state)

    async def _close_expired(self) -> None:
        """Close what has expired while the PLC is away: nobody expects it to be written much later."""
        try:
            _stop, intents = await self._store.run(_state_of_writes)
        except LablineError:
            return  # tried again with the next connection
        for intent, state in intents:
            write = self._line.writes.by_tag.get(intent.tag)
            mine = write is not None and write.source == self._source.name
            if mine and state is WriteState.OPEN and self._clock.now().is_past(intent.expires):
                reason = abstain(Abstention.APPROVAL_EXPIRED, tag=intent.tag)
                await self._ended(intent, Ended(state=WriteState.EXPIRED, read_back=None, reason=reason))

    # --- one write

    async def _write(self, plc: Plc, intent: SetpointIntent, write: SetpointWrite) -> None:
        plant, _writable = await plc.at_this_instant(intent, write, self._line)
        before = plant.tags.get(intent.tag)
        refused = judge_plant(intent, self._line, plant)
        if refused is not None:
            await self._refused(intent, refused, before)
            return
        begun = SetpointWriteBegun(
            event_id=self._event_id("begun", intent), at=self._clock.now(), intent_id=intent.intent_id, before=before
        )
        await self._committed(begun)
        known = await self._store.run(partial(_on_record, intent_id=intent.intent_id, at_ns=self._clock.now_ns()))
        if known is None or known.state is not WriteState.WRITING:
            return  # the decision has closed it
        plant, writable = await plc.at_this_instant(intent, write, self._line)
        known = await self._store.run(partial(_on_record, intent_id=intent.intent_id, at_ns=self._clock.now_ns()))
        refused = self._judged(intent, known, plant)
        before, value = plant.tags.get(intent.tag), plant.to_write
        if refused is not None or value is None or before is None:
            await self._refused(intent, refused or _unknown(intent), before)
            return
        ended = await self._sent(plc, intent, write, writable, before, value)
        await self._ended(intent, ended, before=before, written=value)

    def _judged(self, intent: SetpointIntent, known: WriteOnRecord | None, plant: PlantNow) -> Refused | None:
        """Return why a move may not be written at this instant, by records and plant; None where it may."""
        if known is None or known.state is not WriteState.WRITING:
            return _unknown(intent)
        permission = Permission(
            line=self._line,
            at=self._clock.now(),
            latches=known.latches,
            stopped=known.stopped,
            guidance=known.guidance,
            moved_ns=known.moved_ns,
            automatic_moves=known.automatic_moves,
        )
        return judge_permission(intent, permission) or judge_plant(intent, self._line, plant)

    async def _sent(
        self,
        plc: Plc,
        intent: SetpointIntent,
        write: SetpointWrite,
        writable: Writable,
        before: float,
        value: float,
    ) -> Ended:
        """Send the value, once, and return what came of it; a lost connection goes on record before it is raised."""
        try:
            await plc.send(intent, write, writable, value)
            handshake = Handshake(write=write, before=before, goal=value, sent_ns=self._monotonic_ns())
            return await self._followed(plc, handshake)
        except WriteRefusedError as error:
            actual = (await plc.seen(write)).actual
            log.warning("the PLC's server refuses a write", tag=intent.tag, status=error.status)
            return refused_by_server(write, error.status, before=before, actual=actual)
        except LablineError:
            reason = abstain(Abstention.WRITE_CUT_OFF, tag=intent.tag)
            unknown = Ended(state=WriteState.UNKNOWN, read_back=None, reason=reason)
            await self._ended(intent, unknown, before=before, written=value)
            raise

    async def _resolve(self, plc: Plc, intent: SetpointIntent, write: SetpointWrite, state: WriteState) -> None:
        """Let what is read back decide of a write that was cut off; nothing is sent."""
        before = await self._store.run(partial(_before, intent_id=intent.intent_id))
        handshake = Handshake(
            write=write,
            before=math.nan if before is None else before,
            goal=intent.to_value,
            sent_ns=self._monotonic_ns(),
            applied=True,
        )
        ended = await self._followed(plc, handshake, resolving=True)
        if ended.state is state:
            return  # not known yet: the next look may tell
        await self._ended(intent, ended, before=before)

    async def _followed(self, plc: Plc, handshake: Handshake, *, resolving: bool = False) -> Ended:
        """Read back until what came of a write is known, at most until its timeout.

        ``resolving``: of a write that was cut off; that the PLC has shed since then says nothing.
        """
        while True:
            seen = await plc.seen(handshake.write)
            seen = replace(seen, external=None) if resolving else seen
            following = handshake.step(seen, self._monotonic_ns())
            if isinstance(following, Ended):
                return following
            handshake, do = following
            if do is Do.APPLY:
                stopped = await self._stopped_now(plc)
                if stopped is not None:  # what was requested is not in force yet, and does not come into force
                    return Ended(state=WriteState.STOPPED, read_back=seen.actual, reason=stopped)
                await plc.apply(handshake.write)
            await self._pause(plc, _READ_BACK_SECONDS)

    async def _stopped_now(self, plc: Plc) -> Reason | None:
        """Return why nothing may be sent at this instant, by a person's stop or the stop tag; None where it may."""
        stop, _intents = await self._store.run(_state_of_writes)
        return await plc.stop_tag(self._line) if stop is None else abstain(Abstention.WRITES_STOPPED)

    # --- events and time

    async def _refused(self, intent: SetpointIntent, refused: Refused, before: float | None) -> None:
        log.warning("a setpoint is not written", tag=intent.tag, reason=refused.reason.text)
        await self._ended(intent, Ended(state=refused.state, read_back=None, reason=refused.reason), before=before)

    async def _ended(
        self, intent: SetpointIntent, ended: Ended, *, before: float | None = None, written: float | None = None
    ) -> None:
        event = SetpointWriteEnded(
            event_id=self._event_id(ended.state.value, intent),
            at=self._clock.now(),
            intent_id=intent.intent_id,
            state=ended.state,
            before=before,
            written=written,
            read_back=ended.read_back,
            reason=ended.reason,
        )
        await self._committed(event)

    def _event_id(self, what: str, intent: SetpointIntent) -> str:
        return identity_of("setpoint-write", what, intent.intent_id)

    async def _committed(self, event: Event) -> None:
        """Have an event decided; raises LablineError where it is not committed in time."""
        committed = asyncio.Event()
        self._inbox.put(event, Urgency.STOP_AND_RESPONSES, committed.set)
        try:
            async with asyncio.timeout(_COMMIT_SECONDS):
                await committed.wait()
        except TimeoutError:
            self._inbox.withdraw(event.event_id)
            raise LablineError(f"the store did not take {event.kind} in {_COMMIT_SECONDS:g} s") from None

    async def _pause(self, plc: Plc, seconds: float) -> None:
        await asyncio.sleep(seconds)
        node = self._beat_node
        now = self._clock.monotonic()
        if node is None or self._stopped or now < self._next_beat:
            return
        self._next_beat = now + _BEAT_SECONDS
        await plc.beat(node)

    def _monotonic_ns(self) -> int:
        return round(self._clock.monotonic() * SECOND_NS)


def _unknown(intent: SetpointIntent) -> Refused:
    reason = abstain(Abstention.SETPOINT_UNKNOWN, tag=intent.tag)
    return Refused(state=WriteState.REFUSED, reason=reason)


# --- on the writing thread, so that what was committed before is seen ----------------------------------------


def _state_of_writes(
    connection: sqlite3.Connection,
) -> tuple[StopOnRecord | None, tuple[tuple[SetpointIntent, WriteState], ...]]:
    return stop_of(connection), open_intents(connection)


def _on_record(connection: sqlite3.Connection, *, intent_id: str, at_ns: int) -> WriteOnRecord | None:
    return write_on_record(connection, intent_id, at_ns)


def _before(connection: sqlite3.Connection, *, intent_id: str) -> float | None:
    begun = begun_of(connection, intent_id)
    return None if begun is None else begun.before
