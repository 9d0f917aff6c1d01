"""The refused messages that speak of a lot: about its results, and about its product's specification."""

import json
import sqlite3
from collections.abc import Collection

from pydantic import TypeAdapter

from gateway.lab.refused_specifications import RefusedOfProduct, StatedSpecification, answered_since
from gateway.lab.release.lot_knowledge import LotContext, RefusedResult, ResultOnRecord
from gateway.records.laboratory import LabResult, ProductReference, Specification
from gateway.records.verdicts import Reason
from gateway.store.codec import decode
from gateway.store.facts.lot.context import products_of_order
from gateway.store.facts.lot.relation import Place, lots_in
from gateway.store.facts.lot.results import NO_SAMPLE, Sample, has_later_version, sample_of, whereabouts
from gateway.store.facts.reading import Reading

_REASONS = TypeAdapter(tuple[Reason, ...])


def refused_of_lot(
    reading: Reading,
    context: LotContext,
    production: sqlite3.Row | None,
    results: tuple[ResultOnRecord, ...],
    *,
    sample: Sample,
    arriving: LabResult | None,
) -> tuple[RefusedResult, ...]:
    """Return the refused messages that speak of a lot: by its name, a sample of it, its order or its equipment."""
    samples = {sample, *(sample_of(record.result) for record in results)} - {NO_SAMPLE}
    of_lot = {"material_lot_id": context.material_lot_id, "samples": json.dumps(sorted(samples))}
    named = reading.rows("refused_of_lot", of_lot)
    placed = [
        message
        for message in reading.rows("refused_in_place", whereabouts(context, production))
        if context.material_lot_id in lots_in(reading, _place_of(message))[0]
    ]
    messages = {message["dead_letter_id"]: message for message in reversed([*placed, *named])}
    return tuple(_refused_result(reading, message, arriving) for message in messages.values())


def _refused_result(reading: Reading, row: sqlite3.Row, arriving: LabResult | None) -> RefusedResult:
    result = None if row["result"] is None else decode(LabResult, row["result"])
    return RefusedResult(
        dead_letter_id=row["dead_letter_id"],
        reasons=_REASONS.validate_json(row["reasons"]),
        at_ns=row["at_ns"],
        sample_id=row["sample_id"],
        test_id=row["test_id"],
        result=result,
        superseded=result is not None and has_later_version(reading, result, arriving),
        order_products=() if result is None else products_of_order(reading, result.job_order_id),
    )


def _place_of(row: sqlite3.Row) -> Place:
    return Place(
        source=row["source"],
        sample_id=row["sample_id"],
        equipment_id=row["equipment_id"],
        job_order_id=row["job_order_id"],
        drawn_ns=row["drawn_ns"] if row["timed"] else None,
        arrived_ns=row["at_ns"],
    )


def refused_of_product(
    reading: Reading, products: Collection[str], *, closed_ns: int | None
) -> tuple[RefusedOfProduct, ...]:
    """Return the refused messages about a lot's products that came before it was closed and are not answered."""
    of_products = {"products": json.dumps(sorted(products))}
    specifications = [
        (stated["place"], _stated_specification(stated))
        for stated in reading.rows("specification_messages", of_products)
    ]
    messages = (
        _unanswered(message, [specification for place, specification in specifications if place > message["place"]])
        for message in reading.rows("refused_of_product", of_products)
        if closed_ns is None or message["at_ns"] < closed_ns
    )
    return tuple(message for message in messages if message is not None)


def _stated_specification(row: sqlite3.Row) -> StatedSpecification:
    from_ns = decode(Specification, row["body"]).effective_from_ns
    return StatedSpecification(
        product=row["product"],
        analyte=row["analyte"],
        client_id=row["client_id"] or None,
        version=row["version"],
        from_ns=row["at_ns"] if from_ns is None else from_ns,
        withdrawn=bool(row["withdrawn"]),
    )


def _unanswered(row: sqlite3.Row, later: list[StatedSpecification]) -> RefusedOfProduct | None:
    """Return a refused message about a product as it stands; None where a readable one of its version came later."""
    about = ProductReference(
        product=row["product"] or None,
        analyte=row["analyte"],
        client_id=row["client_id"],
        version=row["version"],
        from_ns=row["from_ns"],
        states_limits=bool(row["states_limits"]),
        may_require=bool(row["may_require"]),
    )
    answered, until_ns = answered_since(about, later)
    if answered:
        return None
    return RefusedOfProduct(
        dead_letter_id=row["dead_letter_id"],
        about=about,
        reasons=_REASONS.validate_json(row["reasons"]),
        at_ns=row["at_ns"],
        until_ns=until_ns,
    )
