"""One write to a PLC: everything is looked at once more, the value is written once and read back.

In this order, so that a crash at any point leaves a record that says what may have happened:

1. the plant is read and judged; where it speaks against the move, the intent is closed;
2. ``SetpointWriteBegun`` is committed, by a decision that judges all records at that instant;
3. records and plant are read and judged again, directly before the write;
4. the value is written, once, and read back until it stands; a stop meanwhile lets nothing more be sent, and ends the
   heartbeat, so that the PLC drops what is requested and not in force;
5. ``SetpointWriteEnded`` is committed.

An intent that is met in the state "writing" was cut off between 2 and 5, by a lost connection or a crash: it is never
written again, what is read back decides.
"""

import math
from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from gateway.clock import Clock
from gateway.errors import LablineError
from gateway.guardrails.reasons import Abstention, abstain
from gateway.guardrails.writing import Permission, PlantNow, Refused, judge_permission, judge_plant
from gateway.line.definition import LineDefinition
from gateway.line.setpoint_writes import SetpointWrite
from gateway.records.setpoints import SetpointIntent, WriteState
from gateway.records.verdicts import Reason
from gateway.runtime.setpoint_journal import SetpointJournal
from gateway.runtime.setpoint_plc import Plc
from gateway.setpoints.handshake import Do, Ended, Handshake, not_applied, refused_by_server
from gateway.setpoints.kept_back import has_ended
from gateway.store.queries.setpoints import WriteOnRecord
from gateway.time_units import SECOND_NS
from gateway.transport.opcua_types import Writable
from gateway.transport.opcua_writing import WriteRefusedError

log = structlog.get_logger()

_READ_BACK_SECONDS = 0.1

Pause = Callable[[Plc, float], Awaitable[None]]
Halt = Callable[[], None]


class WriteSequence:
    """Takes one intent from the look at the plant to what came of it."""

    def __init__(
        self, *, line: LineDefinition, clock: Clock, journal: SetpointJournal, pause: Pause, halt: Halt
    ) -> None:
        """``pause``: waits between two looks, while the heartbeat goes on; ``halt``: ends the heartbeat."""
        self._line = line
        self._clock = clock
        self._journal = journal
        self._pause = pause
        self._halt = halt

    def take_line(self, line: LineDefinition) -> None:
        """Judge by this definition from now on."""
        self._line = line

    async def write(self, plc: Plc, intent: SetpointIntent, write: SetpointWrite) -> None:
        """Write what is approved, once, where records and plant still allow it."""
        plant, _writable = await plc.at_this_instant(intent, write, self._line)
        before = plant.tags.get(intent.tag)
        refused = judge_plant(intent, self._line, plant)
        if refused is not None:
            await self._refused(intent, refused, before)
            return
        await self._journal.begun(intent, before)
        known = await self._journal.on_record(intent)
        if known is None or known.state is not WriteState.WRITING:
            return  # the decision has closed it
        plant, writable = await plc.at_this_instant(intent, write, self._line)
        refused = self._judged(intent, await self._journal.on_record(intent), plant)
        before, value = plant.tags.get(intent.tag), plant.to_write
        if refused is not None or value is None or before is None:
            await self._refused(intent, refused or _unknown(intent), before)
            return
        ended = await self._sent(plc, intent, write, writable, before, value)
        await self._journal.ended(intent, ended, before=before, written=value)

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
            since_move_ns=known.since_move_ns,
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
            return await self._followed(plc, intent, handshake)
        except WriteRefusedError as error:
            actual = (await plc.seen(write)).actual
            log.warning("the PLC's server refuses a write", tag=intent.tag, status=error.status)
            return refused_by_server(write, error.status, before=before, actual=actual)
        except LablineError:
            reason = abstain(Abstention.WRITE_CUT_OFF, tag=intent.tag)
            unknown = Ended(state=WriteState.UNKNOWN, read_back=None, reason=reason)
            await self._journal.ended(intent, unknown, before=before, written=value)
            raise

    async def resolve(self, plc: Plc, intent: SetpointIntent, write: SetpointWrite, state: WriteState) -> None:
        """Let what is read back decide of a write that was cut off; nothing is sent."""
        before = await self._journal.before(intent)
        handshake = Handshake(
            write=write,
            before=math.nan if before is None else before,
            goal=intent.to_value,
            sent_ns=self._monotonic_ns(),
            applied=True,
        )
        ended = await self._followed(plc, intent, handshake, resolving=True)
        if ended.state is state:
            return  # not known yet: the next look may tell
        await self._journal.ended(intent, ended, before=before)

    async def _followed(
        self, plc: Plc, intent: SetpointIntent, handshake: Handshake, *, resolving: bool = False
    ) -> Ended:
        """Read back until what came of a write is known, at most until its timeout.

        ``resolving``: of a write that was cut off; that the PLC has shed since then says nothing.
        """
        stopped: Reason | None = None  # a stop that has come holds for this write, also where it is lifted meanwhile
        while True:
            seen = await plc.seen(handshake.write)
            seen = replace(seen, external=None) if resolving else seen
            stopped = await self._stopped_now(plc) or stopped
            following = handshake.step(seen, self._monotonic_ns(), stopped=None if resolving else stopped)
            if isinstance(following, Ended):
                return following
            handshake, do = following
            if do is Do.APPLY:
                refused = await self._judged_again(plc, intent, handshake.write)
                if refused is not None:
                    return not_applied(refused, handshake, seen.actual)
                await plc.apply(handshake.write)
            await self._pause(plc, _READ_BACK_SECONDS)

    async def _judged_again(self, plc: Plc, intent: SetpointIntent, write: SetpointWrite) -> Refused | None:
        """Return why what is requested may not come into force at this instant, by plant and records; None: it may."""
        plant, _writable = await plc.at_this_instant(intent, write, self._line)
        return self._judged(intent, await self._journal.on_record(intent), plant)

    async def look_at_cause(self, plc: Plc, write: SetpointWrite) -> None:
        """Put on record that what the plant had against the last move of a setpoint has ended, where it has."""
        kept_back = await self._journal.kept_back(write.tag)
        if kept_back is None:
            return
        intent, cause = kept_back
        plant, _writable = await plc.at_this_instant(intent, write, self._line)
        if has_ended(cause, judge_plant(intent, self._line, plant)):
            await self._journal.ended(intent, Ended(state=WriteState.CAUSE_ENDED, read_back=None))

    async def _stopped_now(self, plc: Plc) -> Reason | None:
        """Return why nothing may be sent at this instant, by a person's stop or the stop tag; None where it may.

        The records are read last, directly before what is sent.
        """
        by_tag = await plc.stop_tag(self._line)
        stop, _intents = await self._journal.state_of_writes()
        stopped = by_tag if stop is None else abstain(Abstention.WRITES_STOPPED)
        if stopped is not None:
            self._halt()
        return stopped

    async def _refused(self, intent: SetpointIntent, refused: Refused, before: float | None) -> None:
        log.warning("a setpoint is not written", tag=intent.tag, reason=refused.reason.text)
        ended = Ended(state=refused.state, read_back=None, reason=refused.reason)
        await self._journal.ended(intent, ended, before=before)

    def _monotonic_ns(self) -> int:
        return round(self._clock.monotonic() * SECOND_NS)


def _unknown(intent: SetpointIntent) -> Refused:
    reason = abstain(Abstention.SETPOINT_UNKNOWN, tag=intent.tag)
    return Refused(state=WriteState.REFUSED, reason=reason)
