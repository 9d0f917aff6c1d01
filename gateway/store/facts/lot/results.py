"""The results of a lot, each version in its own words and as it stands to the lot."""

import sqlite3
from dataclasses import replace
from typing import Any

from gateway.lab.release.lot_knowledge import LotContext, Relation, ResultOnRecord
from gateway.records.laboratory import LabResult
from gateway.store.facts.lot.context import products_of_order
from gateway.store.facts.lot.own_words import own_words, with_known_lots
from gateway.store.facts.lot.relation import lots_of
from gateway.store.facts.reading import Reading
from gateway.store.statements import value_of

MOST_JUDGED_AGAIN = 2000  # results of one lot, in one go
NEVER = 2**62  # of instants, and of versions
NO_SAMPLE = ("", "")
Sample = tuple[str, str]
"""A laboratory interface and its sample."""


def versions_of(reading: Reading, result: LabResult) -> tuple[ResultOnRecord, ...]:
    """Return the versions of a result that are on record."""
    return tuple(_on_record(reading, row) for row in reading.rows("results_of_key", key_of(result)))


def results_of_lot(
    reading: Reading, context: LotContext, production: sqlite3.Row | None, sample: Sample
) -> tuple[tuple[ResultOnRecord, ...], int]:
    """Return the results of a lot, the oldest first, and how many are left out as they are too many.

    ``production``: what production says of the lot; ``sample``: of an arriving result that names the lot.
    """
    source, sample_id = sample
    parameters = {
        **whereabouts(context, production),
        "sample_id": sample_id,
        "source": source,
        "most": MOST_JUDGED_AGAIN,
    }
    rows = reading.rows("results_speaking_of_lot", parameters)
    lot = context.material_lot_id
    speaking = (as_of_lot(reading, _on_record(reading, row), lot, sample) for row in reversed(rows))
    left_out = 0
    if len(rows) == MOST_JUDGED_AGAIN:
        counted = value_of(reading.connection, "count_results_of_lot", material_lot_id=lot) or 0
        left_out = max(0, counted - MOST_JUDGED_AGAIN)
    return tuple(record for record in speaking if record is not None), left_out


def _on_record(reading: Reading, row: sqlite3.Row) -> ResultOnRecord:
    result = with_known_lots(reading.connection, own_words(row["body"]))
    return ResultOnRecord(
        result=result,
        arrived_ns=row["arrived_ns"],
        current=bool(row["current"]),
        relation=Relation.STATED,
        order_products=products_of_order(reading, result.job_order_id),
    )


def as_of_lot(reading: Reading, record: ResultOnRecord, lot: str, sample: Sample) -> ResultOnRecord | None:
    """Return a result as it stands to a lot; None where it does not speak of it."""
    lots, relation = lots_of(reading, record.result, record.arrived_ns)
    if relation is not Relation.STATED and sample_of(record.result) == sample:
        lots, relation = (lot,), Relation.FOUND  # the arriving result of its sample names the lot
    return replace(record, relation=relation) if lot in lots else None


def has_later_version(reading: Reading, result: LabResult, arriving: LabResult | None) -> bool:
    """Return whether a later version of a result is on record, or arrives."""
    version = result.result_version or 0
    if arriving is not None and key_of(arriving) == key_of(result) and (arriving.result_version or NEVER) > version:
        return True
    version_key = {**key_of(result), "result_version": version}
    return value_of(reading.connection, "has_later_version", **version_key) is not None


def whereabouts(context: LotContext, production: sqlite3.Row | None) -> dict[str, Any]:
    """Return where and when a lot was made, as statements ask for it."""
    return {
        "material_lot_id": context.material_lot_id,
        "equipment_id": context.equipment_id,
        "from_ns": NEVER if production is None or production["started_ns"] is None else production["started_ns"],
        "job_order_id": context.job_order_id,
    }


def sample_of(result: LabResult) -> Sample:
    """Return the sample of a result."""
    return result.source, result.sample_id


def key_of(result: LabResult) -> dict[str, Any]:
    """Return by what versions of one result are known to be its versions, as statements ask for it."""
    return {
        "source": result.source,
        "sample_id": result.sample_id,
        "test_id": result.test_id,
        "replicate": result.replicate,
    }
