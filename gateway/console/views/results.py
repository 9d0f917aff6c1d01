"""The laboratory results of a lot, each with the limits that it is read against."""

import sqlite3

from pydantic import Field

from gateway.console.views.parts import View, instant
from gateway.lab.in_force import in_force, in_unit
from gateway.records.laboratory import LabResult, Specification
from gateway.store.codec import decode
from gateway.store.facts.reading import Reading
from gateway.store.queries.lots import LotOnRecord
from gateway.store.queries.seen import Seen

_MOST = 300


class ResultView(View):
    """The version of a laboratory result that counts."""

    result_id: str
    sample_id: str
    analyte: str
    value_text: str
    value: float | None
    qualifier: str | None
    unit: str | None
    lower: float | None = Field(description="of the specification that came with it, else of the one in force")
    upper: float | None
    status: str | None
    result_version: int | None
    sampled_at: str | None
    received_at: str | None
    current: bool
    predicted: float | None = Field(description="for the instant at which the sample was drawn")


def results_of(reading: Reading, lot: LotOnRecord, seen: Seen) -> list[ResultView]:
    """Return the results of a lot in the order in which they came; several products have no limits in common."""
    product = lot.products[0] if len(lot.products) == 1 else None
    known = reading.specifications(product)
    stated = (*known.configured, *known.stated)
    rows = reading.rows("console_results_of_lot", {"material_lot_id": lot.material_lot_id, "most": _MOST})
    return [item for row in rows if (item := _result(row, stated, product, seen)) is not None]


def _result(row: sqlite3.Row, stated: tuple[Specification, ...], product: str | None, seen: Seen) -> ResultView | None:
    result = decode(LabResult, row["body"])
    if not seen.result(result):
        return None
    specification = result.specification or _in_force(result, stated, product, arrived_ns=row["at_ns"])
    return ResultView(
        result_id=result.result_id,
        sample_id=result.sample_id,
        analyte=result.analyte,
        value_text=result.value_text,
        value=result.value,
        qualifier=result.qualifier,
        unit=result.unit,
        lower=None if specification is None else specification.lower,
        upper=None if specification is None else specification.upper,
        status=result.status,
        result_version=row["result_version"],
        sampled_at=instant(result.sampled_ns),
        received_at=instant(row["at_ns"]),
        current=bool(row["current"]),
        predicted=row["predicted"],
    )


def _in_force(
    result: LabResult, stated: tuple[Specification, ...], product: str | None, *, arrived_ns: int
) -> Specification | None:
    at_ns = arrived_ns if result.sampled_ns is None else result.sampled_ns
    specification = in_force(
        stated, product=result.material_definition_id or product, analyte=result.analyte,
        client_id=result.client_id, at_ns=at_ns,
    )  # fmt: skip
    return None if specification is None else in_unit(specification, result.unit)
