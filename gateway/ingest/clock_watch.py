"""The clocks behind one source, as its notifications show them: which times may be used, and the alarms."""

from collections.abc import Mapping

from gateway.ingest.skew import ServerClock, SourceClocks
from gateway.ingest.source_listener import SourceListener
from gateway.transport.opcua_listener import Notification
from gateway.transport.opcua_source import OpcUaSource


class ClockWatch:
    """Reads the clocks of one source."""

    def __init__(self, source: OpcUaSource, *, max_clock_skew_ns: int, listener: SourceListener) -> None:
        self._source = source
        self._listener = listener
        self._max_clock_skew_ns = max_clock_skew_ns
        self._usual_delay_ns = round((source.publishing_interval_ms + source.sampling_interval_ms) * 1e6)
        self.start_over()

    def start_over(self) -> None:
        """Forget all readings: the gateway's own clock was set."""
        self._clocks = SourceClocks(limit_ns=self._max_clock_skew_ns, usual_delay_ns=self._usual_delay_ns)
        self.server_since_up = ServerClock(limit_ns=self._max_clock_skew_ns)
        self.distrusted: Mapping[str, str] = {}  # tags whose times cannot be used, and why

    def disconnected(self) -> None:
        """Note that the source is away: it may come back with another clock, and sends every value again."""
        self._clocks.resubscribed()
        self.server_since_up = ServerClock(limit_ns=self._max_clock_skew_ns)

    @property
    def trusted(self) -> bool:
        """Return whether any of the source's times may be used; where arrival counts, none of its clocks matters."""
        return self._clocks.trusted or self._source.time_of == "arrival"

    def read(self, notification: Notification, now_ns: int) -> bool:
        """Take what a notification shows of the clocks; return whether the tags changed whose times are not used."""
        if notification.confirms:
            self.server_since_up.read(server_ns=notification.server_ns, now_ns=now_ns)
        if self._source.time_of == "arrival":
            return False
        self._clocks.read(
            server_ns=notification.server_ns,
            samples=notification.samples,
            now_ns=now_ns,
            not_on_change=notification.not_on_change,
            delays_ns=notification.delays_ns,
        )
        name = self._source.name
        self._listener.skew(name, self._clocks.seconds)
        self._listener.condition(f"CLOCK_SKEW_{name.upper()}", not self._clocks.trusted)
        if self._clocks.off == self.distrusted.keys():
            return False
        self.distrusted = self._clocks.distrusted
        self._listener.condition(f"TAG_CLOCK_SKEW_{name.upper()}", bool(self.distrusted))
        return True
