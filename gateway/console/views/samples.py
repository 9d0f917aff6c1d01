"""Samples: what the laboratory is asked for, and what it has not answered."""

import json
import sqlite3

from pydantic import Field

from gateway.console.snapshot import Snapshot
from gateway.console.views.parts import View
from gateway.contract.times import rfc3339
from gateway.store.statements import SQL


class SampleTestView(View):
    """A test that is asked for."""

    analyte: str
    test_id: str
    name: str


class SampleView(View):
    """A requested sample; the most likely to be outside first."""

    request_id: str
    material_lot_id: str
    product: str | None
    equipment_id: str | None
    since_at: str
    probability: float = Field(description="that the lot is outside its specification")
    tests: list[SampleTestView]


class SamplesView(View):
    """GET /api/samples."""

    requested: bool = Field(description="whether samples are requested on this line (table sampling)")
    samples: list[SampleView]


def samples_view(connection: sqlite3.Connection, snapshot: Snapshot) -> SamplesView:
    """Return the samples that are asked for, the most likely to be outside first."""
    return SamplesView(
        requested=snapshot.line.sampling,
        samples=[
            SampleView(
                request_id=row["request_id"],
                material_lot_id=row["material_lot_id"],
                product=row["product"],
                equipment_id=row["equipment_id"],
                since_at=rfc3339(row["since_ns"]),
                probability=row["probability"],
                tests=[_test(name, snapshot) for name in json.loads(row["tests"])],
            )
            for row in connection.execute(SQL["console_sample_requests"])
        ],
    )


def _test(analyte: str, snapshot: Snapshot) -> SampleTestView:
    test_id, name = snapshot.line.lab_tests.get(analyte, (analyte, analyte))
    return SampleTestView(analyte=analyte, test_id=test_id, name=name)
