"""A feed of one source with several tags, told by hand: what it makes of values, times and losses."""

from dataclasses import replace

from gateway.deadlines import ClockReading
from gateway.history.windows import WindowRequest
from gateway.records.process import Quality, quality_of
from gateway.time_units import SECOND_NS
from gateway.transport.opcua_listener import Notification
from tests.building import NOW_NS, sample
from tests.integration.opcua_parts import Listener, source_of


class Clock:
    """Seconds since boot, which are those of the wall."""

    def __init__(self):
        self.seconds = 0.0

    def now_ns(self):
        return NOW_NS + round(self.seconds * SECOND_NS)

    def now(self):
        now_ns = self.now_ns()
        return ClockReading(wall_ns=now_ns, latest_ns=now_ns, boot_ns=round(self.seconds * SECOND_NS), boot_id="b")

    def monotonic(self):
        return self.seconds


class FedSource:
    """One feed; each tag's value is told with the source time that is given, in seconds from now."""

    def __init__(self, *tags, time_of="source", max_clock_skew_seconds=2.0):
        self.clock = Clock()
        source = replace(source_of("opc.tcp://127.0.0.1:1", *tags), time_of=time_of)
        self.listener = Listener(source, clock=self.clock, max_clock_skew_ns=round(max_clock_skew_seconds * SECOND_NS))
        (self.feed,) = self.listener.feeds

    def after(self, seconds):
        self.clock.seconds += seconds

    def tell(self, *, server_ahead=0.0, lost_tags=frozenset(), not_told=frozenset(), **values):
        """Tell values: tag=(value, seconds that its source time is ahead)."""
        at = self.clock.seconds
        samples = tuple(sample(tag, value, at=at + ahead) for tag, (value, ahead) in values.items())
        server_ns = NOW_NS + round((at + server_ahead) * SECOND_NS)
        self.feed.take(
            Notification(samples=samples, server_ns=server_ns, lost_tags=lost_tags, not_told=frozenset(not_told))
        )

    def tell_at(self, source_seconds, **values):
        """Tell values whose source time is the same all the time."""
        self.tell(**{tag: (value, source_seconds - self.clock.seconds) for tag, value in values.items()})

    def is_good(self, tag):
        now_ns = self.clock.now_ns()
        window = self.listener.rings.window(WindowRequest(tag=tag, start_ns=now_ns, end_ns=now_ns))
        return bool(len(window)) and quality_of(int(window.statuses[-1])) is Quality.GOOD

    def value(self, tag):
        now_ns = self.clock.now_ns()
        window = self.listener.rings.window(WindowRequest(tag=tag, start_ns=now_ns, end_ns=now_ns))
        return float(window.values[-1])

    def alarms(self):
        return {code for code, stands in self.listener.conditions.items() if stands}
