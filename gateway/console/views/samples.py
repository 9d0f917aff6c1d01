"""Samples: what the laboratory is asked for, and what it has not answered."""

import json
import sqlite3
from dataclasses import asdict

from pydantic import Field

from gateway.advice.laboratory_plan import conflict_parts
from gateway.console.snapshot import Snapshot
from gateway.console.views.parts import View
from gateway.contract.payloads.laboratory_plan import ConflictPart, PlannedDayPart
from gateway.contract.times import rfc3339
from gateway.contract.workload import plan_sha256
from gateway.store.facts.laboratory_plan import newest_plan
from gateway.store.facts.reading import Reading
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


class LaboratoryPlanView(View):
    """The newest plan of the laboratory's coming days."""

    plan_id: str
    plan_sha256: str
    at: str
    approved_by: str | None
    days: list[PlannedDayPart]
    conflicts: list[ConflictPart]
    history_days: int
    lots: int
    planned_orders: int


class SamplesView(View):
    """GET /api/samples."""

    requested: bool = Field(description="whether samples are requested on this line (table sampling)")
    samples: list[SampleView]
    planned: bool = Field(description="whether the laboratory's days are planned on this line (table laboratory)")
    plan: LaboratoryPlanView | None = Field(description="the newest plan; null: there is none yet, or it does not hold")


def samples_view(connection: sqlite3.Connection, snapshot: Snapshot) -> SamplesView:
    """Return the samples that are asked for, the most likely to be outside first; the plan is of all clients."""
    seen = snapshot.seen(connection)
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
            if seen.lot(row["material_lot_id"])
        ],
        planned=snapshot.line.laboratory_load.plan,
        plan=None if seen.limited else _plan(connection, snapshot),
    )


def _plan(connection: sqlite3.Connection, snapshot: Snapshot) -> LaboratoryPlanView | None:
    plan, approval = newest_plan(Reading(connection, snapshot.line, {}))
    if plan is None:
        return None
    return LaboratoryPlanView(
        plan_id=plan.plan_id,
        plan_sha256=plan_sha256(plan),
        at=rfc3339(plan.at_ns),
        approved_by=None if approval is None else approval.person,
        days=[PlannedDayPart(**asdict(day)) for day in plan.days],
        conflicts=conflict_parts(plan, approval),
        history_days=plan.history_days,
        lots=plan.lots,
        planned_orders=plan.planned_orders,
    )


def _test(analyte: str, snapshot: Snapshot) -> SampleTestView:
    test_id, name = snapshot.line.lab_tests.get(analyte, (analyte, analyte))
    return SampleTestView(analyte=analyte, test_id=test_id, name=name)
