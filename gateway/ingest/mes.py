"""Orders, lots, materials, equipment states and specifications from MQTT."""

from gateway.contract.contexts import context_change
from gateway.contract.specifications import stated_specification
from gateway.events import ContextChanged, Origin, SpecificationStated
from gateway.moments import Moment
from gateway.transport.mqtt_connection import Delivery


def understand_context(delivery: Delivery, origin: Origin, at: Moment) -> ContextChanged:
    """Return the change in a message of the manufacturing execution system."""
    change = context_change(delivery.payload, now_ns=at.wall_ns)
    return ContextChanged(at=at, origin=origin, change=change, payload=delivery.payload)


def understand_specification(delivery: Delivery, origin: Origin, at: Moment) -> SpecificationStated:
    """Return the specification in a message of master data."""
    specification, withdrawn = stated_specification(delivery.payload, now_ns=at.wall_ns)
    return SpecificationStated(
        at=at, origin=origin, specification=specification, withdrawn=withdrawn, payload=delivery.payload
    )
