"""Laboratory cases about the release of a lot: what is unread, late, contradictory or repeated speaks against it."""

import json
from contextlib import closing

import pytest

from tests.fixtures.laboratory import Laboratory

FOR_A_PERSON = {"review", "hold"}


@pytest.fixture
def lab(tmp_path):
    with closing(Laboratory(tmp_path)) as bench:
        yield bench


def good(lab, lot="L", **fields):
    lab.result("pH", 7.0, lot, **fields)


# --- 1: what cannot be read -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "unreadable",
    [
        {"test_name": "Salmonella", "result": "Detected in 25 g"},
        {"test_name": "Viscosity", "result": "1,234"},
        {"test_name": "Viscosity", "result": ""},
        {"test_name": "Viscosity", "result": None},
        {"test_name": "Viscosity"},
        {"test_name": "Viscosity", "result": "see comment"},
        {"test_name": "Viscosity", "result": {"value": 120}},
        {"test_name": "Viscosity", "result": [120]},
        {"test_name": "Viscosity", "result": 1e999},
        {"test_name": "Viscosity", "result": True},
        {"test_name": "Viscosity", "result": 100.0, "sampled_at": "yesterday"},
        {"test_name": "Viscosity", "result": 100.0, "status": "in doubt"},
        {"test_name": "Viscosity", "result": 100.0, "spec_max": "about 105"},
        {"test_name": "Viscosity", "result": 100.0, "replicate": -1},
        {"test_name": "Viscosity", "result": 100.0, "result_version": "two"},
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_laboratory_01_an_unreadable_result_keeps_its_lot_from_release_in_whatever_order(lab, unreadable, first):
    message = {"sample_id": "S-1", "material_lot": "L", "product": "FG-100", **unreadable}
    for unread in (first, not first):
        if unread:
            lab.lims(message)
        else:
            good(lab)
    assert lab.recommended() == "review"
    assert "release" not in lab.ever()[(0 if first else 1) :]


@pytest.mark.parametrize(
    "payload",
    [
        b'{"material_lot": "L", "test_name": "Viscosity", "result": 120}',
        b'{"material_lot": "L", "sample_id": "S-1", "result": 120}',
        b'{"material_lot": "L", "sample_id": ["S-1"], "test_name": "V", "result": 120}',
    ],
)
def test_laboratory_01_a_message_without_its_sample_or_test_is_told_and_speaks_against_its_lot(lab, payload):
    good(lab)
    lab.lims(payload)
    assert lab.recommended() == "review"
    assert lab.letters()


def test_laboratory_01_a_person_settles_what_was_not_read_though_a_correction_can_be_read(lab):
    good(lab)
    lab.result("Viscosity", "1,234", sample_id="S-1")
    assert (lab.recommended(), lab.codes()) == ("review", {"RESULT_UNREAD"})
    lab.result("Viscosity", 100.0, sample_id="S-1")
    assert (lab.recommended(), lab.codes()) == ("review", {"EARLIER_VERSION_UNREAD"})


def test_laboratory_01_an_unreadable_correction_of_a_good_result_is_a_review(lab):
    lab.result("Viscosity", 100.0, sample_id="S-1")
    assert lab.recommended() == "release"
    lab.result("Viscosity", "1,234", sample_id="S-1")
    assert lab.recommended() == "review"


def test_laboratory_01_what_is_refused_for_a_sample_speaks_against_the_lots_of_that_sample(lab):
    lab.lims({"sample_id": "S-9", "result": 120})  # no test, no lot
    good(lab, sample_id="S-9")  # only now its lot is known
    assert lab.ever() == ["review"]


# --- 2, 3: names and controls ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["L   ", " L", "L\u00a0", "\tL", "L\u200b", "L\ufeff"])
def test_laboratory_02_a_lot_is_the_same_however_it_is_padded(lab, name):
    lab.result("Viscosity", 120.0, name)
    good(lab)
    assert lab.recommended() == "hold"


@pytest.mark.parametrize("control", ["   ", "N", "n", "no", "0", "false", "", None, False, 0])
def test_laboratory_03_a_blank_or_negative_control_is_none(lab, control):
    lab.result("Viscosity", 120.0, control_id=control)
    good(lab)
    assert lab.recommended() == "hold"


@pytest.mark.parametrize("control", ["Y", "OIL-100", "QC", "1", True])
def test_laboratory_03_a_lot_together_with_an_unknown_control_is_for_review(lab, control):
    lab.result("Viscosity", 120.0, control_id=control)
    good(lab)
    assert lab.recommended() in FOR_A_PERSON
    assert "release" not in lab.ever()


# --- 4: context that comes late -------------------------------------------------------------------------


def test_laboratory_04a_a_result_without_a_lot_counts_once_its_lot_is_known(lab):
    lab.result("Viscosity", 120.0, None, equipment_id="R1", sampled_at=lab.at(-60))
    lab.mes("lot_started", material_lot_id="L", material_definition_id="FG-100", equipment_id="R1", at_seconds=-600)
    assert lab.recommended() == "hold"
    good(lab)
    assert lab.ever() == ["hold", "hold"]


def test_laboratory_04b_a_product_that_is_told_late_judges_what_was_there(lab):
    lab.lims({"sample_id": "S-1", "test_name": "pH", "result": 8.9, "spec_min": 4, "spec_max": 10, "status": "approved",
              "material_lot": "L"})  # fmt: skip
    lab.mes("lot_started", material_lot_id="L", material_definition_id="FG-100", equipment_id="R1")
    lab.result("Viscosity", 100.0, product=None)
    assert lab.recommended() == "hold"


@pytest.mark.parametrize("order_first", [True, False])
def test_laboratory_04_a_product_by_the_order_of_the_lot_or_of_the_result(lab, order_first):
    def told():
        lab.mes("order_started", job_order_id="WO-1", material_definition_id="FG-100", equipment_id="R1")

    if order_first:
        told()
    lab.lims({"sample_id": "S-1", "test_name": "pH", "result": 8.9, "spec_min": 4, "spec_max": 10, "status": "approved",
              "material_lot": "L", "work_order": "WO-1"})  # fmt: skip
    if not order_first:
        told()
    assert lab.recommended() == "hold"


def test_laboratory_04_a_specification_that_is_stated_late_judges_what_was_there(lab):
    lab.result("Density", 0.9, status="approved")
    assert lab.recommended() == "review"
    lab.specification(product="FG-100", analyte="Density", lower=0.95, upper=1.05, version="1")
    assert lab.recommended() == "hold"
    good(lab)
    assert lab.recommended() == "hold"


def test_laboratory_04_a_specification_that_releases_is_told_once(lab):
    lab.result("Density", 1.0, status="approved")
    lab.specification(product="FG-100", analyte="Density", lower=0.95, upper=1.05, version="1")
    assert lab.ever() == ["review", "release"]
    lab.specification(product="FG-100", analyte="Density", lower=0.9, upper=1.1, version="2")
    assert lab.ever() == ["review", "release"]


def test_laboratory_04_a_result_of_no_lot_whose_sample_names_one_counts(lab):
    lab.result("Viscosity", 120.0, None, sample_id="S-7")
    good(lab, sample_id="S-7")
    assert lab.ever() == ["hold"]


def test_laboratory_04_a_failing_result_of_the_order_alone_keeps_its_lots_for_a_person(lab):
    lab.mes("order_started", job_order_id="WO-1", material_definition_id="FG-100", equipment_id="R1")
    lab.mes("lot_started", material_lot_id="L", job_order_id="WO-1", equipment_id="R1")
    good(lab)
    lab.result("Viscosity", 120.0, None, work_order="WO-1")
    assert lab.recommended() == "review"
    assert lab.codes() == {"RESULT_WITHOUT_LOT"}


def test_laboratory_04_a_lot_of_two_products_is_for_review(lab):
    lab.mes("lot_started", material_lot_id="L", material_definition_id="FG-100", equipment_id="R1")
    good(lab)
    assert lab.recommended() == "release"
    lab.mes("lot_started", material_lot_id="L", material_definition_id="FG-200", equipment_id="R1")
    assert lab.recommended() == "review"
    assert "CONTEXT_CONTRADICTED" in lab.codes()


def test_laboratory_04_a_result_moves_to_the_lot_that_is_told_late(lab):
    lab.mes("lot_started", material_lot_id="A", material_definition_id="FG-100", equipment_id="R1", at_seconds=-900)
    lab.result("Viscosity", 120.0, None, equipment_id="R1", sampled_at=lab.at(-60))
    assert lab.recommended("A") == "hold"
    lab.mes("lot_started", material_lot_id="B", material_definition_id="FG-100", equipment_id="R1", at_seconds=-300)
    assert lab.recommended("B") == "hold"
    good(lab, "A")
    assert lab.recommended("A") == "release"  # nothing of A has ever been out


# --- 5 to 7, 22, 30: comparators and units, judged ------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        {"result": 7.5, "qualifier": ">="}, {"result": 7.5, "qualifier": "≥"}, {"result": 7.5, "qualifier": "GT"},
        {"result": 7.5, "qualifier": "sa"}, {"result": 7.5, "qualifier": "ad"}, {"result": 7.5, "qualifier": ">"},
        {"result": ">=7.5"}, {"result": "≥ 7.5"}, {"result": "> 7.5"}, {"result": "7.5+"},
    ],
)  # fmt: skip
def test_laboratory_05_a_comparator_is_read_or_speaks_against_a_release(lab, value):
    lab.lims({"sample_id": "S-1", "test_name": "pH", "status": "approved", "material_lot": "L", "product": "FG-100",
              **value})  # fmt: skip
    lab.result("Viscosity", 100.0)
    assert lab.recommended() in FOR_A_PERSON


# --- 8 to 11: versions, statuses, retests, withdrawals --------------------------------------------------


def test_laboratory_08_another_value_under_the_same_version_makes_the_lot_a_review_or_hold(lab):
    lab.result("pH", 7.1, sample_id="S-1", result_version=1)
    lab.result("pH", 9.8, sample_id="S-1", result_version=1)
    assert lab.recommended() in FOR_A_PERSON
    assert lab.letters() == [{"RESULT_VERSION_CONFLICT"}]


def test_laboratory_08_a_status_advances_within_a_version(lab):
    for status in ("entered", "validated", "approved"):
        lab.result("pH", 7.1, sample_id="S-1", result_version=1, status=status)
    assert lab.ever() == ["review", "release", "release"]
    assert lab.letters() == []
    for status in ("approved", "validated", "entered"):  # the history again, in any order
        lab.result("pH", 7.1, sample_id="S-1", result_version=1, status=status)
    assert lab.ever() == ["review", "release", "release"]


def test_laboratory_08_a_version_that_is_rejected_afterwards_releases_nothing(lab):
    good(lab, sample_id="S-2")
    lab.result("Viscosity", 100.0, sample_id="S-1", result_version=1)
    lab.result("Viscosity", 100.0, sample_id="S-1", result_version=1, status="rejected")
    assert lab.recommended() == "review"
    lab.result("Viscosity", 100.0, sample_id="S-1", result_version=1, status="approved")  # a late message of before
    assert lab.recommended() == "review"


@pytest.mark.parametrize("original", [9.1, 7.2, None])
def test_laboratory_09_a_retest_releases_nothing_without_a_person(lab, original):
    if original is not None:
        lab.result("pH", original, sample_id="S-1")
    lab.result("pH", 7.2, sample_id="S-2", retest_of="S-1")
    lab.result("Viscosity", 100.0)
    assert lab.recommended() == "review"


def test_laboratory_09_a_retest_of_a_withdrawn_failure_is_for_review(lab):
    lab.result("pH", 9.1, sample_id="S-1", result_version=1)
    lab.result("pH", 9.1, sample_id="S-1", result_version=1, status="rejected")
    lab.result("pH", 7.2, sample_id="S-2", retest_of="S-1")
    assert lab.recommended() == "review"


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_laboratory_10_the_order_of_arrival_decides_nothing(lab, order):
    values = {1: 9.9, 2: 7.0}
    for version in order:
        lab.result("pH", values[version], sample_id="S-1", result_version=version)
    assert (lab.recommended(), lab.disposition()["latched"]) == ("review", True)


@pytest.mark.parametrize("status", ["rejected", "superseded", "cancelled", "invalid", "retracted"])
def test_laboratory_11_what_is_withdrawn_without_a_replacement_is_for_review(lab, status):
    lab.result("Viscosity", 120.0, status=status)
    good(lab)
    assert lab.recommended() == "review"


# --- 13: genealogy --------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["hold, use, child", "use, child, hold", "child, use, hold", "use, hold, child"])
def test_laboratory_13_a_parent_on_hold_keeps_what_was_made_of_it_for_a_person(lab, order):
    acts = {
        "hold": lambda: lab.result("Viscosity", 120.0, "LD1"),
        "use": lambda: lab.mes("material_consumed", material_lot_id="LD2", consumed_lot_id="LD1"),
        "child": lambda: good(lab, "LD2"),
    }
    for act in order.split(", "):
        acts[act]()
    assert lab.recommended("LD2") == "review"
    assert any("LD1" in reason["text"] for reason in lab.disposition("LD2")["reasons"])


def test_laboratory_13_grandparents_count_and_a_loop_ends(lab):
    for lot, consumed in (("C", "B"), ("B", "A"), ("A", "C")):
        lab.mes("material_consumed", material_lot_id=lot, consumed_lot_id=consumed)
    for lot in "ABC":
        good(lab, lot)
    assert {lab.recommended(lot) for lot in "ABC"} == {"release"}
    lab.result("Viscosity", 120.0, "A")
    assert [lab.recommended(lot) for lot in "ABC"] == ["hold", "review", "review"]


def test_laboratory_13_a_parent_that_comes_out_of_question_releases_its_children(lab):
    lab.mes("material_consumed", material_lot_id="LD2", consumed_lot_id="LD1")
    good(lab, "LD2")
    lab.result("Viscosity", 100.0, "LD1", sample_id="S-1", status="entered")
    assert lab.recommended("LD2") == "review"
    lab.result("Viscosity", 100.0, "LD1", sample_id="S-1")
    assert lab.recommended("LD2") == "release"


# --- 20, 21: invalidated samples, several lots ----------------------------------------------------------


def test_laboratory_20_an_invalidated_sample_after_its_result_is_for_review(tmp_path):
    with closing(Laboratory(tmp_path, mapping="senaite", analytes={"pH": "ph"})) as lab:
        analysis = {"uid": "a1", "Keyword": "pH", "Result": "7.0", "review_state": "published"}
        sample = {"portal_type": "AnalysisRequest", "id": "W-1", "BatchID": "L", "review_state": "published"}
        lab.lims({**sample, "Analyses": [analysis]})
        lots = [each["material_lot_id"] for each in lab.sent("disposition")]
        lab.lims({**sample, "review_state": "invalid"})
        assert lab.recommended(lots[0]) in FOR_A_PERSON


@pytest.mark.parametrize("lots", [["L-1", "L-2"], "L-1, L-2", "L-1;L-2", " L-1 ,L-2 "])
def test_laboratory_21_a_composite_is_judged_for_each_of_its_lots(lab, lots):
    for lot in ("L-1", "L-2"):
        good(lab, lot)
    lab.result("Viscosity", 120.0, lots)
    assert (lab.recommended("L-1"), lab.recommended("L-2")) == ("hold", "hold")
    holds = {each["material_lot_id"] for each in lab.sent("guidance") if each["kind"] == "hold"}
    assert holds == {"L-1", "L-2"}


# --- 28: a resend ---------------------------------------------------------------------------------------


def test_laboratory_28_a_resend_of_the_whole_history_changes_and_sends_nothing(lab):
    history = [
        {"sample_id": f"S-{lot}", "test_name": "pH", "result": value, "status": status, "material_lot": f"L{lot}",
         "product": "FG-100"}
        for value, status in ((7.0, "entered"), (7.1, "validated"), (7.1, "approved"))
        for lot in range(5)
    ]  # fmt: skip
    for message in history:
        lab.lims(message)
    before = [lab.ever(f"L{lot}") for lot in range(5)]
    for _again in range(2):
        for message in history:
            lab.lims(message)
    lab.wait(3600)
    assert [lab.ever(f"L{lot}") for lot in range(5)] == before
    assert {each[-1] for each in before} == {"release"}


def test_laboratory_28_a_history_sent_again_in_another_form_changes_and_sends_nothing(lab):
    documents = [
        {"sample_id": f"S-{number}", "test_name": test, "result": value, "status": "approved",
         "material_lot": f"L-{lot}",
         "product": "FG-100", "unit": unit}
        for number, (lot, test, value, unit) in enumerate(
            [(1, "pH", 7.1, None), (1, "Viscosity", 99.5, "mPa.s"), (2, "pH", 9.9, None),
             (2, "Viscosity", 101, "mPa.s")]
        )
    ]  # fmt: skip
    for document in documents:
        lab.lims(document)
    before = len(lab.sent("disposition"))
    for document in documents:
        again = {name: document[name] for name in reversed(document)}
        lab.lims(json.dumps({**again, "result": str(document["result"])}, indent=1).encode())
        lab.lims(json.dumps([again]).encode())
    lab.wait(120)
    assert len(lab.sent("disposition")) == before


def test_laboratory_28_a_value_that_is_told_again_and_left_standing_is_for_review(lab):
    for value in (7.0, 7.1, 7.0):
        lab.result("pH", value, sample_id="S-1")
    assert lab.recommended() == "release"
    lab.wait(61)
    assert lab.recommended() == "review"
    assert "SUPERSEDED_VALUE_RESTORED" in lab.codes()


# --- siblings -------------------------------------------------------------------------------------------


def test_laboratory_06_mass_and_volume_fractions_do_not_meet(lab):
    lab.specification(product="FG-100", analyte="Ethanol", lower=70, upper=85, unit="% v/v", version="1")
    lab.result("Ethanol", 85, unit="% w/w")
    good(lab)
    assert lab.recommended() == "review"
    assert "UNIT_MISMATCH" in lab.codes()


def test_laboratory_30_a_fraction_without_a_unit_is_flagged_or_for_review(lab):
    lab.specification(product="FG-100", analyte="Impurity", upper=0.5, unit="%", version="1")
    lab.result("Impurity", 0.012)
    good(lab)
    assert lab.recommended() == "review"
