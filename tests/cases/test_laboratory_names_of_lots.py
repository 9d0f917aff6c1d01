"""Laboratory case 2, its sibling: a bar within a lot's name, or between the names of two lots."""

import itertools
from contextlib import closing

import pytest

from gateway.lab.ambiguous_lot_names import parts_of
from tests.cases.test_first_plant_lot import Plant
from tests.fixtures.laboratory import Laboratory

WHOLE = "25|0147"


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


def last(lab, lot):
    lab.wait()
    return (lab.ever(lot) or ["pending"])[-1]


@pytest.mark.parametrize("started_first", [True, False])
@pytest.mark.parametrize(("value", "expected"), [(7.0, "release"), (9.9, "hold")])
def test_laboratory_02_a_lot_that_production_calls_by_a_name_with_a_bar_is_one_lot(lab, started_first, value, expected):
    for is_start in (started_first, not started_first):
        started(lab, WHOLE) if is_start else lab.result("pH", value, WHOLE)
    assert last(lab, WHOLE) == expected
    assert {last(lab, part) for part in ("25", "0147")} == {"pending"}


def test_laboratory_02_a_name_with_a_bar_that_production_does_not_know_may_be_several_lots(lab):
    lab.result("pH", 7.0, "A|B")
    assert {last(lab, lot) for lot in ("A|B", "A", "B")} == {"review"}


def test_laboratory_02_where_a_part_of_the_name_is_a_lot_too_both_are_for_a_person_in_any_order(lab):
    for number, order in enumerate(itertools.permutations(range(3))):
        part = f"A{number}"
        whole = f"{part}|B{number}"
        for fact in order:
            if fact == 0:
                lab.mes("lot_started", material_lot_id=whole, equipment_id="R1", at_seconds=-3600 + number)
            else:
                lab.result("pH", 7.0, {1: whole, 2: part}[fact])
        assert (last(lab, whole), last(lab, part)) == ("review", "review")


@pytest.mark.parametrize("first", [True, False])
def test_laboratory_13_material_of_lots_that_a_bar_may_part_keeps_what_is_known_of_them_for_a_person(lab, first):
    for use in (first, not first):
        if use:
            lab.mes("material_consumed", material_lot_id="L", consumed_lot_id="P|Q")
        else:
            lab.result("pH", 9.9, "P")
    lab.result("pH", 7.0)
    assert last(lab, "L") == "review"


def test_laboratory_08_a_status_advances_though_the_lot_was_started_in_between(lab):
    lab.result("pH", 7.0, WHOLE, sample_id="S-1", result_version=1, status="validated")
    started(lab, WHOLE)
    lab.result("pH", 7.0, WHOLE, sample_id="S-1", result_version=1, status="approved")
    assert (last(lab, WHOLE), len(lab.letters())) == ("release", 1)


def test_a_person_settles_a_name_and_another_lot_of_a_part_asks_again(plant):
    started(plant, "A|B")
    plant.result("pH", 7.0, "A")
    plant.result("pH", 7.0, "A|B")
    assert {point["code"] for point in plant.points("A")} == {"LOT_NAME_UNCLEAR", "RESULT_UNREAD"}
    plant.settle_all("A")
    assert (last(plant, "A"), last(plant, "A|B")) == ("release", "review")
    started(plant, "A|C")
    assert last(plant, "A") == "review"


def test_names_are_parted_at_bars_alone():
    assert parts_of("25|0147 | x") == ("25", "0147", "x")
    assert parts_of("L-1 & L-2") == parts_of("|") == ()
