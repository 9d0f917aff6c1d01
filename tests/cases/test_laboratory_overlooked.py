"""Laboratory cases 1, 2, 18 and 21 in other spellings: nothing that a message says of a lot is overlooked."""

import json
from contextlib import closing

import pytest

from gateway.contract.lims.unread_fields import speaks_against
from gateway.store.statements import SQL
from tests.fixtures.laboratory import Laboratory

FOR_A_PERSON = {"review", "hold"}


@pytest.fixture
def lab(tmp_path):
    with closing(Laboratory(tmp_path)) as bench:
        yield bench


def failing(**fields):
    return {"sample_id": "S-1", "test_name": "Viscosity", "result": 120, "unit": "mPa.s", "status": "approved",
            "product": "FG-100", **fields}  # fmt: skip


@pytest.mark.parametrize(
    "field",
    [
        {"isOOS": True}, {"oos_flag": "Y"}, {"OOSFlag": 1}, {"is_oos": "yes"}, {"in_specification": False},
        {"isInSpec": "N"}, {"withinSpecification": False}, {"outcome": "FAIL"}, {"eval": "NOK"}, {"flag": "H"},
        {"flags": ["OOS"]}, {"conformity_status": "non conform"}, {"spec_status": "OOS"}, {"limit_status": "above"},
        {"validity": "invalid"}, {"is_cancelled": True}, {"isDeleted": 1}, {"active": False}, {"is_current": "no"},
        {"reportable": "N"}, {"qa_decision": "reject"}, {"action": "retract"}, {"review": {"status": "rejected"}},
        {"meta": {"checks": [{"is_oos": True}]}}, {"maxValue": 98}, {"upper_bound": "98"}, {"spec_text": "95 - 98"},
        {"usl_text": "<98"}, {"spec_limits": {"hi": 98}}, {"limits": {"lower": 90, "hi": 98}}, {"tolerance_max": 98},
        {"retest_number": 1}, {"original_sample_id": "S-0"}, {"replaces": "r1"}, {"resample_of": "S-0"},
        {"sample_type": "Retest"}, {"repeat_count": 2},
    ],
)  # fmt: skip
def test_laboratory_18_a_field_that_nothing_reads_and_that_speaks_against_a_release_asks_for_a_person(lab, field):
    lab.result("Viscosity", 100.0, **field)
    assert lab.recommended() == "review"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("isOOS", False), ("oos_flag", "N"), ("in_spec", "yes"), ("passed", True), ("outcome", "pass"), ("flag", "N"),
        ("is_cancelled", 0), ("active", True), ("reportable", "Y"), ("spec_name", "SP-100"), ("detection_limit_id", 7),
        ("lower_detection_limit", 0.05), ("evaluated_by", "anna"), ("evaluation_date", "2026-03-02"), ("retest", False),
        ("repeat_count", 0), ("repeatability", 0.02), ("instrument", {"status": "ready"}), ("comment", "as usual"),
        ("rejected_by", None), ("max_holding_time", 14), ("flags", []), ("department", "QC"), ("temperature", 21.5),
    ],
)  # fmt: skip
def test_laboratory_18_a_field_that_says_nothing_against_a_release_asks_for_nobody(name, value):
    assert not speaks_against(name, value, has_status=True)


@pytest.mark.parametrize(
    "lots",
    [
        {"lot_nr": "L"}, {"LotNr": "L"}, {"Lot #": "L"}, {"batch_code": "L"}, {"Charge": "L"}, {"chargen_nr": ["L"]},
        {"production_lot": "L"}, {"material": {"lot": "L"}}, {"sample": {"batch": {"id": "L"}}}, {"sublot": "L"},
        {"material_lot": "Z", "composite_lots": ["L"]}, {"material_lot": "Z", "other_lots": "L, M"},
        {"composite": {"lots": ["M", "L"]}}, {"material_lot": {"L": 50, "M": 50}},
    ],
)  # fmt: skip
def test_laboratory_21_a_lot_is_found_under_a_name_that_nobody_listed(lab, lots):
    lab.result("pH", 7.0)
    lab.lims(failing(**lots))
    assert lab.recommended() in FOR_A_PERSON


@pytest.mark.parametrize(
    "field", [{"reagent_lot": "L"}, {"reagent": {"lot": "L"}}, {"batch_size": 12}, {"run_batch": 3}]
)
def test_laboratory_21_the_lot_of_a_reagent_is_not_the_lot_of_the_product(lab, field):
    lab.lims(failing(**field))
    assert {each["material_lot_id"] for each in lab.sent("disposition")} <= {"", None}


def test_laboratory_21_a_lot_that_the_configuration_ignores_is_none(tmp_path):
    with closing(Laboratory(tmp_path, ignore=["lot_nr", "isOOS"])) as lab:
        lab.result("Viscosity", 100.0, lot_nr="Q", isOOS=True)
        assert lab.recommended() == "release"


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ("labvantage", {"sampleid": "S-1", "productid": "FG-100", "lot_number": "L", "dataitems": [
            {"paramid": "Viscosity", "enteredtext": "120", "displayunits": "mPa.s", "releasedflag": "Y"}]}),
        ("senaite", {"uid": "a", "review_state": "verified", "Keyword": "Viscosity", "Result": "120", "Unit": "mPa.s",
                     "getRequestID": "W-1", "LotNumber": "L"}),
        ("labvantage", {"sampleid": "S-1", "productid": "FG-100", "batchid": "L", "dataitems": [
            {"paramid": "Viscosity", "enteredtext": "100", "displayunits": "mPa.s", "releasedflag": "Y",
             "isOOS": "Y"}]}),
        ("senaite", {"uid": "a", "review_state": "verified", "Keyword": "Viscosity", "Result": "100", "Unit": "mPa.s",
                     "getRequestID": "W-1", "BatchID": "L", "OutOfRange": True}),
    ],
)  # fmt: skip
def test_laboratory_18_every_mapping_asks_for_a_person_where_its_message_says_more(tmp_path, mapping, message):
    with closing(Laboratory(tmp_path, mapping=mapping)) as lab:
        lab.send("mes/context/x", {"event": "lot_started", "at": lab.at(-60), "material_lot_id": "L",
                                   "material_definition_id": "FG-100", "equipment_id": "R1"})  # fmt: skip
        lab.lims(message)
        assert lab.recommended() in FOR_A_PERSON


@pytest.mark.parametrize(
    "name",
    ["L\u20131", "L\u22121", "L\u20141", "\uff2c\uff0d\uff11", '"L-1"', "\u201eL-1\u201c", "M\uff0cL-1", "M\u3001L-1",
     "M\tL-1", "M & L-1", "M + L-1", "L-1 - L-3", "L-1..L-3"],
)  # fmt: skip
def test_laboratory_02_a_lot_is_the_same_with_other_dashes_quotes_and_separators(lab, name):
    lab.result("pH", 7.0, "L-1")
    lab.lims(failing(material_lot=name))
    assert lab.recommended("L-1") in FOR_A_PERSON


@pytest.mark.parametrize("unknown", ["unknown", "TBD", "?", "N.A.", "not assigned", "#N/A"])
def test_laboratory_02_a_lot_that_is_not_known_yet_is_the_one_of_its_sample(lab, unknown):
    lab.lims(failing(material_lot=unknown))
    lab.result("pH", 7.0, sample_id="S-1")
    assert lab.recommended() == "hold"


@pytest.mark.parametrize("field", [{"order_no": "WO-1"}, {"order": "WO-1"}, {"equipment": "R1"}, {"machine_id": "R1"}])
def test_laboratory_04_an_order_and_an_equipment_have_other_names(lab, field):
    lab.mes("order_started", job_order_id="WO-1", material_definition_id="FG-100", equipment_id="R1")
    lab.mes("lot_started", material_lot_id="L", job_order_id="WO-1", equipment_id="R1")
    lab.result("pH", 7.0)
    lab.lims(failing(**field))
    assert lab.recommended() == "review"


@pytest.mark.parametrize(
    "message",
    [
        {"event": "material_consumed", "material_lot_id": "L", "consumed_lot_id": "P & Q"},
        {"event": "material_consumed", "material_lot_id": "L", "consumed_lot_id": "P + Q"},
        {"event": "material_consumed", "material_lot_id": "K & L", "consumed_lot_id": "P"},
        {"event": "material_consumed", "lot": "L", "consumed_lot_id": "P"},
        {"event": "consumed", "lot": "L", "consumed_lot_id": "P"},
    ],
)
def test_laboratory_13_what_production_tells_of_a_lot_in_another_form_is_not_overlooked(lab, message):
    lab.lims(failing(material_lot="P"))
    lab.result("pH", 7.0)
    lab.send("mes/context/x", message | {"at": lab.at(-10)})
    assert lab.recommended() == "review"


# --- clients, specifications ----------------------------------------------------------------------------

FOR_A_CLIENT = {"product": "FG-100", "analyte": "ph", "client_id": "C", "lower": 7.1, "upper": 7.4, "version": "c1"}


@pytest.mark.parametrize("client_first", [True, False])
@pytest.mark.parametrize("name", ["client_id", "customer", "Client Code"])
def test_laboratory_04_a_client_that_one_result_names_is_the_client_of_its_lot(lab, client_first, name):
    lab.specification(**FOR_A_CLIENT)
    for named in (client_first, not client_first):
        if named:
            lab.result("Viscosity", 100.0, **{name: "C"})
        else:
            lab.result("pH", 7.0)
    assert lab.recommended() == "hold"


def test_laboratory_04_two_clients_of_one_lot_contradict_each_other(lab):
    lab.result("Viscosity", 100.0, client_id="C")
    lab.result("pH", 7.0, client_id="D")
    assert (lab.recommended(), lab.codes()) == ("review", {"CONTEXT_CONTRADICTED"})


def test_laboratory_04_in_a_lot_of_one_product_a_result_is_judged_alone(lab):
    for value in (7.0, 7.1, 7.2):
        lab.result("pH", value, client_id="C")
    whole = lab.connection.execute("SELECT count(*) FROM lot_to_judge").fetchone()[0]
    assert (lab.recommended(), whole) == ("release", 0)


@pytest.mark.parametrize("analyte", ["pH", "PH", "ph", "p H"])
def test_laboratory_02_master_data_may_call_an_analyte_as_the_laboratory_does(lab, analyte):
    lab.specification(product="FG-100", analyte=analyte, lower=7.1, upper=7.4, version="2")
    lab.result("pH", 7.0)
    assert lab.recommended() == "hold"


def test_laboratory_02_master_data_may_use_the_laboratorys_name_of_another_word(tmp_path):
    with closing(Laboratory(tmp_path, analytes={"Visk": "viscosity"})) as lab:
        lab.specification(product="FG-100", analyte="Visk", lower=101.0, upper=105.0, unit="mPa.s", version="4")
        lab.result("Visk", 100.0, unit="mPa.s")
        assert lab.recommended() == "hold"


def test_laboratory_04_a_test_that_is_required_late_ends_a_release(lab):
    lab.result("pH", 7.0)
    assert lab.recommended() == "release"
    lab.specification(product="FG-100", analyte="assay", lower=1, upper=2, version="1", required=True)
    lab.wait(1)
    assert (lab.recommended(), lab.codes()) == ("pending", {"TESTS_MISSING"})


# --- refused messages that name no lot ------------------------------------------------------------------


def started(lab, **fields):
    lab.mes("order_started", job_order_id="WO-1", material_definition_id="FG-100", equipment_id="R1")
    lab.mes("lot_started", material_lot_id="L", job_order_id="WO-1", equipment_id="R1", **fields)


@pytest.mark.parametrize("place", [{"work_order": "WO-1"}, {"equipment_id": "R1"}, {"equipment_id": "R1", "at": -60}])
def test_laboratory_01_a_refused_message_speaks_against_the_lots_of_its_order_or_equipment(lab, place):
    started(lab)
    lab.result("pH", 7.0)
    at = {"sampled_at": lab.at(place["at"])} if "at" in place else {}
    lab.lims({name: value for name, value in failing(**place, **at).items() if name not in {"sample_id", "at"}})
    assert (lab.recommended(), lab.codes()) == ("review", {"MESSAGE_REFUSED"})


@pytest.mark.parametrize("first", [True, False])
def test_laboratory_08_a_contradiction_counts_for_the_lot_on_the_equipment_in_any_order(lab, first):
    started(lab)
    lab.result("pH", 7.0)
    told = {"sample_id": "S-1", "result_version": 1}
    for here in (first, not first):
        if here:
            lab.lims(failing(**told) | {"result": 100, "equipment_id": "R1", "sampled_at": lab.at(-60)})
        else:
            lab.lims(failing(**told, material_lot="Z"))
    assert (lab.recommended(), "RESULT_CONTRADICTED" in lab.codes()) == ("review", True)


def test_attacks_05_a_disposition_names_a_bounded_number_of_reasons_and_results(lab):
    started(lab)
    for number in range(70):
        lab.result("Viscosity", 120.0 + number, sample_id=f"S-{number}")
    last = lab.disposition()
    assert last["recommendation"] == "hold"
    assert len(last["reasons"]) <= 21
    assert last["reasons"][-1]["code"] == "AND_MORE"
    assert len(last["rests_on"]["results"]) <= 50
    assert len(json.dumps(last)) < 20_000


def test_attacks_05_what_the_others_of_a_lot_ask_for_is_counted_along_an_index(lab):
    statement = "tally_of_others"
    asked = {"material_lot_id": "L", "subjects": "[]"}
    plan = [row["detail"] for row in lab.connection.execute(f"EXPLAIN QUERY PLAN {SQL[statement]}", asked)]
    assert any("COVERING INDEX assessment_counted (material_lot_id=?" in step for step in plan)
