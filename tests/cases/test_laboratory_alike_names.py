"""Lots whose names only look alike: two lots on record, and for a person until one has said what they are."""

import itertools
from contextlib import closing

import pytest

from gateway.contract.lims.names import normalised
from gateway.store.care.salvage import salvage
from gateway.store.facts.lot.other_lots import MOST_ALIKE
from tests.cases.test_first_plant_lot import Plant
from tests.fixtures.laboratory import Laboratory

PAIRS = [
    ("Lot-1", "LOT-1"),
    ("LOT-1", "lot 1"),
    ("12", "00012"),
    ("A-001", "\u0410-001"),
    ("A-001", "\u0391-001"),
    ("L-2O47", "L-2047"),
    ("L-2l47", "L-2147"),
    ("L-1", "\uff2c-\uff11."),
    ("L 1", "L\u20111"),
]


@pytest.fixture
def lab(tmp_path):
    with closing(Laboratory(tmp_path)) as bench:
        yield bench


@pytest.fixture
def plant(tmp_path):
    with closing(Plant(tmp_path)) as bench:
        yield bench


def started(lab, lot):
    lab.mes("lot_started", material_lot_id=lot, equipment_id="R1", material_definition_id="FG-100")


def ever(lab, lot):
    lab.wait()
    return lab.ever(normalised(lot)) or ["pending"]


def last(lab, lot):
    return ever(lab, lot)[-1]


def codes(plant, lot):
    return {point["code"] for point in plant.points(lot)}


def alike(plant, lot):
    return next(point for point in plant.points(lot) if point["code"] == "LOT_NAME_ALIKE")


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_laboratory_02_a_failure_under_a_name_that_looks_alike_keeps_the_lot_from_release(lab, one, other):
    lab.result("pH", 7.0, one)
    lab.result("pH", 9.9, other)
    assert (last(lab, one), last(lab, other)) == ("review", "hold")
    assert "LOT_NAME_ALIKE" in lab.codes(normalised(one))


@pytest.mark.parametrize(("one", "other"), [PAIRS[0], PAIRS[-1]])
def test_laboratory_02_the_second_name_is_never_recommended_for_release_not_even_for_a_moment(lab, one, other):
    lab.result("pH", 9.9, one)
    lab.result("pH", 7.0, other)
    assert set(ever(lab, other)) == {"review"}
    lab.result("pH", 7.0, ["X-1", "x1"])
    assert {*ever(lab, "X-1"), *ever(lab, "x1")} == {"review"}


@pytest.mark.parametrize(("one", "other"), [("L-1", "L-10"), ("L-1", "L-2"), ("LOT-0012", "LOT-0013"), ("12", "12A"),
                                            ("1-12", "11-2"), ("25-147I", "25-1471")])  # fmt: skip
def test_laboratory_02_lots_of_an_ordinary_series_do_not_look_alike(lab, one, other):
    lab.result("pH", 7.0, one)
    lab.result("pH", 9.9, other)
    assert (last(lab, one), last(lab, other)) == ("release", "hold")


def speaks(lab, kind, lot):
    if kind == "start":
        started(lab, lot)
    elif kind == "material":
        lab.mes("material_consumed", material_lot_id="M", consumed_lot_id=lot)
    elif kind == "refused":
        lab.lims({"material_lot": lot, "sample_id": "S-R", "result": 7.0})
    else:
        lab.result("pH", 7.0, lot)


@pytest.mark.parametrize("kind", ["start", "material", "refused", "result"])
@pytest.mark.parametrize("first", [True, False])
def test_laboratory_02_whatever_names_a_lot_counts_as_a_second_name_in_any_order(lab, kind, first):
    for is_result in (first, not first):
        lab.result("pH", 7.0, "LOT-1") if is_result else speaks(lab, kind, "Lot 1")
    assert last(lab, "LOT-1") == "review"
    assert last(lab, "Lot 1") == "review"


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_laboratory_13_material_whose_name_looks_like_that_of_a_failed_lot_keeps_what_it_went_into(lab, order):
    for fact in order:
        if fact == 0:
            lab.mes("material_consumed", material_lot_id="L", consumed_lot_id="RAW-7")
        elif fact == 1:
            lab.result("pH", 9.9, "raw 007")
        else:
            lab.result("pH", 7.0)
    assert last(lab, "L") == "review"


def test_laboratory_02_a_name_with_spaces_around_it_is_the_same_name(lab):
    lab.result("pH", 7.0, "L-1 ")
    lab.result("Viscosity", 100.0, " L-1")
    assert last(lab, "L-1") == "release"


# --- a person's word ----------------------------------------------------------------------------------------


def test_a_person_says_once_that_they_are_different_lots_and_that_counts_for_both(plant):
    plant.result("pH", 7.0, "LOT-1")
    plant.result("pH", 7.0, "Lot 1")
    point = alike(plant, "LOT-1")
    assert point["point_id"] == alike(plant, "Lot 1")["point_id"]
    assert "Lot 1" in point["text"]
    assert plant.settle(point["point_id"], "LOT-1").code == 0
    assert (last(plant, "LOT-1"), last(plant, "Lot 1"), plant.lot("Lot 1").code) == ("release", "release", 0)
    assert plant.lot("Lot 1", "--json").document["settled"][0]["person"] == "Q. Head"
    plant.result("Viscosity", 100.0, "Lot 1")
    assert (last(plant, "LOT-1"), last(plant, "Lot 1")) == ("release", "release")


def test_a_failure_under_the_other_name_after_it_was_settled_asks_again(plant):
    plant.result("pH", 7.0, "LOT-1")
    plant.result("pH", 9.9, "Lot 1")
    settled = alike(plant, "LOT-1")["point_id"]
    plant.settle(settled, "LOT-1")
    assert (last(plant, "LOT-1"), last(plant, "Lot 1")) == ("release", "hold")
    plant.result("Viscosity", 200.0, "Lot 1")
    assert last(plant, "LOT-1") == "review"
    assert alike(plant, "LOT-1")["point_id"] != settled


def test_a_third_name_asks_again_for_all_of_them(plant):
    plant.result("pH", 7.0, "LOT-1")
    plant.result("pH", 7.0, "Lot 1")
    plant.settle(alike(plant, "Lot 1")["point_id"], "Lot 1")
    started(plant, "lot_01")
    assert {last(plant, lot) for lot in ("LOT-1", "Lot 1", "lot_01")} == {"review"}
    plant.settle(alike(plant, "lot_01")["point_id"], "lot_01")
    assert last(plant, "LOT-1") == last(plant, "Lot 1") == "release"


def test_what_is_settled_for_one_lot_alone_settles_nothing_of_the_other(plant):
    plant.result("pH", 7.0, "LOT-1")
    plant.result("pH", 7.0, "Lot 1")
    plant.result("pH", {"no": "value"}, "Lot 1")
    plant.result("pH", {"no": "value"}, "LOT-1", sample_id="S-9")
    plant.settle_all("LOT-1")
    assert codes(plant, "LOT-1") == set()
    assert codes(plant, "Lot 1") == {"RESULT_UNREAD"}
    assert plant.lot("Lot 1", "--json").document["settled"][0]["code"] == "LOT_NAME_ALIKE"


def test_what_is_salvaged_speaks_of_lots_whose_names_look_like_those_that_came_since(plant, tmp_path):
    plant.result("pH", 9.9, ["X", "Lot 1"])
    (tmp_path / "other").mkdir()
    with closing(Laboratory(tmp_path / "other")) as other:
        other.result("pH", 7.0, "LOT-1")
        assert last(other, "LOT-1") == "release"
        salvage(tmp_path / "store" / "state.db", into=other.connection, at_ns=other.now_ns)
        other.wait()
        assert (last(other, "LOT-1"), last(other, "Lot 1")) == ("review", "hold")


def test_of_very_many_names_the_first_are_looked_at_and_each_lot_is_for_a_person(plant):
    names = [f"L{'-' * number}1" for number in range(1, MOST_ALIKE + 4)]
    for number, name in enumerate(names):
        plant.result("pH", 7.0, name, sample_id=f"S-{number}")
    assert {last(plant, name) for name in names} == {"review"}
    for name in (names[0], names[-1]):
        parameters = alike(plant, name)["parameters"]
        assert (parameters["count"], len(parameters["lots"])) == (len(names), MOST_ALIKE)


def test_a_result_costs_no_further_statement_for_names(lab):
    lab.result("pH", 7.0, "LOT-1")
    counted = []
    lab.connection.set_trace_callback(counted.append)
    lab.result("Viscosity", 100.0, "LOT-1")
    lab.connection.set_trace_callback(None)
    assert not [statement for statement in counted if "lot_name" in statement and "AS waits" not in statement]


# --- products -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stated", [True, False])
def test_a_missing_specification_names_the_product_that_is_only_written_in_another_way(lab, stated):
    product, written = ("FG-200", "fg 200") if stated else ("FG-100", "fg-100")
    if stated:
        lab.specification(product=product, analyte="ph", version="1", lower=6.0, upper=8.0)
    lab.result("pH", 7.0, product=written)
    (reason,) = lab.disposition()["reasons"]
    assert (lab.recommended(), reason["code"]) == ("review", "NO_SPECIFICATION")
    assert reason["text"].endswith(f"There is one of {product}, whose name looks alike.")


def test_a_missing_specification_of_a_product_like_no_other_names_none(lab):
    lab.result("pH", 7.0, product="FG-101")
    assert "alike" not in lab.disposition()["reasons"][0]["text"]


def test_what_is_settled_stays_settled_when_a_product_with_a_name_that_looks_alike_becomes_known(plant):
    plant.result("pH", 7.0, product="FG-300")
    plant.settle_all()
    plant.specification(product="fg 300", analyte="ph", version="1", lower=6.0, upper=6.5)
    plant.result("Viscosity", 100.0, product="FG-300")
    plant.settle_all()
    assert last(plant, "L") == "release"
