"""Laboratory cases 2, 8 and 21, their siblings: one sample that is said to be of several lots."""

import itertools
from contextlib import closing

import pytest

from tests.cases.test_first_plant_lot import Plant
from tests.fixtures.laboratory import Laboratory

LOTS = ("A", "B")
INSIDE = {"pH": 7.0, "Viscosity": 100.0, "Density": 1.0}


@pytest.fixture
def lab(tmp_path):
    with closing(Laboratory(tmp_path)) as bench:
        yield bench


@pytest.fixture
def plant(tmp_path):
    with closing(Plant(tmp_path)) as bench:
        yield bench


def of_sample(lab, test, lot, value=None, **fields):
    lab.result(test, value or INSIDE[test], lot, sample_id="S-1", **fields)


def recommended(lab, *lots):
    lab.wait()
    return [lab.recommended(lot) for lot in lots]


def test_laboratory_21_a_sample_that_two_results_name_for_two_lots_keeps_both_for_a_person(lab):
    of_sample(lab, "pH", "A")
    of_sample(lab, "Viscosity", "B")
    assert recommended(lab, *LOTS) == ["review", "review"]
    assert lab.codes("A") == lab.codes("B") == {"SAMPLE_OF_SEVERAL_LOTS"}


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (("A, B", "A"), ["release", "release"]),  # a composite, of which a test names one lot
        (("A, B", "A", "B"), ["release", "release"]),
        (("A", "B", "A, B"), ["release", "release"]),  # what says so last says so of all
        (("A, B", "B, C"), ["review", "review"]),
        (("A", "B", "C"), ["review", "review"]),
        (("A", "A", None), ["release", None]),
    ],
)
def test_laboratory_21_a_composite_is_a_composite_in_whatever_order_its_results_come(lab, named, expected):
    for number, order in enumerate(itertools.permutations(zip(("pH", "Viscosity", "Density"), named, strict=False))):
        lots = {lot: f"{lot}{number}" for lot in "ABC"}
        for test, lot in order:
            name = None if lot is None else ", ".join(lots[each] for each in lot.split(", "))
            limits = {"lower": 0.9, "upper": 1.1} if test == "Density" else {}
            lab.result(test, INSIDE[test], name, sample_id=f"S{number}", **limits)
        lab.wait()
        assert [(lab.ever(lots[lot]) or [None])[-1] for lot in LOTS] == expected, order


def test_laboratory_10_a_correction_of_the_lot_ends_the_contradiction_and_is_looked_at_where_it_left(plant):
    of_sample(plant, "pH", "A", result_version=1)
    of_sample(plant, "Viscosity", "B")
    of_sample(plant, "pH", "B", result_version=2)
    assert recommended(plant, *LOTS) == ["review", "release"]
    assert [point["code"] for point in plant.points("A")] == ["RESULT_LEFT_LOT"]


@pytest.mark.parametrize("place", ["work_order", "equipment_id"])
@pytest.mark.parametrize("first", ["1", "2"])
def test_laboratory_08_another_order_or_equipment_under_one_version_is_a_contradiction(lab, place, first):
    of_sample(lab, "Viscosity", "A")
    for name in (first, {"1": "2", "2": "1"}[first]):
        of_sample(lab, "pH", "A", result_version=1, **{place: f"P-{name}"})
    assert (recommended(lab, "A"), lab.codes("A")) == (["review"], {"RESULT_CONTRADICTED"})


def test_laboratory_21_a_hold_stays_a_hold_in_the_lot_that_it_is_of(lab):
    of_sample(lab, "pH", "A", 9.9)
    of_sample(lab, "Viscosity", "B")
    assert recommended(lab, *LOTS) == ["hold", "review"]


def test_laboratory_03_controls_and_other_laboratories_have_samples_of_their_own(lab):
    of_sample(lab, "pH", "A")
    lab.result("pH", 7.0, "B", sample_id="S-2")
    lab.result("Viscosity", 100.0, "B", sample_id="S-3", control_id="QC")
    lab.result("Density", 1.0, "A", sample_id="S-3", lower=0.9, upper=1.1)
    assert recommended(lab, *LOTS) == ["release", "review"]
    assert "SAMPLE_OF_SEVERAL_LOTS" not in lab.codes("B")


def test_laboratory_08_a_third_lot_of_a_contradicted_version_is_for_review_in_any_order(lab):
    messages = [("pH", "A", 7.0, 1), ("pH", "B", 7.1, 1), ("Viscosity", "C", 100.0, 1)]
    for number, order in enumerate(itertools.permutations(messages)):
        for test, lot, value, version in order:
            lab.result(test, value, f"{lot}{number}", sample_id=f"S{number}", result_version=version)
        assert recommended(lab, *(f"{lot}{number}" for lot in "ABC")) == ["review"] * 3


def test_a_person_settles_a_shared_sample_for_each_lot_and_a_further_lot_asks_again(plant):
    of_sample(plant, "pH", "A")
    of_sample(plant, "Viscosity", "B")
    (point,) = plant.points("A")
    assert (point["code"], point["about"]) == ("SAMPLE_OF_SEVERAL_LOTS", {"kind": "sample", "sample": "S-1"})
    assert plant.settle(point["point_id"], "A").code == 0
    assert recommended(plant, *LOTS) == ["release", "review"]
    plant.settle_all("B")
    assert recommended(plant, *LOTS) == ["release", "release"]
    of_sample(plant, "Density", "C", lower=0.9, upper=1.1)
    assert recommended(plant, "A", "B", "C") == ["review"] * 3


@pytest.mark.parametrize("older_first", [True, False])
def test_laboratory_10_an_older_version_that_comes_late_says_nothing_of_the_lot_any_more(plant, older_first):
    of_sample(plant, "Viscosity", "B")
    for version in (1, 2) if older_first else (2, 1):
        of_sample(plant, "pH", {1: "A", 2: "B"}[version], result_version=version)
    assert recommended(plant, *LOTS) == ["review", "release"]
    assert [point["code"] for point in plant.points("A")] == ["RESULT_LEFT_LOT"]
