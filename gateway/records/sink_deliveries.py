"""Deliveries to systems that are told over HTTP."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.records.record import Record


class DeliveryState(StrEnum):
    """How far a delivery is."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    REFUSED = "refused"  # for good, or given up: it waits for a person
    SUPERSEDED = "superseded"  # the facts have changed since, so it must not be sent any more


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """A request to one sink, with the same id and the same bytes at each attempt.

    ``ordered_by``: deliveries of a sink that share it are made in their order. ``unfit``: why it cannot be sent at all.
    """

    delivery_id: str
    sink: str
    message_id: str
    kind: str
    material_lot_id: str | None
    ordered_by: str
    path: str
    body: bytes
    unfit: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryRetried(Record):
    """A person wants a refused delivery sent again."""

    delivery_id: str
