"""The one loop that writes to a PLC: it takes up open intents, one at a time, and keeps the heartbeat going.

``setpoint_sequence.py`` says in which order one write goes; ``setpoint_heartbeat.py``, what the PLC hears meanwhile;
``setpoint_journal.py``, what is on record.
"""

import asyncio
import math
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from gateway.clock import Clock
from gateway.database.writer import Writer
from gateway.errors import LablineError, StoreCorruptError
from gateway.guardrails.reasons import Abstention, abstain
from gateway.ingest.event_queue import EventQueue
from gateway.line.definition import LineDefinition
from gateway.records.setpoints import WriteState
from gateway.runtime.setpoint_feedback import FeedbackFollower
from gateway.runtime.setpoint_heartbeat import Heartbeat
from gateway.runtime.setpoint_journal import SetpointJournal
from gateway.runtime.setpoint_plc import Plc, Port
from gateway.runtime.setpoint_sequence import WriteSequence
from gateway.setpoints.handshake import Ended
from gateway.transport.opcua_source import OpcUaSource
from gateway.transport.opcua_writing import plc_port
from gateway.transport.reconnect import Reconnection

_LOOK_SECONDS = 0.25
_CAUSES_SECONDS = 1.0

OnCondition = Callable[[str, bool], None]
Connect = Callable[[OpcUaSource], AbstractAsyncContextManager[Port]]


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
        connect: Connect = plc_port,
    ) -> None:
        """Write nothing yet.

        ``present``: a tag's value of now from the history, for interlocks that are tags of other servers. ``connect``:
        opens a connection of its own to the server.
        """
        self._connect = connect
        self._source = source
        self._line = line
        self._clock = clock
        self._present = present
        self._on_condition = on_condition
        self._reconnection = Reconnection(f"setpoint writer {source.name}", clock=clock)
        self._next_causes = -math.inf
        self._away = f"SETPOINT_WRITER_AWAY_{source.name.upper()}"
        self._heartbeat = Heartbeat(source.name, line=line, clock=clock)
        self._journal = SetpointJournal(clock=clock, store=store, inbox=inbox)
        self._feedbacks = FeedbackFollower(clock=clock, journal=self._journal)
        self._sequence = WriteSequence(line=line, clock=clock, journal=self._journal, pause=self._heartbeat.pause,
                                       halt=self._heartbeat.stop)  # fmt: skip

    def take_line(self, line: LineDefinition) -> None:
        """Write by this definition from now on."""
        self._line = line
        self._heartbeat.take_line(line)
        self._sequence.take_line(line)

    async def run(self) -> None:
        """Write what is approved, until cancelled."""
        while True:
            self._reconnection.attempt()
            try:
                await self._close_expired()  # what has waited too long while the server was away
                await self._one_connection()
                why = "the connection ended"
            except StoreCorruptError:
                raise  # the gateway ends, and says so
            except LablineError as error:
                why = f"{error}; {error.hint}" if error.hint else str(error)
            except Exception as error:  # noqa: BLE001 - a loop's edge: asyncua raises of every kind
                why = str(error) or repr(error)
            self._on_condition(self._away, True)
            await asyncio.sleep(self._reconnection.failed(why))

    async def _one_connection(self) -> None:
        async with self._connect(self._source) as port:
            plc = Plc(port, source=self._source.name, present=self._present)
            self._reconnection.connected()
            self._feedbacks.connected_anew()
            self._heartbeat.stop()  # until the records have told that writing is not stopped
            await self._pass(plc)
            self._reconnection.proven()
            self._on_condition(self._away, False)
            while True:
                await self._heartbeat.pause(plc, _LOOK_SECONDS)
                await self._pass(plc)

    async def _pass(self, plc: Plc) -> None:
        """Look once at what is open, and take it up; at most one write is under way."""
        by_tag = await plc.stop_tag(self._line)
        stop, intents = await self._journal.state_of_writes()
        stopped = stop is not None or by_tag is not None
        if stopped:
            self._heartbeat.stop()
        else:
            self._heartbeat.go_on()
        self._on_condition("SETPOINT_WRITES_STOPPED", stopped)
        for intent, state in intents:
            write = self._line.writes.by_tag.get(intent.tag)
            if write is None or write.source != self._source.name:
                continue
            if state is WriteState.OPEN:
                if stopped or self._heartbeat.listens:
                    await self._sequence.write(plc, intent, write)
            elif state is WriteState.FOLLOWING:
                await self._feedbacks.look(plc, intent, write)
            else:
                await self._sequence.resolve(plc, intent, write, state)

        await self._look_at_causes(plc)

    async def _look_at_causes(self, plc: Plc) -> None:
        """Look each second whether what kept moves without a person back has ended."""
        now = self._clock.monotonic()
        if now < self._next_causes:
            return
        self._next_causes = now + _CAUSES_SECONDS
        for write in self._line.writes.by_tag.values():
            if write.source == self._source.name and write.low_risk:
                await self._sequence.look_at_cause(plc, write)

    async def _close_expired(self) -> None:
        """Close what has expired while the PLC is away: nobody expects it to be written much later."""
        try:
            _stop, intents = await self._journal.state_of_writes()
        except LablineError:
            return  # tried again with the next connection
        for intent, state in intents:
            write = self._line.writes.by_tag.get(intent.tag)
            mine = write is not None and write.source == self._source.name
            if mine and state is WriteState.OPEN and self._clock.now().is_past(intent.expires):
                reason = abstain(Abstention.APPROVAL_EXPIRED, tag=intent.tag)
                await self._journal.ended(intent, Ended(state=WriteState.EXPIRED, read_back=None, reason=reason))
