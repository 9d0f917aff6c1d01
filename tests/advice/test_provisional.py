"""Before the laboratory's result: a provisional hold by what a model says; and what else a release waits for."""

from contextlib import closing
from dataclasses import replace

import pytest

from gateway.contract.times import rfc3339
from gateway.events import GapNoticed
from gateway.line.definition import Stage
from gateway.records.process import Gap, GapKind
from gateway.store.audit import trail as audit
from gateway.time_units import SECOND_NS
from tests.fixtures.building import PH, VISCOSITY, assignment, line, moment
from tests.fixtures.store_bench import Bench, viscosity

OUT, IN = 75.0, 78.0  # degC: a viscosity of 112 and of 100


@pytest.fixture
def bench(tmp_path):
    found = Bench(tmp_path)
    with closing(found.connection):
        found.order()
        yield found


def predicted(bench, *temperatures):
    for temperature in temperatures:
        bench.now_ns += SECOND_NS
        bench.model_due(temperature)


def told(bench, value, *, drawn_after_seconds=0, **changes):
    drawn = rfc3339(bench.now_ns + drawn_after_seconds * SECOND_NS)
    bench.now_ns += 10 * SECOND_NS
    bench.result(viscosity(value, sampled_at=drawn, **changes))
    return bench.sent("disposition")[-1]


def holds(bench):
    """The provisional and final holds in the states in which they were told, the oldest first."""
    return [(each["predicted"] is not None, each["state"]) for each in bench.sent("guidance") if each["kind"] == "hold"]


def test_an_excursion_that_lasts_holds_the_lot_provisionally_once(bench):
    predicted(bench, OUT, OUT)
    assert bench.sent("disposition") == []
    predicted(bench, OUT, OUT, OUT)
    (held,) = bench.sent("disposition")
    assert (held["recommendation"], held["provisional"], held["latched"]) == ("hold", True, False)
    assert held["reasons"][0]["code"] == "PREDICTED_EXCURSION"
    assert [each["value"] for each in held["rests_on"]["predictions"]] == [pytest.approx(112.0)]
    assert held["rests_on"]["results"] == []
    assert holds(bench) == [(True, "proposed")]
    assert audit.verify(bench.connection)[1] is None


@pytest.mark.parametrize("temperatures", [(OUT, IN, OUT, OUT), (76.6, 76.6, 76.6, 76.6)])
def test_what_does_not_last_or_may_be_inside_holds_nothing(bench, temperatures):
    predicted(bench, *temperatures)
    assert bench.sent("disposition") == []


def test_in_shadow_nothing_is_held(bench):
    bench.line = line(models=(assignment(stage=Stage.SHADOW),))
    predicted(bench, OUT, OUT, OUT)
    assert bench.sent("disposition") == []


def test_the_result_withdraws_it_and_the_model_does_not_call_that_into_question(bench):
    predicted(bench, OUT, OUT, OUT)
    after = told(bench, 100.0)
    assert (after["recommendation"], after["previous"], after["provisional"]) == ("release", "hold", False)
    assert holds(bench) == [(True, "proposed"), (True, "withdrawn")]
    predicted(bench, OUT, OUT, OUT)
    assert len(bench.sent("disposition")) == 2


def test_the_result_confirms_it_and_the_hold_is_latched(bench):
    predicted(bench, OUT, OUT, OUT)
    after = told(bench, 112.0)
    assert (after["recommendation"], after["latched"], after["provisional"]) == ("hold", True, False)
    assert holds(bench) == [(True, "proposed"), (True, "superseded"), (False, "proposed")]
    provisional, final = (
        each for each in bench.sent("guidance") if each["kind"] == "hold" and each["state"] == "proposed"
    )
    assert final["supersedes"] == provisional["id"]


@pytest.mark.parametrize(
    ("value", "changes"),
    [
        (100.0, {"drawn_after_seconds": -100}),  # of what was made before
        (100.0, {"status": "entered"}),
        (100.0, {"status": "rejected"}),
        (7.0, {"test_id": "pH", "unit": ""}),
    ],
)
def test_what_is_not_the_laboratorys_word_on_it_leaves_it_standing(bench, value, changes):
    predicted(bench, OUT, OUT, OUT)
    after = told(bench, value, **changes)
    assert (after["recommendation"], after["provisional"], after["latched"]) == ("hold", True, False)
    assert holds(bench) == [(True, "proposed")]
    assert told(bench, 100.0, sample_id="S-2")["provisional"] is False


def test_a_latched_hold_needs_no_provisional_one(bench):
    told(bench, 112.0)
    predicted(bench, OUT, OUT, OUT)
    assert len(bench.sent("disposition")) == 1


def test_a_lot_is_not_released_before_every_required_test_is_approved(bench):
    bench.line = line(specifications=(replace(VISCOSITY, required=True), replace(PH, required=True)), models=())
    first = told(bench, 100.0)
    assert (first["recommendation"], first["missing_tests"]) == ("pending", ["ph"])
    assert first["reasons"][0]["text"] == "Without an approved result of ph the lot is not released."
    second = told(bench, 7.0, test_id="pH", unit="", status="validated")
    assert (second["recommendation"], second["missing_tests"]) == ("pending", ["ph"])
    third = told(bench, 7.0, test_id="pH", unit="", status="approved")
    assert (third["recommendation"], third["missing_tests"]) == ("release", [])


def test_a_missing_test_keeps_no_hold_back(bench):
    bench.line = line(specifications=(VISCOSITY, replace(PH, required=True)), models=())
    out = told(bench, 112.0)
    assert (out["recommendation"], out["missing_tests"]) == ("hold", ["ph"])


def test_a_disposition_names_the_known_holes_in_what_its_lot_told(bench):
    at_ns = bench.now_ns
    for number, (subject, seconds) in enumerate([("plc1", 0), ("temperature", 1), ("plc2", 2), ("plc1", 500)]):
        from_ns = at_ns + seconds * SECOND_NS
        gap = Gap(gap_id=f"gap-{number}", kind=GapKind.DISCONNECTED, subject=subject, from_ns=from_ns, until_ns=None)
        bench.commit(GapNoticed(event_id=f"g-{number}", at=moment(at_ns), gap=gap))
    assert told(bench, 100.0, drawn_after_seconds=5)["rests_on"]["gaps"] == ["gap-0", "gap-1"]


def test_holes_that_ended_before_the_lot_began_are_not_its_own(bench):
    (began_ns,) = bench.connection.execute("SELECT min(started_ns) FROM lot").fetchone()
    for name, until_ns in (("before", began_ns - 1), ("until", began_ns), ("into", began_ns + 1)):
        gap = Gap(gap_id=name, kind=GapKind.DISCONNECTED, subject="plc1", from_ns=began_ns - SECOND_NS,
                  until_ns=until_ns)  # fmt: skip
        bench.commit(GapNoticed(event_id=f"g-{name}", at=moment(bench.now_ns), gap=gap))
    assert told(bench, 100.0, drawn_after_seconds=5)["rests_on"]["gaps"] == ["into"]


@pytest.mark.parametrize(
    "correction",
    [{"status": "rejected"}, {"material_lot_id": "LOT-OTHER"}],
)
def test_a_withdrawn_hold_comes_back_when_the_result_that_withdrew_it_no_longer_counts(bench, correction):
    predicted(bench, OUT, OUT, OUT)
    assert told(bench, 100.0, result_version=1)["recommendation"] == "release"
    told(bench, 100.0, **{"result_version": 2, **correction})
    after = told(bench, 7.0, test_id="pH", unit="", sample_id="S-2")
    assert (after["recommendation"], after["provisional"]) == ("hold", True)


def test_a_value_that_says_nothing_withdraws_nothing(bench):
    predicted(bench, OUT, OUT, OUT)
    assert told(bench, "n.d.")["provisional"] is True


def test_required_tests_are_those_of_the_lot_whatever_the_last_result_names(bench):
    bench.line = line(specifications=(replace(VISCOSITY, required=True), replace(PH, required=True)), models=())
    told(bench, 7.0, test_id="pH", unit="", material_lot_id="LOT-9", product="FG-100")
    other = {"test_id": "density", "unit": "", "spec_min": 0, "spec_max": 2, "material_lot_id": "LOT-9"}
    after = told(bench, 1.0, **other)
    assert (after["recommendation"], after["missing_tests"]) == ("pending", ["viscosity"])
    after = told(bench, 1.0, **other, sample_id="S-3", client_id="somebody", product="FG-300")
    assert (after["recommendation"], after["missing_tests"]) == ("review", ["viscosity"])  # of two products
