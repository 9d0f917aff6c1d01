"""A person's word on a lot holds for the evidence that the person has seen; and a hold that fell away is named."""

import json
from contextlib import closing

import pytest

from tests.cases.test_first_plant_lot import WHO, Plant
from tests.fixtures.laboratory import Laboratory

STRICTER = {"product": "FG-100", "analyte": "viscosity", "lower": 97, "upper": 99, "unit": "mPa.s", "version": "9"}


@pytest.fixture
def plant(tmp_path):
    with closing(Plant(tmp_path)) as bench:
        yield bench


@pytest.fixture
def lab(tmp_path):
    with closing(Laboratory(tmp_path)) as bench:
        yield bench


def started(plant, at_seconds=-3600, **fields):
    plant.mes("lot_started", material_lot_id="L", equipment_id="R1", at_seconds=at_seconds, **fields)


def unread(plant):
    plant.result("Viscosity", "1,234", sample_id="S-1", sampled_at=plant.at(-60))


CHANGES = {  # what a person has settled, and what changes of its evidence afterwards
    "limits by which an unread value is held": (
        unread,
        lambda plant: plant.specification(**STRICTER, effective_from=plant.at(-7200)),
    ),
    "limits by which a value in another unit is held": (
        lambda plant: plant.result("Viscosity", 100, sample_id="S-1", unit="m2/s", sampled_at=plant.at(-60)),
        lambda plant: plant.specification(**STRICTER, effective_from=plant.at(-7200)),
    ),
    "the product of a result without a specification": (
        lambda plant: plant.result("Odour", 1, sample_id="S-1"),
        lambda plant: started(plant, material_definition_id="FG-200"),
    ),
    "the client of an unread value": (unread, lambda plant: started(plant, client_id="C")),
    "what a failed value was corrected to": (
        lambda plant: [plant.result("pH", value, sample_id="S-1") for value in (9.9, 7.0)],
        lambda plant: plant.result("pH", 7.4, sample_id="S-1"),
    ),
    "what an unread value was corrected to": (
        lambda plant: [plant.result("pH", value, sample_id="S-1") for value in ("smudged", 7.0)],
        lambda plant: plant.result("pH", 7.4, sample_id="S-1"),
    ),
    "why a parent is on hold": (
        lambda plant: [plant.mes("material_consumed", material_lot_id="L", consumed_lot_id="P"),
                       plant.result("pH", 9.9, "P", sample_id="P-1")],
        lambda plant: plant.result("pH", 9.7, "P", sample_id="P-2"),
    ),
    "a third client": (
        lambda plant: [started(plant, at, client_id=client) for at, client in ((-300, "A"), (-200, "B"))],
        lambda plant: started(plant, -400, client_id="C"),
    ),
    "a third product": (
        lambda plant: [started(plant, at, material_definition_id=product)
                       for at, product in ((-300, "FG-200"), (-200, "FG-100"))],
        lambda plant: started(plant, -400, material_definition_id="FG-300"),
    ),
    "another message of the version": (
        lambda plant: plant.result("pH", "smudged", sample_id="S-1", result_version=1, status="entered"),
        lambda plant: plant.result("pH", "smudged", sample_id="S-1", result_version=1, status="approved"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", CHANGES)
def test_laboratory_08_what_was_settled_is_open_again_where_its_evidence_changes(plant, kind):
    first, change = CHANGES[kind]
    plant.result("pH", 7.0)
    first(plant)
    plant.settle_all()
    assert plant.recommended() == "release"
    change(plant)
    plant.wait()
    assert plant.recommended() in {"review", "hold"}


@pytest.mark.parametrize(
    "change",
    [
        lambda plant: plant.specification(product="FG-100", analyte="ph", lower=6, upper=8, version="9"),
        lambda plant: plant.result("Viscosity", 100.0, sample_id="S-2"),
        lambda plant: plant.mes("lot_ended", material_lot_id="L", at_seconds=0),
        lambda plant: plant.specification(
            **STRICTER | {"lower": 95, "upper": 105}, target=100, effective_from=plant.at(-7200)
        ),
    ],
)
def test_what_was_settled_stays_settled_where_something_else_changes(plant, change):
    started(plant, material_definition_id="FG-100")
    unread(plant)
    plant.settle_all()
    change(plant)
    plant.wait()
    assert plant.points() == []


@pytest.mark.parametrize(
    "options",
    [
        ("--reason", ""),
        ("--reason", "\u200b \u2060"),
        ("--person", "\u200b", "--reason", "looked"),
        (),
    ],
)
def test_attacks_12_a_point_is_settled_by_nobody_whom_no_one_can_see(plant, options):
    unread(plant)
    told = plant.lot("L", "--settle", plant.points()[0]["point_id"], *options)
    assert (told.code, len(plant.points())) == (2, 1)
    assert "give --" in told.error


def test_a_point_of_another_lot_is_not_settled_and_its_own_lot_keeps_it(plant):
    unread(plant)
    plant.result("pH", "smudged", "M")
    (point,) = plant.points("M")
    assert plant.lot("L", "--settle", point["point_id"], *WHO).code == 2
    assert [len(plant.points(lot)) for lot in ("L", "M")] == [1, 1]


def test_a_point_is_settled_after_its_lot_was_closed_and_once(plant):
    started(plant, material_definition_id="FG-100")
    unread(plant)
    (point,) = plant.points()
    plant.mes("lot_closed", material_lot_id="L", at_seconds=0)
    assert plant.settle(point["point_id"]).code == 0
    assert (plant.recommended(), plant.disposition()["flags"]) == ("release", ["JUDGED_AGAIN", "LOT_CLOSED"])
    assert "settled already" in plant.settle(point["point_id"]).error
    audited = plant.connection.execute("SELECT count(*) FROM audit WHERE kind = 'point_settled'").fetchone()[0]
    assert audited == 1


def test_a_settlement_that_waits_to_be_taken_up_meets_what_came_meanwhile(plant):
    """Between a person's word and the gateway that takes it up, a correction comes: it is judged, and asks again."""
    unread(plant)
    plant.lot("L", "--settle", plant.points()[0]["point_id"], *WHO)
    plant.result("Viscosity", "1,777", sample_id="S-1", result_version=2)
    plant.wait()
    assert plant.recommended() == "review"


# --- a hold that fell away ----------------------------------------------------------------------------------

FOR_ALL = {"product": "FG-100", "analyte": "density", "lower": 0.9, "upper": 1.1, "version": "1"}


def of_client(lab):
    lab.specification(**FOR_ALL)
    lab.specification(**FOR_ALL | {"client_id": "C", "upper": 1.3})


def note(lab):
    return next((reason for reason in lab.disposition()["reasons"] if reason["code"] == "HELD_BEFORE"), None)


def test_laboratory_04_a_hold_that_another_context_ends_is_named_with_its_reason(lab):
    of_client(lab)
    lab.result("density", 1.2)
    assert (lab.recommended(), note(lab)) == ("hold", None)
    lab.mes("lot_started", material_lot_id="L", client_id="C", equipment_id="R1")
    assert (lab.recommended(), lab.disposition()["previous"]) == ("release", "hold")
    assert "density 1.2 is above the upper limit of 1.1." in note(lab)["text"]
    assert note(lab)["parameters"]["codes"] == ["OUT_OF_SPECIFICATION"]
    lab.result("Viscosity", 100.0)
    assert (lab.recommended(), note(lab) is not None) == ("release", True)  # as long as the lot is spoken of


def test_laboratory_04_the_same_facts_in_the_other_order_hold_nothing_and_name_nothing(lab):
    of_client(lab)
    lab.mes("lot_started", material_lot_id="L", client_id="C", equipment_id="R1")
    lab.result("density", 1.2)
    assert (lab.recommended(), note(lab)) == ("release", None)


def test_laboratory_04_an_earlier_hold_is_shown_with_the_lot_and_its_guidance_stays_for_people(plant):
    of_client(plant)
    plant.result("density", 1.2)
    plant.mes("lot_started", material_lot_id="L", client_id="C", equipment_id="R1")
    told = plant.lot("L")
    assert told.code == 0
    assert "besides: The lot was recommended for hold before" in told.output
    guidance = plant.connection.execute("SELECT kind FROM guidance WHERE open = 1").fetchall()
    assert [row["kind"] for row in guidance] == ["hold"]


def test_a_hold_that_stands_names_no_earlier_one_and_a_settled_correction_does(plant):
    plant.result("pH", 9.9, sample_id="S-1")
    plant.result("pH", 9.8, sample_id="S-2")
    assert note(plant) is None
    for sample in ("S-1", "S-2"):
        plant.result("pH", 7.0, sample_id=sample)
    plant.settle_all()
    assert (plant.recommended(), note(plant) is not None) == ("release", True)
    assert json.dumps(note(plant)["parameters"])
