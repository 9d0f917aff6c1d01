"""Orders, lots, materials, equipment states and specifications from MQTT."""

from collections.abc import Mapping
from dataclasses import replace

from gateway.contract.contexts import context_change
from gateway.contract.lab_results import configured
from gateway.contract.names import name_key
from gateway.contract.specifications import stated_specification
from gateway.events import ContextChanged, Origin, SpecificationStated
from gateway.ingest.messages import Understand
from gateway.moments import Moment
from gateway.transport.mqtt_connection import Delivery


def understand_context(delivery: Delivery, origin: Origin, at: Moment) -> ContextChanged:
    """Return the change in a message of the manufacturing execution system."""
    change = context_change(delivery.payload, now_ns=at.wall_ns)
    return ContextChanged(at=at, origin=origin, change=change, payload=delivery.payload)


def understand_specifications(analytes: Mapping[str, str]) -> Understand:
    """Return the function that understands master data; ``analytes``: the laboratory's names of tests to ours.

    Master data may call an analyte as the laboratory does: a limit must not be overlooked for its name.
    """
    ours = {name_key(name) for name in analytes.values()}

    def understand(delivery: Delivery, origin: Origin, at: Moment) -> SpecificationStated:
        stated, withdrawn = stated_specification(delivery.payload, now_ns=at.wall_ns)
        analyte = None if name_key(stated.analyte) in ours else configured(analytes, stated.analyte)
        return SpecificationStated(
            at=at,
            origin=origin,
            specification=stated if analyte is None else replace(stated, analyte=analyte),
            withdrawn=withdrawn,
            payload=delivery.payload,
        )

    return understand
