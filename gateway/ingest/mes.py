"""Orders, lots, materials and equipment states from MQTT."""

from gateway.contract.contexts import context_change
from gateway.events import ContextChanged, Origin
from gateway.moments import Moment
from gateway.transport.mqtt_connection import Delivery


def understand_context(delivery: Delivery, origin: Origin, at: Moment) -> ContextChanged:
    """Return the change in a message of the manufacturing execution system."""
    change = context_change(delivery.payload, now_ns=at.wall_ns)
    return ContextChanged(at=at, origin=origin, change=change, payload=delivery.payload)
