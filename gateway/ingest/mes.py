"""Orders, lots, materials and equipment states from MQTT."""

from gateway.contract.contexts import context_change
from gateway.events import ContextChanged, Origin
from gateway.transport.mqtt_connection import Delivery


def understand_context(delivery: Delivery, origin: Origin, now_ns: int) -> ContextChanged:
    """Return the change in a message of the manufacturing execution system."""
    change = context_change(delivery.payload, now_ns=now_ns)
    return ContextChanged(at_ns=now_ns, origin=origin, change=change, payload=delivery.payload)
