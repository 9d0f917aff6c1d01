"""From a setpoint that stands to what its feedback does: it reaches the value in its time, or it does not. Pure.

The feedback has to stay near the value, as one that only passes by has not reached it. A reading that is missing, of
bad quality or no number says nothing: it is waited for until the time is over, and after a reconnection for a while
longer. Nothing is sent here, and nothing is ever written again because of it.
"""

from dataclasses import dataclass, replace

from gateway.guardrails.reasons import Abstention, abstain
from gateway.line.setpoint_writes import Point, SetpointWrite
from gateway.records.setpoints import WriteState
from gateway.setpoints.handshake import Ended, Seen
from gateway.time_units import SECOND_NS


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedbackWatch:
    """A setpoint whose feedback is awaited; instants on a clock that never steps, in ns.

    ``looked_since_ns``: of the first look of this connection.
    """

    write: SetpointWrite
    goal: float
    looked_since_ns: int
    near_since_ns: int | None = None

    def step(self, seen: Seen, now_ns: int, *, overdue: bool) -> "FeedbackWatch | Ended":
        """Return the watch after what was seen, or what came of it; ``overdue``: the feedback's time is over."""
        if Point.FEEDBACK not in self.write.nodes:  # the configuration has changed meanwhile
            return Ended(state=WriteState.WRITTEN, read_back=seen.actual)
        if seen.actual is not None and not self._is_near(seen.actual):
            return self._moved_by_others(seen, seen.actual)
        if seen.feedback is not None and self._is_near(seen.feedback):
            since_ns = now_ns if self.near_since_ns is None else self.near_since_ns
            if now_ns - since_ns >= self.write.settle_ns:
                return Ended(state=WriteState.WRITTEN, read_back=seen.actual, feedback=seen.feedback)
            return replace(self, near_since_ns=since_ns)
        if overdue and (seen.feedback is not None or now_ns - self.looked_since_ns >= self.write.timeout_ns):
            return self._not_followed(seen)
        return replace(self, near_since_ns=None)

    def _is_near(self, value: float) -> bool:
        return abs(value - self.goal) <= self.write.tolerance

    def _moved_by_others(self, seen: Seen, actual: float) -> Ended:
        """Return that somebody has moved the setpoint: its feedback follows them now."""
        reason = abstain(Abstention.MOVED_BY_OTHERS, tag=self.write.tag, current=actual, expected=self.goal)
        return Ended(state=WriteState.OVERRIDDEN, read_back=actual, reason=reason, feedback=seen.feedback)

    def _not_followed(self, seen: Seen) -> Ended:
        seconds = self.write.feedback_within_ns / SECOND_NS
        tag, read = self.write.tag, seen.feedback
        reason = (
            abstain(Abstention.FEEDBACK_UNKNOWN, tag=tag, seconds=seconds)
            if read is None
            else abstain(Abstention.FEEDBACK_NOT_REACHED, tag=tag, written=self.goal, seconds=seconds, read=read)
        )
        return Ended(state=WriteState.NOT_FOLLOWED, read_back=seen.actual, reason=reason, feedback=read)
