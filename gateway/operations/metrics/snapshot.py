"""What the metrics of one scrape are made from."""

from dataclasses import dataclass

from gateway.contract.payloads.status import StatusPayload
from gateway.operations.certificates import Expiry
from gateway.operations.interface_figures import InterfaceFigures
from gateway.operations.metrics.counts import Counts


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """How the gateway is at the instant of a scrape.

    ``queue``: events that wait to be decided. ``started_ns``: when this run began. ``sent``: messages that the broker
    has acknowledged in this run. ``stalled``: loops that do not get on. ``interfaces``: of those that there are.
    """

    status: StatusPayload
    counts: Counts
    queue: int
    started_ns: int
    ready: bool
    sent: int
    stalled: tuple[str, ...]
    certificates: tuple[Expiry, ...]
    interfaces: InterfaceFigures
