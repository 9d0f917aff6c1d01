"""Orders, lots, materials, equipment states and specifications from MQTT."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from gateway.contract.lims.names import name_key
from gateway.contract.lims.stated_analyte import configured
from gateway.contract.mes_messages import context_change
from gateway.contract.refusals import MessageRefusedError
from gateway.contract.specifications import stated_specification
from gateway.deadlines import ClockReading
from gateway.events import ContextChanged, SpecificationStated
from gateway.ingest.messages import Understand
from gateway.records.deliveries import Origin
from gateway.records.laboratory import ProductReference
from gateway.transport.mqtt_messages import Delivery


def understand_context(delivery: Delivery, origin: Origin, at: ClockReading) -> ContextChanged:
    """Return the change in a message of the manufacturing execution system."""
    change = context_change(delivery.payload, now_ns=at.wall_ns)
    return ContextChanged(at=at, origin=origin, change=change, payload=delivery.payload)


def understand_specifications(analytes: Mapping[str, str], *, ignore: Collection[str] = ()) -> Understand:
    """Return the function that understands master data; ``analytes``: the laboratory's names of tests to ours.

    Master data may call an analyte as the laboratory does: a limit must not be overlooked for its name. ``ignore``: the
    fields that nothing reads and that do not matter.
    """
    ours = {name_key(name) for name in analytes.values()}

    def our_name(analyte: str) -> str:
        return analyte if name_key(analyte) in ours else configured(analytes, analyte) or analyte

    def in_our_names(product: ProductReference) -> ProductReference:
        return product if product.analyte is None else replace(product, analyte=our_name(product.analyte))

    def understand(delivery: Delivery, origin: Origin, at: ClockReading) -> SpecificationStated:
        """Return the stated limits by our names of tests; raises MessageRefusedError, by the same names."""
        try:
            stated, withdrawn = stated_specification(delivery.payload, now_ns=at.wall_ns, ignore=ignore)
        except MessageRefusedError as error:
            if error.about is None:
                raise
            products = tuple(in_our_names(product) for product in error.about.products)
            raise MessageRefusedError(error.reasons, about=replace(error.about, products=products)) from error
        return SpecificationStated(
            at=at,
            origin=origin,
            specification=replace(stated, analyte=our_name(stated.analyte)),
            withdrawn=withdrawn,
            payload=delivery.payload,
        )

    return understand
