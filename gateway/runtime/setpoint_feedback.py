"""Follows the feedback of setpoints that stand, one look a pass, so that other setpoints are written meanwhile.

What is awaited is on record with its deadline (state ``following``), so a restart goes on with it.
"""

from gateway.clock import Clock
from gateway.line.setpoint_writes import SetpointWrite
from gateway.records.setpoints import SetpointIntent
from gateway.runtime.setpoint_journal import SetpointJournal
from gateway.runtime.setpoint_plc import Plc
from gateway.setpoints.feedback import FeedbackWatch
from gateway.setpoints.handshake import Ended
from gateway.time_units import SECOND_NS


class FeedbackFollower:
    """Looks at feedbacks over one connection; forgets what is over."""

    def __init__(self, *, clock: Clock, journal: SetpointJournal) -> None:
        self._clock = clock
        self._journal = journal
        self._watches: dict[str, FeedbackWatch] = {}  # by the intent's id

    def connected_anew(self) -> None:
        """Count from the first look of a new connection: its values may take a while to be good again."""
        self._watches.clear()

    async def look(self, plc: Plc, intent: SetpointIntent, write: SetpointWrite) -> None:
        """Look once, and put on record what came of it, if anything has."""
        record = await self._journal.followed(intent)
        now, now_ns = self._clock.now(), round(self._clock.monotonic() * SECOND_NS)
        until = None if record is None else record.follow_until
        goal = intent.to_value if record is None or record.written is None else record.written
        watch = self._watches.get(intent.intent_id)
        if watch is None or watch.write != write:
            watch = FeedbackWatch(write=write, goal=goal, looked_since_ns=now_ns)
        overdue = until is None or now.is_past(until)
        following = watch.step(await plc.seen(write), now_ns, overdue=overdue)
        if not isinstance(following, Ended):
            self._watches[intent.intent_id] = following
            return
        self._watches.pop(intent.intent_id, None)
        written = None if record is None else record.written
        await self._journal.ended(intent, following, written=written)
