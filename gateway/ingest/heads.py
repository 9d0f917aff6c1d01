"""The head of our own audit chain as the broker still has it: a witness off the box."""

from gateway.contract.heads import published_head
from gateway.contract.identity import identity_of
from gateway.events import HeadWitnessed, Origin
from gateway.moments import Moment
from gateway.transport.mqtt_connection import Delivery


def understand_head(delivery: Delivery, _origin: Origin, at: Moment) -> HeadWitnessed:
    """Return the head that the broker was told earlier."""
    head = published_head(delivery.payload, now_ns=at.wall_ns)
    return HeadWitnessed(event_id=identity_of("head-witnessed", head.seq, head.hash), at=at, head=head)
