"""A pilot: figures of each stage's period beside the time before, from what is on record."""

from contextlib import closing
from itertools import pairwise

import pytest

from gateway.contract.lot_decisions import basis_sha256
from gateway.records.acts import ActOutcome, AnswerGuidance, DecideLot
from gateway.records.lot_decisions import Verdict
from gateway.records.people import Act
from gateway.store.queries.lot_decisions import basis_of
from gateway.store.queries.lots import lot_on_record
from gateway.store.queries.pilot import pilot_periods
from gateway.time_units import SECOND_NS
from tests.fixtures.store_bench import viscosity
from tests.people.test_stages import Staging, by


@pytest.fixture
def bench(tmp_path):
    bench = Staging(tmp_path)
    with closing(bench.connection):
        yield bench


def periods(bench, **options):
    bench.now_ns += SECOND_NS
    return pilot_periods(bench.connection, model="viscosity", analytes=("viscosity",), until_ns=bench.now_ns,
                         **{"from_ns": None, **options})  # fmt: skip


def answered(bench, act, reason):
    (guidance_id,) = [item["id"] for item in bench.sent("guidance") if item["kind"] == "setpoint"][-1:]
    answer = AnswerGuidance(guidance_id=guidance_id, answer=act)
    return bench.act(answer, credential=by("emil"), reason=reason).outcome


def test_a_pilot_is_compared_with_the_time_before_it(bench):
    bench.order()
    bench.model_due(78.0)
    for number, value in enumerate((100.0, 120.0)):
        bench.now_ns += SECOND_NS
        bench.result(viscosity(value, sample_id=f"C-{number}"))
    bench.stage("approve")
    bench.now_ns += SECOND_NS
    bench.context("lot_started", material_lot_id="LOT/2", job_order_id="WO-1", equipment_id="R1")
    for number in range(3):
        bench.now_ns += SECOND_NS
        bench.result(viscosity(100.0, sample_id=f"P-{number}", material_lot_id="LOT/2"))
    bench.now_ns += 60 * SECOND_NS
    basis = basis_sha256(basis_of(bench.connection, lot_on_record(bench.connection, "LOT/2")))
    act = DecideLot(material_lot_id="LOT/2", verdict=Verdict.RELEASE, basis_sha256=basis)
    assert bench.act(act, credential=by("anna")).outcome is ActOutcome.DONE
    bench.model_due(81.0, setpoint=81.0)
    assert answered(bench, Act.REJECT, "cleaning") is ActOutcome.DONE
    control, pilot = periods(bench)
    assert (control.stage, control.results, control.off_specification_share, control.decisions) == (
        "control", 2, 0.5, 0)  # fmt: skip
    assert control.decision_seconds is None
    assert control.accepted_share is None
    assert (pilot.stage, pilot.results, pilot.off_specification_share) == ("approve", 3, 0.0)
    assert (pilot.decisions, pilot.decision_seconds) == (1, 60.0)
    assert (pilot.suggestions, pilot.accepted, pilot.rejected) == (1, 0, {"cleaning": 1})
    assert control.until_ns == pilot.from_ns


def test_periods_follow_each_other_without_gaps_and_what_is_damaged_is_unknown(bench):
    bench.order()
    bench.model_due(78.0)
    for stage in ("advise", "approve", "shadow"):
        bench.now_ns += 10 * SECOND_NS
        bench.stage(stage)
    bench.connection.execute("UPDATE stage_change SET stage = 'automatic' WHERE stage = 'approve'")
    shown = periods(bench)
    assert [period.stage for period in shown] == ["control", "advise", "unknown", "shadow"]
    assert all(before.until_ns == after.from_ns for before, after in pairwise(shown))
    assert [period.stage for period in periods(bench, from_ns=bench.now_ns)] == ["shadow"]


def test_without_a_prediction_there_is_no_period(bench):
    assert periods(bench) == ()
