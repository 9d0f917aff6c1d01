"""From a value that was sent to the PLC to what came of it, as a state machine. Pure.

    SENT --requested--> [APPLY] --near the goal--> STEADY --for as long as it has to settle--> it stands
      |                                              |
      +------------- timeout ------------------------+--> not taken (stands where it stood), or mismatch

What stands is written, or, where the PLC shows a feedback, followed (``feedback.py``).

The value itself is sent once and before the first step; here only ``ApplyExt`` is left to send, once, and only while
the PLC still listens to the gateway, nobody has stopped writing, and the setpoint stands where it stood: what an
operator has moved meanwhile is theirs. A PLC takes a request over with its next scan and may clamp it only then: so a
value has to stay near the goal before it counts. After a cut-off nothing more is sent; what is read back decides.
"""

from dataclasses import dataclass, replace
from enum import Enum, auto

from gateway.guardrails.reasons import Abstention, abstain
from gateway.guardrails.writing import Refused
from gateway.line.setpoint_writes import Point, SetpointWrite
from gateway.records.setpoints import WriteState
from gateway.records.verdicts import Reason
from gateway.time_units import SECOND_NS


class Do(Enum):
    """What is to be done next."""

    WAIT = auto()  # and read again
    APPLY = auto()  # send ApplyExt


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What the PLC shows after the value was sent; None: not read, or of bad quality."""

    actual: float | None
    requested: float | None = None
    external: bool | None = None
    feedback: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """What came of a write."""

    state: WriteState
    read_back: float | None
    reason: Reason | None = None
    feedback: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Handshake:
    """A write under way; instants on a clock that never steps, in ns.

    ``was_near``: the PLC has shown the goal before, so what it shows now may be its own doing.
    """

    write: SetpointWrite
    before: float
    goal: float
    sent_ns: int
    applied: bool = False
    near_since_ns: int | None = None
    was_near: bool = False

    def step(self, seen: Seen, now_ns: int, *, stopped: Reason | None = None) -> "tuple[Handshake, Do] | Ended":
        """Return the handshake after what was seen, with what is to be done next; or what came of it.

        ``stopped``: why nothing may be sent any more.
        """
        ended = self._ended_by_people(seen, stopped)
        if ended is not None:
            return ended
        if self._is_near(seen.actual, self.goal):
            since_ns = now_ns if self.near_since_ns is None else self.near_since_ns
            if now_ns - since_ns >= self.write.settle_ns:
                return _stands(self.write, seen.actual)
            return replace(self, near_since_ns=since_ns, was_near=True), Do.WAIT
        waiting = replace(self, near_since_ns=None)
        if now_ns - self.sent_ns >= self.write.timeout_ns:
            return self._unless_stopped(self._concluded(seen), stopped)
        if stopped is None and self._is_to_be_applied(seen):
            return replace(waiting, applied=True), Do.APPLY
        return waiting, Do.WAIT

    def _ended_by_people(self, seen: Seen, stopped: Reason | None) -> Ended | None:
        """Return what came of a write that a person has ended, at the PLC or by a stop; None where nobody has."""
        if Point.EXTERNAL in self.write.nodes and seen.external is False:
            return self._unless_stopped(self._taken_over(seen), stopped)
        if not self._waits_to_be_applied or seen.actual is None or self._is_near(seen.actual, self.goal):
            return None
        if not self.was_near and not self._is_near(seen.actual, self.before):  # not by us: nothing was applied yet
            return self._taken_over(seen)
        return None if stopped is None else self._unless_stopped(self._concluded(seen), stopped)

    def _concluded(self, seen: Seen) -> Ended:
        return conclude(self.write, before=self.before, goal=self.goal, actual=seen.actual)

    def _is_near(self, value: float | None, other: float) -> bool:
        return value is not None and abs(value - other) <= self.write.tolerance

    @property
    def _waits_to_be_applied(self) -> bool:
        """Return whether what was requested cannot be in force yet, as ``ApplyExt`` was not sent."""
        return Point.APPLY in self.write.nodes and not self.applied

    def _is_to_be_applied(self, seen: Seen) -> bool:
        stands = self._is_near(seen.actual, self.before)
        requested = self._is_near(seen.requested, self.goal)
        return self._waits_to_be_applied and stands and requested and seen.external is True

    def _taken_over(self, seen: Seen) -> Ended:
        """Return what came of a write during which a person took the setpoint over."""
        ended = self._concluded(seen)
        if ended.state not in {WriteState.NOT_TAKEN, WriteState.MISMATCH}:
            return ended
        tag = self.write.tag
        reason = (
            abstain(Abstention.OPERATOR_MODE, tag=tag)
            if ended.state is WriteState.NOT_TAKEN
            else abstain(Abstention.MOVED_BY_OTHERS, tag=tag, current=seen.actual, expected=self.before)
        )
        return Ended(state=WriteState.OVERRIDDEN, read_back=seen.actual, reason=reason)

    def _unless_stopped(self, ended: Ended, stopped: Reason | None) -> Ended:
        """Return what came of a write; that it was stopped, with what is requested, where nothing is in force."""
        read = ended.read_back
        if stopped is None or not self._is_near(read, self.before) or self._is_near(read, self.goal):
            return ended
        return not_applied(Refused(state=WriteState.STOPPED, reason=stopped), self, read)


def not_applied(refused: Refused, handshake: Handshake, actual: float | None) -> Ended:
    """Return what came of a write that something has ended before its value came into force; the reason names it."""
    reason = abstain(
        Abstention.WRITE_STOPPED,
        tag=handshake.write.tag,
        cause=refused.reason.text,
        cause_code=refused.reason.code,
        written=handshake.goal,
        read=handshake.before if actual is None else actual,
    )
    return Ended(state=refused.state, read_back=actual, reason=reason)


def conclude(write: SetpointWrite, *, before: float | None, goal: float, actual: float | None) -> Ended:
    """Return what came of a write by what is read back, when nothing more will happen.

    ``before``: where the setpoint stood; None where that is not on record. What cannot be read is not known.
    """
    if actual is None:
        reason = abstain(Abstention.WRITE_CUT_OFF, tag=write.tag)
        return Ended(state=WriteState.UNKNOWN, read_back=None, reason=reason)
    if abs(actual - goal) <= write.tolerance:
        return _stands(write, actual)
    if before is not None and abs(actual - before) <= write.tolerance:
        reason = abstain(
            Abstention.WRITE_NOT_TAKEN, tag=write.tag, written=goal, seconds=write.timeout_ns / SECOND_NS, read=actual
        )
        return Ended(state=WriteState.NOT_TAKEN, read_back=actual, reason=reason)
    reason = abstain(Abstention.WRITE_MISMATCH, tag=write.tag, written=goal, read=actual)
    return Ended(state=WriteState.MISMATCH, read_back=actual, reason=reason)


def _stands(write: SetpointWrite, actual: float | None) -> Ended:
    """Return that a value stands: written, or followed where the PLC shows a feedback."""
    state = WriteState.FOLLOWING if Point.FEEDBACK in write.nodes else WriteState.WRITTEN
    return Ended(state=state, read_back=actual)


def refused_by_server(write: SetpointWrite, status: str, *, before: float, actual: float | None) -> Ended:
    """Return what came of a write that the server refused with a status, by what is read back."""
    ended = conclude(write, before=before, goal=float("inf"), actual=actual)
    if ended.state is not WriteState.NOT_TAKEN:
        return ended
    reason = abstain(Abstention.WRITE_REFUSED, tag=write.tag, status=status)
    return Ended(state=WriteState.NOT_TAKEN, read_back=actual, reason=reason)
