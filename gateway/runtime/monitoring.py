"""Building monitoring: what a scrape reads, and what the probes answer."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gateway.clock import Clock
from gateway.decision import Decision
from gateway.events import Event
from gateway.ingest.event_queue import EventQueue
from gateway.operations.certificates import Expiry, expiries
from gateway.operations.health import Health
from gateway.operations.interface_figures import InterfaceFigures
from gateway.operations.metrics.counts import Counts
from gateway.operations.metrics.exposition import CONTENT_TYPE, Exposition
from gateway.operations.metrics.snapshot import Snapshot
from gateway.operations.systemd import Progress
from gateway.publish.status import StatusPublisher
from gateway.transport.monitoring import Monitoring, Probe
from gateway.transport.monitoring_options import MonitoringOptions

_READ_CERTIFICATES_SECONDS = 3600.0


@dataclass(frozen=True, kw_only=True)
class Monitored:
    """What is monitored; ``sent``: how many messages the broker has acknowledged; ``interfaces``: their figures."""

    health: Health
    progress: Progress
    inbox: EventQueue
    status: StatusPublisher
    clock: Clock
    sent: Callable[[], int]
    certificates: Mapping[str, Path]
    interfaces: Callable[[], Awaitable[InterfaceFigures]]


class MonitoringGround:
    """Takes counts from the process loop, and makes a snapshot of each scrape."""

    def __init__(self, clock: Clock) -> None:
        self.counts = Counts()
        self._clock = clock
        self._started_ns = clock.now_ns()
        self._expiries: tuple[Expiry, ...] = ()
        self._read_at = -_READ_CERTIFICATES_SECONDS
        self._exposition = Exposition()

    def decided(self, event: Event, decision: Decision) -> None:
        """Count a committed decision."""
        self.counts.note(event, decision, boot_ns=self._clock.now().boot_ns)

    def served(self, options: MonitoringOptions, monitored: Monitored) -> Monitoring:
        """Return the server; nothing runs yet."""
        return Monitoring(
            options,
            metrics=partial(self._metrics, monitored),
            content_type=CONTENT_TYPE,
            probes={"/healthz": partial(_lives, monitored), "/readyz": partial(_is_ready, monitored)},
            on_condition=monitored.health.condition,
        )

    async def _metrics(self, monitored: Monitored) -> bytes:
        if time.monotonic() - self._read_at >= _READ_CERTIFICATES_SECONDS:
            self._read_at = time.monotonic()
            self._expiries = expiries(monitored.certificates, at_ns=self._clock.now_ns())
        snapshot = Snapshot(
            status=await monitored.status.present(),
            counts=self.counts,
            queue=len(monitored.inbox),
            started_ns=self._started_ns,
            ready=not _is_ready(monitored).problems,
            sent=monitored.sent(),
            stalled=monitored.progress.stalled(),
            certificates=self._expiries,
            interfaces=await monitored.interfaces(),
        )
        return self._exposition.text(snapshot)


def _lives(monitored: Monitored) -> Probe:
    return Probe(problems=tuple(f"the loop {loop} does not get on" for loop in monitored.progress.stalled()))


def _is_ready(monitored: Monitored) -> Probe:
    """A broker or server that is away is no reason: the gateway keeps and judges what it has, and sends it later."""
    starting = () if monitored.health.started_up else ("the gateway starts or stops",)
    failing = ("STORE_UNAVAILABLE",) if "STORE_UNAVAILABLE" in monitored.health.alarms else ()
    return Probe(problems=(*starting, *failing, *_lives(monitored).problems))
