"""Which samples first: risks with their reasons, a queue in which nothing waits for ever, suppliers' risks."""

import json
from contextlib import closing
from dataclasses import replace

import pytest

from gateway.contract.times import parse_rfc3339
from gateway.lab.materials import Inspection, material_risk
from gateway.lab.sampling import DUE_HOURS, LotSigns, Priority, Waiting, due_ns, in_order, risk_of, together
from gateway.records.laboratory import Specification
from gateway.time_units import SECOND_NS
from simulator.bench import sampling
from tests.decisions.test_deviations import Plant
from tests.fixtures.building import NOW_NS, PH, VISCOSITY

DAY_NS = 86_400 * SECOND_NS
ROUTINE = LotSigns(analyte="viscosity", failed=2, tested=100)


def test_a_routine_lot_is_as_risky_as_its_product():
    risk = risk_of(ROUTINE)
    assert risk.probability == pytest.approx(2.5 / 110)
    assert (risk.priority, risk.reasons) == (Priority.LOW, ("Routine release test.",))


@pytest.mark.parametrize(
    ("signs", "said"),
    [
        ({"predicted": 0.6}, "A model expects viscosity to fail with a probability of 60%."),
        ({"novelty": 6.0, "novel_tag": "pressure"}, "pressure was 6.0 sigma from usual"),
        ({"new_suppliers": ("MONOMER-A of Acme",)}, "New supplier material used in batch: MONOMER-A of Acme."),
        ({"out_of_trend": True}, "viscosity was out of trend lately."),
        ({"hours_since_sample": 30.0}, "The last sample of this product was drawn 30 hours ago."),
        (
            {"materials": (material_risk("Acme", "M", "purity", failed=8, tested=20),)},
            "8 of 20 lots of M of Acme failed",
        ),
    ],
)
def test_each_sign_makes_a_lot_riskier_and_says_why(signs, said):
    risk = risk_of(replace(ROUTINE, **signs))
    assert risk.probability > risk_of(ROUTINE).probability
    assert said in risk.reasons[0]


def test_a_good_supplier_makes_a_lot_less_risky():
    good = material_risk("Acme", "M", "purity", failed=0, tested=200)
    assert risk_of(replace(ROUTINE, materials=(good,))).probability < risk_of(ROUTINE).probability


@pytest.mark.parametrize(
    ("failed", "tested", "inspection"), [(0, 0, "normal"), (0, 100, "reduced"), (1, 20, "normal"), (8, 20, "tightened")]
)
def test_inspection_follows_what_is_sure(failed, tested, inspection):
    risk = material_risk("Acme", "M", "purity", failed=failed, tested=tested)
    assert risk.inspection is Inspection(inspection)
    assert 0 <= risk.low <= risk.mean <= risk.high <= 1


def test_a_credible_interval_is_that_of_the_beta_distribution():
    """Beta(8.5, 12.5) has its 5 and 95 % quantiles at 0.238 and 0.583 (R: qbeta(c(.05, .95), 8.5, 12.5))."""
    risk = material_risk("Acme", "M", "purity", failed=8, tested=20)
    assert risk.mean == pytest.approx(8.5 / 21)
    assert (risk.low, risk.high) == (pytest.approx(0.238, abs=2e-3), pytest.approx(0.583, abs=2e-3))


def waiting(subject, probability, *, days=0.0):
    return Waiting(subject=subject, probability=probability, since_ns=NOW_NS - int(days * DAY_NS))


def test_the_riskiest_goes_first_and_nothing_waits_for_ever():
    queue = [waiting("old", 0.02, days=8), waiting("risky", 0.6), waiting("routine", 0.02)]
    assert [each.subject for each in in_order(queue, at_ns=NOW_NS)] == ["old", "risky", "routine"]
    assert [each.subject for each in in_order(queue[1:], at_ns=NOW_NS)] == ["risky", "routine"]


def test_a_due_time_is_no_promise_that_the_laboratory_cannot_keep():
    hour = 3600 * SECOND_NS
    assert due_ns(1, Priority.HIGH, at_ns=0, tests_per_hour=None) == DUE_HOURS[Priority.HIGH] * hour
    assert due_ns(20, Priority.HIGH, at_ns=0, tests_per_hour=2.0) == 10 * hour
    assert together([0.5, 0.5]) == 0.75


def test_bad_lots_are_found_sooner_than_first_in_first_out():
    """The full form is ``labline bench sampling``: 200 runs."""
    assert sampling.measure(True)["hours_to_detect_a_bad_lot"].holds


# --- in the store --------------------------------------------------------------------------------------


class Asking(Plant):
    def __init__(self, directory):
        super().__init__(directory)
        self.line = replace(self.line, specifications=(VISCOSITY, PH), sampling=True, tests_per_hour=4.0,
                            lab_tests={"viscosity": ("QC-001", "Viscosity")})  # fmt: skip

    def ended(self, name, **changes):
        """A lot that has ended and is not measured yet; returns what was asked for it."""
        self.context("lot_started", material_lot_id=name, job_order_id="WO-1", equipment_id="R1")
        if "supplier" in changes:
            used = {"consumed_lot_id": f"RM-{name}", "consumed_definition_id": "MONOMER-A", **changes}
            self.context("material_consumed", material_lot_id=name, equipment_id="R1", **used)
        self.levels = {each: 50 + self.chance.normal() for each in ("temperature", "pressure", "flow")}
        self.now_ns += 3600 * SECOND_NS
        self.context("lot_ended", material_lot_id=name, equipment_id="R1")
        self.follow()
        return self.sent("sample-request")[-1]["body"] if self.sent("sample-request") else None


@pytest.fixture
def plant(tmp_path):
    found = Asking(tmp_path)
    with closing(found.connection):
        yield found


def test_when_a_lot_ends_the_laboratory_is_asked_in_the_shape_that_a_lims_expects(plant):
    body = plant.ended("LOT-1")
    assert (body["trigger_event"], body["production_order"], body["product_code"]) == (
        "BATCH_COMPLETION",
        "WO-1",
        "FG-100",
    )
    assert {each["test_id"]: each["test_name"] for each in body["recommended_tests"]} == {
        "QC-001": "Viscosity",
        "ph": "ph",
    }
    assert body["metadata"]["queue_position"] == 1
    assert parse_rfc3339(body["requested_due_date"]) > plant.now_ns


def test_a_new_supplier_makes_a_lot_urgent_and_goes_before_routine(plant):
    for number in range(8):
        plant.ended(f"LOT-{number}", supplier="Acme")
    body = plant.ended("LOT-NEW", supplier="Newcomer")
    assert "New supplier material used in batch: MONOMER-A of Newcomer." in body["recommended_tests"][0]["reason"]
    assert body["metadata"]["queue_position"] == 1


def test_what_the_laboratory_says_of_a_suppliers_material_moves_the_risk(plant):
    plant.line = replace(plant.line, specifications=(*plant.line.specifications, Specification(
        product="MONOMER-A", analyte="purity", lower=99.0, upper=None)))  # fmt: skip
    for number in range(6):
        plant.result({"sample_id": f"RM-{number}", "test_id": "purity", "value": 98.0, "status": "approved",
                      "material_lot_id": f"RM-{number}", "product": "MONOMER-A", "supplier": "Acme"})  # fmt: skip
    plant.follow()
    body = plant.ended("LOT-1", supplier="Acme")
    assert "6 of 6 lots of MONOMER-A of Acme failed" in body["recommended_tests"][0]["reason"]
    plant.result({"sample_id": "RM-0", "test_id": "purity", "value": 99.5, "status": "approved",
                  "material_lot_id": "RM-0", "product": "MONOMER-A", "supplier": "Acme"})  # fmt: skip
    assert plant.rows("SELECT sum(failed), count(*) FROM incoming_result") == [(5, 6)]


def test_a_lot_leaves_the_queue_when_all_its_tests_are_measured(plant):
    plant.ended("LOT-1")
    plant.result({"sample_id": "S", "test_id": "pH", "value": 7.0, "status": "approved", "material_lot_id": "LOT-1"})
    assert plant.rows("SELECT done FROM sample_request") == [(0,)]
    plant.result(
        {"sample_id": "S", "test_id": "Viscosity", "value": 100.0, "status": "approved", "material_lot_id": "LOT-1"}
    )
    assert plant.rows("SELECT done FROM sample_request") == [(1,)]


def test_without_sampling_nobody_is_asked(plant):
    plant.line = replace(plant.line, sampling=False)
    assert plant.ended("LOT-1") is None
    assert json.loads("[]") == plant.sent("sample-request")


def test_what_no_longer_counts_counts_for_no_supplier(plant):
    incoming = {"sample_id": "RM-1", "test_id": "purity", "product": "MONOMER-A", "supplier": "Acme", "spec_min": 99.0}
    plant.result({**incoming, "value": 98.0, "status": "validated", "result_version": 1})
    assert plant.rows("SELECT failed FROM incoming_result") == [(1,)]
    plant.result({**incoming, "value": 98.0, "status": "rejected", "result_version": 2})
    assert plant.rows("SELECT failed FROM incoming_result") == []
    nobody_knows = {"sample_id": "RM-2", "test_id": "colour", "product": "MONOMER-A", "supplier": "Acme"}
    plant.result({**nobody_knows, "value": 1.0, "status": "approved"})
    assert plant.rows("SELECT failed FROM incoming_result") == []


def test_a_closed_lot_waits_for_no_laboratory(plant):
    plant.ended("LOT-1")
    plant.context("lot_closed", material_lot_id="LOT-1")
    assert plant.rows("SELECT done FROM sample_request") == [(1,)]
