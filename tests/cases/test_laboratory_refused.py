"""Laboratory cases 1, 4, 8 and 13, their siblings: what was refused speaks against every lot that it may be about."""

import itertools
import json
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.contract.refusals import MessageRefusedError
from gateway.contract.specifications import stated_specification
from gateway.lab.refused_specifications import StatedSpecification, answered_since
from gateway.records.laboratory import ProductReference
from tests.cases.test_first_plant_lot import Plant
from tests.fixtures.laboratory import Laboratory

LIMITS = {"product": "FG-100", "analyte": "viscosity", "version": "4", "lower": 97, "upper": 103, "unit": "mPa.s"}
REFUSED = {
    "a limit that is no number": json.dumps(LIMITS | {"upper": "1O3"}).encode(),
    "limits the wrong way round": json.dumps(LIMITS | {"lower": 200}).encode(),
    "no limits": b'{"product": "FG-100", "analyte": "viscosity", "version": "4"}',
    "a word instead of a flag": json.dumps(LIMITS | {"inclusive": "perhaps"}).encode(),
    "no version": json.dumps({**LIMITS, "version": None}).encode(),
    "no analyte": json.dumps({**LIMITS, "analyte": None}).encode(),
    "no product": json.dumps({**LIMITS, "product": None}).encode(),
    "a test by the laboratory's name": json.dumps({**LIMITS, "analyte": "Viscosity", "upper": "x"}).encode(),
    "cut off": json.dumps(LIMITS).encode()[:-12],
    "a list of two": json.dumps([LIMITS, LIMITS | {"analyte": "ph"}]).encode(),
    "a key twice": b'{"product": "FG-100", "analyte": "viscosity", "upper": 1, "upper": 2, "version": "4"}',
    "a time that is none": json.dumps(LIMITS | {"effective_from": "soon"}).encode(),
    "bands without a target": json.dumps(LIMITS | {"bands": {"release": [98, 102], "review": [95, 105]}}).encode(),
}


@pytest.fixture
def lab(tmp_path):
    with closing(Laboratory(tmp_path)) as bench:
        yield bench


@pytest.fixture
def plant(tmp_path):
    with closing(Plant(tmp_path)) as bench:
        yield bench


def told(lab, payload):
    lab.send("mes/specifications/x", payload)
    lab.wait()


# --- specifications ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", REFUSED)
def test_laboratory_04_a_specification_that_is_refused_speaks_against_the_lots_of_its_product(lab, kind):
    lab.result("Viscosity", 100.0, "BEFORE")
    told(lab, REFUSED[kind])
    lab.result("Viscosity", 100.0, "SINCE")
    for lot in ("BEFORE", "SINCE"):
        assert (lab.recommended(lot), lab.codes(lot)) == ("review", {"SPECIFICATION_REFUSED"})


def test_laboratory_04_a_specification_that_is_refused_leaves_other_products_and_tests_alone(lab):
    told(lab, REFUSED["a limit that is no number"])
    lab.result("pH", 7.0, "P")
    lab.specification(product="FG-200", analyte="viscosity", lower=1, upper=200, unit="mPa.s", version="1")
    lab.result("Viscosity", 100.0, "Q", product="FG-200")
    assert (lab.recommended("P"), lab.recommended("Q")) == ("release", "release")


def test_laboratory_04_a_refused_specification_that_may_require_its_test_speaks_against_lots_without_it(lab):
    lab.result("pH", 7.0)
    told(lab, LIMITS | {"upper": "1O3", "required": True})
    assert lab.recommended() == "review"


def test_laboratory_04_a_lot_is_questioned_once_its_product_is_told(lab):
    told(lab, REFUSED["a limit that is no number"])
    lab.result("Viscosity", 100.0, product=None, lower=90, upper=110)
    assert lab.recommended() == "release"
    lab.mes("lot_started", material_lot_id="L", material_definition_id="FG-100", equipment_id="R1")
    assert (lab.recommended(), lab.codes()) == ("review", {"SPECIFICATION_REFUSED"})


@pytest.mark.parametrize("version", ["4", "5", "10"])
def test_laboratory_04_a_readable_specification_that_is_newer_answers_a_refused_one(lab, version):
    lab.result("Viscosity", 100.0)
    told(lab, REFUSED["a limit that is no number"])
    assert lab.recommended() == "review"
    told(lab, LIMITS | {"version": version})
    assert (lab.recommended(), lab.ever()) == ("release", ["release", "review", "release"])


@pytest.mark.parametrize(
    "other",
    [{"version": "3"}, {"version": "4", "analyte": "ph", "unit": None, "lower": 6, "upper": 8}, {"client_id": "C"},
     {"product": "FG-200"}],
)  # fmt: skip
def test_laboratory_04_an_older_specification_or_one_of_something_else_answers_nothing(lab, other):
    lab.result("Viscosity", 100.0)
    told(lab, REFUSED["a limit that is no number"])
    told(lab, LIMITS | other)
    assert lab.recommended() == "review"


def test_laboratory_04_what_was_drawn_while_refused_limits_would_have_held_stays_in_question(lab):
    told(lab, LIMITS | {"upper": "1O3", "effective_from": lab.at(-500)})
    for lot, drawn in (("BEFORE", -800), ("WHILE", -300), ("SINCE", -50)):
        lab.result("Viscosity", 100.0, lot, sampled_at=lab.at(drawn))
    assert [lab.recommended(lot) for lot in ("BEFORE", "WHILE", "SINCE")] == ["release", "review", "review"]
    told(lab, LIMITS | {"version": "5", "effective_from": lab.at(-100)})
    assert [lab.recommended(lot) for lot in ("BEFORE", "WHILE", "SINCE")] == ["release", "review", "release"]


def test_laboratory_08_other_limits_under_a_stated_version_speak_against_the_lots_of_the_product(lab):
    told(lab, LIMITS)
    lab.result("Viscosity", 100.0)
    assert lab.recommended() == "release"
    told(lab, LIMITS | {"upper": 99})
    assert (lab.recommended(), lab.codes()) == ("review", {"SPECIFICATION_REFUSED"})
    told(lab, LIMITS)  # says again what is on record, and answers nothing
    assert lab.recommended() == "review"
    told(lab, LIMITS | {"version": "5", "upper": 102})
    assert lab.recommended() == "release"


def test_laboratory_28_a_refused_specification_that_is_sent_again_after_its_answer_changes_nothing(lab):
    lab.result("Viscosity", 100.0)
    for message in (REFUSED["a limit that is no number"], json.dumps(LIMITS).encode()):
        told(lab, message)
    told(lab, REFUSED["a limit that is no number"])
    assert lab.ever() == ["release", "review", "release"]


def test_laboratory_04_a_refused_specification_does_not_reopen_a_lot_that_is_closed(lab):
    lab.result("Viscosity", 100.0)
    lab.mes("lot_closed", material_lot_id="L", at_seconds=0)
    told(lab, REFUSED["a limit that is no number"])
    assert lab.ever() == ["release"]


def test_laboratory_04_a_specification_of_which_nothing_can_be_read_is_a_dead_letter_alone(lab):
    lab.result("Viscosity", 100.0)
    told(lab, b"\x00 no JSON, no names")
    assert (lab.recommended(), len(lab.letters())) == ("release", 1)


def test_laboratory_04_a_person_settles_a_refused_specification_once_for_all_its_lots(plant):
    for lot in ("L", "M"):
        plant.result("Viscosity", 100.0, lot)
    told(plant, REFUSED["no version"])
    (point,) = plant.points()
    assert (point["code"], point["can_be_settled"], point["about"]["kind"]) == (
        "SPECIFICATION_REFUSED", True, "specification",
    )  # fmt: skip
    assert plant.points("M")[0]["point_id"] == point["point_id"]
    assert plant.settle(point["point_id"]).code == 0
    plant.result("Viscosity", 100.0, "N")
    assert [plant.recommended(lot) for lot in ("L", "M", "N")] == ["release"] * 3
    assert "settled already: Q. Head" in plant.settle(point["point_id"], "M").error
    told(plant, LIMITS | {"upper": "1O4", "version": None})  # another message asks again
    assert [plant.recommended(lot) for lot in ("L", "M", "N")] == ["review"] * 3


def test_a_lot_says_which_dead_letter_keeps_it_and_the_dead_letter_which_lots_it_keeps(plant):
    plant.result("Viscosity", 100.0)
    told(plant, REFUSED["a limit that is no number"])
    (letter,) = plant.sent("dead-letter")
    assert letter["id"] in plant.lot("L").output


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(versions=st.lists(st.sampled_from(["1", "2", "9", "10", "A", "1.9", "1.10"]), max_size=4), mine=st.text("1AB.9"))
def test_a_refused_version_is_answered_by_itself_or_a_later_one_and_by_nothing_else(versions, mine):
    about = ProductReference(product="P", analyte="a", version=mine or None)
    later = [StatedSpecification(product="P", analyte="A", client_id=None, version=version, from_ns=number)
             for number, version in enumerate(versions)]  # fmt: skip
    answered, until_ns = answered_since(about, later)
    assert answered == bool(mine and mine in versions)
    if until_ns is not None:
        assert versions[until_ns] != mine
        back = ProductReference(product="P", analyte="a", version=versions[until_ns])
        mine_stated = StatedSpecification(product="P", analyte="a", client_id=None, version=mine, from_ns=0)
        assert answered_since(back, [mine_stated]) == (False, None)  # what is later is not earlier as well


@settings(max_examples=40)
@given(st.integers(0, 150))
def test_however_a_specification_is_cut_it_is_taken_whole_or_refused_with_its_product(length):
    payload = json.dumps(LIMITS).encode()[:length]
    try:
        stated_specification(payload, now_ns=0)
    except MessageRefusedError as error:
        named = b'"FG-100"' in payload or b'"viscosity"' in payload
        assert (error.about is not None) == named  # noqa: PT017 - what it names is asked of the refusal itself
    else:
        assert length >= len(json.dumps(LIMITS))


# --- orders, equipment, products that are known later -----------------------------------------------------


def started(lab, lot="L"):
    lab.mes("order_started", job_order_id="WO-1", material_definition_id="FG-100", equipment_id="R1")
    lab.mes("lot_started", material_lot_id=lot, job_order_id="WO-1", equipment_id="R1")


def refused_at(lab, **place):
    lab.lims({"sample_id": None, "test_name": "Viscosity", "result": 120, **place})


@pytest.mark.parametrize("refused_first", [True, False])
@pytest.mark.parametrize("place", [{"work_order": "WO-1"}, {"equipment_id": "R1"}, {"equipment_id": "R1", "at": -60}])
def test_laboratory_04_a_refused_message_counts_once_the_lot_of_its_order_or_equipment_is_known(
    lab, place, refused_first
):
    at = {"sampled_at": lab.at(place["at"])} if "at" in place else {}
    named = {name: value for name, value in place.items() if name != "at"} | at
    lab.result("pH", 7.0)
    if refused_first:
        refused_at(lab, **named)
    started(lab)
    if not refused_first:
        refused_at(lab, **named)
    lab.wait()
    assert (lab.recommended(), lab.codes()) == ("review", {"MESSAGE_REFUSED"})


def test_laboratory_04_a_refused_message_goes_with_the_lot_that_ran_there(lab):
    lab.mes("lot_started", material_lot_id="L", equipment_id="R1", at_seconds=-1000)
    for lot in ("L", "M"):
        lab.result("pH", 7.0, lot)
    refused_at(lab, equipment_id="R1", sampled_at=lab.at(-100))
    assert [lab.recommended(lot) for lot in ("L", "M")] == ["review", "release"]
    lab.mes("lot_started", material_lot_id="M", equipment_id="R1", at_seconds=-500)
    assert [lab.recommended(lot) for lot in ("L", "M")] == ["release", "review"]


@pytest.mark.parametrize("cut", [60, 75])
def test_laboratory_01_a_message_that_is_cut_off_is_found_by_its_order(lab, cut):
    started(lab)
    lab.result("pH", 7.0)
    lab.lims(b'{"work_order": "WO-1", "equipment_id": "R1", "sample_time": "2026-03-02T08:00:00Z", "resu'[:cut])
    assert lab.recommended() == "review"


@pytest.mark.parametrize(
    "message",
    [
        {"event": "order_started", "job_order_id": "WO-1", "material_definition_id": "FG-200"},
        {"event": "order_started", "job_order_id": "WO-1", "equipment_id": "R1", "at": "today"},
        {"event": "lot_startet", "equipment_id": "R1"},
        {"event": "lot_started", "equipment_id": "R1", "material_lot_id": "M", "at": "today"},
        {"event": "lot_ended", "equipment_id": "R1"},
        {"event": "material_consumed", "consumed_lot_id": "L"},
        {"event": "order_started", "material_definition_id": "FG-100"},
    ],
)
def test_laboratory_13_what_production_tells_and_nobody_understands_speaks_against_the_lots_that_it_may_be_of(
    lab, message
):
    started(lab)
    lab.result("pH", 7.0)
    lab.send("mes/context/x", {"at": lab.at(-10)} | message)
    lab.wait()
    assert (lab.recommended(), lab.codes()) == ("review", {"MESSAGE_REFUSED"})


@pytest.mark.parametrize(
    "message", [{"event": "equipment_state", "equipment_id": "R1"}, {"event": "order_ended", "equipment_id": "R1"}]
)
def test_a_refused_message_by_which_no_lot_is_judged_speaks_against_none(lab, message):
    started(lab)
    lab.result("pH", 7.0)
    lab.send("mes/context/x", {"at": lab.at(-10)} | message)
    assert (lab.recommended(), len(lab.letters())) == ("release", 1)


# --- contradictions in any order --------------------------------------------------------------------------


@pytest.mark.parametrize("timed", [True, False])
def test_laboratory_08_a_contradiction_reaches_the_lot_on_the_equipment_whenever_that_is_told(lab, timed):
    said = {"test_name": "pH", "status": "approved", "result_version": 1, "product": "FG-100"}
    drawn = {"sampled_at": lab.at(-60)} if timed else {}
    for order in itertools.permutations(range(3)):
        name = "-".join(str(number) for number in order)
        said |= {"sample_id": f"S-{name}"}
        facts = (
            {"result": 7.0, "equipment_id": f"R-{name}"} | drawn,
            {"result": 7.1, "material_lot": f"Z-{name}"},
        )
        for number in order:
            if number < len(facts):
                lab.lims(said | facts[number])
            else:
                lab.mes("lot_started", material_lot_id=f"L-{name}", equipment_id=f"R-{name}")
        lab.wait()
        assert lab.recommended(f"Z-{name}") == "review"
        # without an instant only its sample says of which lot it is
        assert lab.ever(f"L-{name}")[-1:] == (["review"] if timed else [])
