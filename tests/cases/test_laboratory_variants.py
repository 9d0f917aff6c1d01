"""Variants of the laboratory cases as laboratories of other countries and other systems would send them.

Each table holds what was tried and answered wrongly once, and what must stay good: a message that says nothing against
a release asks for nobody.
"""

import json
import time
from contextlib import closing
from itertools import permutations

import pytest

from gateway.contract.lims.json_paths import PathMapping
from gateway.contract.lims.lab_results import LimsInterface, lab_result
from gateway.contract.lims.mapping import mapping_by_paths, mapping_named
from gateway.contract.mes_messages import context_change, context_messages
from gateway.contract.refusals import MessageRefusedError
from gateway.records.laboratory import ResultStatus
from tests.fixtures.building import NOW_NS
from tests.fixtures.laboratory import Laboratory

GOOD = {"sample_id": "S-1", "test_id": "Viscosity", "result": 100.0, "unit": "mPa.s", "material_lot": "L",
        "status": "approved", "product": "FG-100"}  # fmt: skip


def read(**fields):
    """Return what is read of a good result with these fields as well."""
    return lab_result(
        json.dumps({**GOOD, **fields}).encode(),
        LimsInterface(source="lims", analytes={}, assume_status=ResultStatus.APPROVED),
        now_ns=NOW_NS,
    )


def unread(**fields):
    return {reason.code for reason in read(**fields).unread}


# --- 5, 9, 18, 19: fields that nobody maps, in other languages and systems ------------------------------

LIMITS = [
    "ref_range",
    "referenceInterval",
    "normal_range",
    "Requirement",
    "Anforderung",
    "Grenzwert",
    "OberGrenze",
    "oberer_grenzwert",
    "OGW",
    "Spezifikation",
    "Toleranz",
    "Sollbereich",
    "limite_sup",
    "limite_superieure",
    "limite_superiore",
    "borne_sup",
    "maxi",
    "especificacion",
    "criterio",
    "valore_max",
    "massimo",
    "bovengrens",
    "grenswaarde",
    "specificatie",
    "norma",
    "granica_gorna",
    "wymaganie",
    "specyfikacja",
    "NMT",
    "not_more_than",
    "cutoff",
    "threshold",
    "permitted",
    "permissible",
    "tol",
    "max_value",
    "getResultsRange",
]
AGAINST = [
    ("Statut", "rejeté"), ("Estado", "anulado"), ("Stato", "respinto"), ("Status_DE", "storniert"),
    ("Zustand", "gesperrt"), ("Freigabe", "nein"), ("freigegeben", False), ("validé", "non"), ("aprobado", "no"),
    ("goedgekeurd", "nee"), ("zatwierdzone", "nie"), ("approved", False), ("isApproved", "N"), ("released", 0),
    ("rejection_reason", "typo"), ("void_reason", "x"), ("Bemerkung", "außerhalb Spezifikation"),
    ("Bewertung", "nicht i.O."), ("Bewertung", "n. i. O."), ("conformité", "NC"), ("Conforme", False),
    ("cumple", "N"), ("oordeel", "voldoet niet"), ("giudizio", "non idoneo"), ("zgodność", "niezgodny"),
    ("OK", "N"), ("accepted", False), ("in_ordnung", "nein"), ("lot_status", "Quarantine"), ("UD_code", "R"),
    ("data_quality", "poor"), ("quality_flag", "suspect"), ("alert", "High"), ("alarm", True),
    ("error", "instrument error"), ("errors", ["carryover"]), ("deviation", "DEV-123"), ("investigation_id", "I-1"),
    ("nonconformance", "NC-1"), ("capa", "CAPA-1"), ("hold", True), ("on_hold", "Y"), ("blocked", True),
    ("is_outlier", True), ("suspect", True), ("is_preliminary", "Y"), ("provisional", True), ("expired", True),
    ("result_in_range", False), ("isOutOfRange", [True, False]), ("multiplier", 1000), ("exponent", 3),
    ("repetition", "Y"), ("Wiederholung", "ja"), ("Nachmessung", True), ("contre_analyse", "oui"),
    ("repetición", 1), ("hertest", "Y"), ("ripetizione", "Y"), ("powtórzenie", "tak"), ("original", "S-0"),
    ("previous_result", "S-0"), ("censored", True), ("greaterThan", True), ("remark_code", ">"), ("marker", "≥"),
    ("lab_qualifier", "GT"), ("Kennung", "~"), ("deleted_at", "2026-01-01T00:00:00Z"),
]  # fmt: skip
HARMLESS = [
    ("comment", "ok"), ("position", "1-2"), ("conditions", "20-25 °C"), ("storage", "<25 °C"),
    ("phone", "+49 30 123-4"),
    ("measuring_range", "0 - 14"), ("max_storage_days", 30), ("minimum_volume", "5 mL"), ("mdl", "<0.01"),
    ("reporting_limit", 0.05), ("retest_date", "2028-03-01"), ("re_test_date", "2028-03-01"), ("repeat", 0),
    ("repeatability", 0.02), ("Wiederholbarkeit", 0.02), ("répétabilité", 0.02), ("approved_by", "Dr. X"),
    ("Freigabe durch", "Dr. X"), ("validated_by", "Z"), ("version_of_method", "2"), ("Bewertung", "i.O."),
    ("Bewertung", "bestanden"), ("conforme", "oui"), ("conformité", "conforme"), ("cumple", "sí"),
    ("oordeel", "voldoet"), ("esito", "conforme"), ("zgodność", "zgodny"), ("is_valid", True), ("pass_fail", "Pass"),
    ("deviation", 0.3), ("standard_deviation", 0.3), ("error", None), ("errors", []), ("hold", False), ("oos", "-"),
    ("alarm", False), ("quality", "good"), ("grade", "A"), ("multiplier", 1), ("target", 100), ("mean", 100.0),
    ("uncertainty", "<0.1"), ("dilution_factor", 10), ("description", "Paint 95-105"), ("flag", "N"),
    ("operator", "GT A"), ("IN_SPEC", "T"), ("Wiederholungen", 1), ("repetitions", 2), ("previous_status", "validated"),
    ("validity", "2027-03-01"), ("valid_until", "01.03.2027"), ("hold_time_minutes", 5), ("raw_value", 0.532),
    ("measurement", {"temperature": {"value": 25.0}, "uncertainty": {"value": 0.05}}), ("Abweichung", "keine"),
    ("Sperrkennzeichen", "nein"), ("Messunsicherheit", "0,05"), ("norma", "PN-EN 1262"), ("Norm", "DIN EN 1262"),
    ("method", {"id": "PH-01", "version": 3, "range": "0-14"}), ("Freigabedatum", "2026-03-03"), ("RETESTFLAG", "N"),
    ("reason_for_change", ""), ("error_count", 0), ("is_reportable", True), ("RESULT_NUMBER", 555),
    ("tags", ["release", "ph"]),
    ("material_description", "Lack 95-105"), ("minutes", 5), ("specific_gravity", 1.02), ("expiry_date", "2027-01-01"),
]  # fmt: skip


@pytest.mark.parametrize("limit", [10, "<= 10", "0 - 10", "10 max."])
@pytest.mark.parametrize("name", LIMITS)
def test_laboratory_18_a_limit_under_a_name_of_any_language_is_not_overlooked(name, limit):
    assert unread(**{name: limit}) == {"UNMAPPED_FIELD"}


@pytest.mark.parametrize(
    "limit", ["<= 10", "≤10", "NMT 10", "max. 10", "0 - 10", "6.5-7.5", "6,5\u20137,5 %", "0 bis 10"]
)
def test_laboratory_18_what_is_plainly_a_limit_is_one_whatever_its_field_is_called(limit):
    assert unread(bemerkung=limit) == {"UNMAPPED_FIELD"}


@pytest.mark.parametrize(("name", "value"), AGAINST)
def test_laboratory_18_a_field_that_speaks_against_a_release_does_so_in_any_language(name, value):
    assert unread(**{name: value}) == {"UNMAPPED_FIELD"}


@pytest.mark.parametrize(("name", "value"), HARMLESS)
def test_laboratory_18_what_says_nothing_against_a_release_asks_for_nobody(name, value):
    assert unread(**{name: value}) == set()


@pytest.mark.parametrize(
    "name",
    ["Chargennummer", "Losnummer", "numero_lote", "n_lot", "batchnr", "partij", "partijnummer", "lotto", "n_lotto",
     "partia", "nr_partii", "numer_serii", "serie", "LOTNUM", "SAPBatch", "CHARG", "Lot#", "production.charge"],
)  # fmt: skip
def test_laboratory_04_a_lot_under_a_name_of_any_language_is_one_of_the_results_lots(name):
    result = read(material_lot=None, **{name: "L-7"})
    assert (result.lots, [reason.code for reason in result.unread]) == (("L-7",), ["UNMAPPED_FIELD"])


@pytest.mark.parametrize("name", ["allotment", "slot", "ballot", "pilot", "plot", "serial", "charger", "series_name"])
def test_laboratory_04_what_only_sounds_like_a_lot_is_none(name):
    assert read(material_lot=None, **{name: "L-7"}).lots == ()


# --- 1, 2, 14, 31: numbers, times and messages in other forms -------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        "1.0 \u00d7 10²",
        "1.0·10^2",
        "1.0 X 10^2",
        "1000 \u00d7 10⁻¹",
        "100 mPa·s",
        "100 mPa*s",
        "\uff11\uff10\uff10",
        "1E+02",
        "= 100",
    ],
)
def test_laboratory_31_a_number_as_laboratories_set_it_is_read(value):
    assert (read(result=value).value, unread(result=value)) == (100.0, set())


@pytest.mark.parametrize(
    ("written", "qualifier"),
    [("moins de 94", "<"), ("menor que 94", "<"), ("minder dan 94", "<"), ("poniżej 94", "<"), ("au plus 94", "<="),
     ("al massimo 94", "<="), ("plus de 94", ">"), ("superiore a 94", ">"), ("meer dan 94", ">"),
     ("ten minste 94", ">="),
     ("co najmniej 94", ">=")],
)  # fmt: skip
def test_laboratory_05_comparators_in_words_are_read_in_any_language(written, qualifier):
    result = read(result=written)
    assert (result.value, result.qualifier, result.censored_at) == (None, qualifier, 94.0)


@pytest.mark.parametrize("at", ["2026-03-02t08:14:07z", "2026\u201103\u201102T08:14:07Z", "2026-03-02T08:14:07,5Z"])
def test_laboratory_14_a_time_is_one_in_small_letters_and_with_any_dash(at):
    assert unread(sampled_at=at) == set()


@pytest.mark.parametrize("at", ["1970-01-01T00:00:00Z", "1900-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0000-00-00"])
def test_laboratory_14_what_stands_where_a_time_is_not_known_is_none(at):
    assert unread(sampled_at=at) == {"NOT_A_TIME"}


REFUSED = {"sample_id": "S-1", "material_lot": "LOT-7", "test_name": "Viscosity", "result": 120}


@pytest.mark.parametrize(
    "payload",
    [
        json.dumps(REFUSED).encode("utf-16"), json.dumps(REFUSED).encode("utf-16-le"), str(REFUSED).encode(),
        b"<r><sample_id>S-1</sample_id><material_lot>LOT-7</material_lot></r>",
        b'<ns:r xmlns:ns="u"><ns:material_lot ns:a="1"> LOT-7 </ns:material_lot></ns:r>',
        b'<result material_lot="LOT-7" value="120"/>', b"sample_id;material_lot;result\nS-1;LOT-7;120\n",
        b"sample_id,material_lot\r\n'S-1','LOT-7'\r\n", b"sample_id: S-1\nmaterial_lot: LOT-7\n",
        b"sample_id=S-1&material_lot=LOT-7&result=120",
    ],
)  # fmt: skip
def test_laboratory_01_a_message_that_is_no_json_speaks_of_the_lot_that_it_names(payload):
    with pytest.raises(MessageRefusedError) as refused:
        mapping_named("canonical").parts(payload)
    assert refused.value.about.lots == ("LOT-7",)


@pytest.mark.parametrize(
    "payload",
    [b"", b"<", b"=" * 100_000, b"a:" * 100_000, b"<a" * 100_000, b"\x00" * 5000, b"a;" * 99_999],
)
def test_laboratory_01_what_names_nothing_is_searched_in_bounded_time(payload):
    begun = time.monotonic()
    assert mapping_named("canonical").reference(payload) is None
    assert time.monotonic() - begun < 2.0


# --- 19: a second value ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [("numeric_result", 99.0), ("Messwert", "120"), ("Ergebnis", "120,0"), ("resultado", ">100"), ("valeur", 120),
     ("uitslag", 120), ("risultato", 120), ("wynik", "120"), ("result_2", 120), ("final_result", 120),
     ("values", [100.0, 120.0]), ("measurements", [{"value": 120}]), ("data", {"value": 120}),
     ("individual_values", "95; 120")],
)  # fmt: skip
def test_laboratory_19_a_second_value_that_nothing_reads_and_that_differs_is_for_a_person(name, value):
    assert unread(**{name: value}) == {"UNMAPPED_FIELD"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("numeric_result", 100), ("formatted_result", "100.0"), ("Ergebnis", "1e2"), ("numeric_value", 99.96),
     ("replicates", 3), ("results", 2), ("values", [100.0, 100]), ("result_id", 17), ("value_date", "2026-03-02"),
     ("number", 5), ("final_comment", "120"), ("measured_by", "AB"), ("result_unit_id", 7)],
)  # fmt: skip
def test_laboratory_19_the_same_value_again_and_counts_ask_for_nobody(name, value):
    assert unread(**{name: value}) == set()


# --- 21: several lots ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lots", ["[L-1, L-2]", '["L-1","L-2"]', "(L-1;L-2)", "L-1<br>L-2", "L-1 • L-2", r"L-1\nL-2", "L-1\tL-2"]
)
def test_laboratory_21_a_list_in_a_text_is_a_list(lots):
    result = read(material_lot=lots)
    assert (result.lots, result.unread) == (("L-1", "L-2"), ())


@pytest.mark.parametrize(
    "between",
    [" en ", " i ", " oraz ", " sowie ", " u. ", " à ", " tot ", " do ", "+", "&", "→", " (incl. "],
)
def test_laboratory_21_a_name_that_could_be_several_lots_is_for_a_person_with_each_of_them(between):
    result = read(material_lot=f"L-1{between}L-2")
    assert set(result.lots) >= {"L-1", "L-2"}
    assert {reason.code for reason in result.unread} == {"WRONG_TYPE"}


@pytest.mark.parametrize("lot", ["R&D-12", "LOT 5 A", "A/12", "L-1-2", "LOT(3)", "C++ 7", "Los 4711"])
def test_laboratory_21_a_name_that_is_plainly_one_lot_is_one(lot):
    result = read(material_lot=lot)
    assert (result.lots, result.unread) == ((lot,), ())


def test_laboratory_13_what_a_lot_consumes_counts_whichever_change_says_it():
    started = {"event": "lot_started", "at": "2026-03-02T06:00:00Z", "material_lot_id": "B", "equipment_id": "R1",
               "consumed_lot_id": ["A1", "A2"]}  # fmt: skip
    changes = [context_change(part, now_ns=NOW_NS) for part in context_messages(json.dumps(started).encode())]
    assert [(change.kind.value, change.consumed_lot_id) for change in changes] == [
        ("lot_started", None), ("material_consumed", "A1"), ("material_consumed", "A2")]  # fmt: skip


def test_laboratory_18_a_range_under_the_catalogues_name_is_the_range_of_the_result():
    analysis = {"uid": "a", "portal_type": "Analysis", "review_state": "verified", "Keyword": "PH", "Result": "7",
                "getRequestID": "W-1", "BatchID": "L", "getResultsRange": {"min": "6", "max": "6.5"}}  # fmt: skip
    result = lab_result(
        json.dumps(analysis).encode(),
        LimsInterface(source="lims", analytes={}, assume_status=None, mapping=mapping_named("senaite")),
        now_ns=NOW_NS,
    )
    assert (result.specification.lower, result.specification.upper) == (6.0, 6.5)


# --- 22: beyond what can be measured ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [{"ULOQ": "90"}, {"upper_detection_limit": 90}, {"upper_loq": 90.0}, {"max_measurable": 90}, {"saturated": True},
     {"over_range": 1}, {"overrange": "Y"}],
)  # fmt: skip
def test_laboratory_22_a_value_beyond_the_range_of_its_method_is_for_a_person(fields):
    assert unread(**fields) == {"UNMAPPED_FIELD"}
    assert unread(**{name: 200 if value in {"90", 90} else False for name, value in fields.items()}) == set()


def test_laboratory_22_a_number_below_the_limit_of_detection_is_a_limit():
    result = read(result=0.01, lod=0.05)
    assert (result.value, result.qualifier, result.censored_at) == (None, "<", 0.05)
    assert "BEYOND_DETECTION_LIMIT" in result.flags


@pytest.mark.parametrize("limit", ["1,000", "about 1000", "1000,0"])
def test_laboratory_22_a_detection_limit_that_cannot_be_read_is_not_overlooked(limit):
    analysis = {"uid": "a", "portal_type": "Analysis", "review_state": "verified", "Keyword": "PH", "Result": "1500",
                "getRequestID": "W-1", "BatchID": "L", "UpperDetectionLimit": limit}  # fmt: skip
    assert {reason.code for reason in of_mapping("senaite", analysis).unread} == {"NOT_A_NUMBER"}


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"transformvalue": "9.5"}, "CONTRADICTS"), ({"datasetstatus": "Initial"}, "CONTRADICTS"),
     ({"displaytext": "9.5"}, "UNMAPPED_FIELD"), ({"enteredvalue": "9.5"}, "UNMAPPED_FIELD"),
     ({"s_remeasuredflag": "Y"}, "UNMAPPED_FIELD")],
)  # fmt: skip
def test_laboratory_22_what_labvantage_says_in_two_ways_is_for_a_person(fields, code):
    item = {"paramid": "pH", "enteredtext": "7.5", "s_datasetstatus": "Completed"}
    sample = {"sampleid": "S-1", "batchid": "L-1"}
    assert of_mapping("labvantage", {**sample, "dataitems": [item]}).unread == ()
    result = of_mapping("labvantage", {**sample, "dataitems": [{**item, **fields}]})
    assert {reason.code for reason in result.unread} == {code}


def of_mapping(name, message):
    return lab_result(
        json.dumps(message).encode(),
        LimsInterface(source="lims", analytes={}, assume_status=None, mapping=mapping_named(name)),
        now_ns=NOW_NS,
    )


# --- 30: a unit under another name -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["Einheit", "unité", "unidad", "eenheid", "unità", "jednostka", "result_uom", "unitName", "unit_code"]
)
def test_laboratory_30_a_unit_that_nothing_reads_is_not_overlooked(name):
    assert unread(**{name: "Pa.s"}) == {"UNMAPPED_FIELD"}
    assert unread(unit=None, **{name: "Pa.s"}) == {"UNMAPPED_FIELD"}
    assert unread(**{name: "mPa.s"}) == set()
    assert unread(business_unit="R1", unit_operation="U-2") == set()


# --- 18, 21: mappings by paths --------------------------------------------------------------------------

PATHS = PathMapping(
    items="results",
    paths={
        "sample_id": "$.sample",
        "test_id": "code",
        "value": "value",
        "status": "$.state",
        "material_lot_id": "$.lots",
    },
)


@pytest.mark.parametrize(
    ("fields", "of_item", "code"),
    [({"status": "rejected"}, True, "UNMAPPED_FIELD"), ({"Status": "cancelled"}, False, "UNMAPPED_FIELD"),
     ({"state": "retracted"}, True, "UNMAPPED_FIELD"), ({"usl": 99}, True, "UNMAPPED_FIELD"),
     ({"additional_results": [{"code": "x", "value": 9}]}, False, "UNMAPPED_FIELD"),
     ({"status": "approved"}, True, None), ({"Status": "final"}, False, None)],
)  # fmt: skip
def test_laboratory_18_a_second_field_that_no_path_reads_is_not_hidden_by_the_one_that_is_read(fields, of_item, code):
    item = {"code": "Viscosity", "value": 100.0} | (fields if of_item else {})
    message = {"sample": "S-1", "state": "approved", "lots": ["L"], "results": [item]} | ({} if of_item else fields)
    result = lab_result(
        json.dumps(message).encode(),
        LimsInterface(source="lims", analytes={}, assume_status=None, mapping=mapping_by_paths(PATHS)),
        now_ns=NOW_NS,
    )
    assert {reason.code for reason in result.unread} == ({code} if code else set())


# --- 4: drawn when nothing is made ----------------------------------------------------------------------


@pytest.mark.parametrize("order", list(permutations(["start", "end", "bad", "good"])))
def test_laboratory_04_what_is_drawn_after_a_lots_end_and_names_none_may_be_of_it(tmp_path, order):
    with closing(Laboratory(tmp_path)) as lab:
        acts = {
            "start": lambda: lab.mes("lot_started", at_seconds=-3600, material_lot_id="L", equipment_id="R1",
                                     material_definition_id="FG-100"),
            "end": lambda: lab.mes("lot_ended", at_seconds=-600, material_lot_id="L"),
            "bad": lambda: lab.result("Viscosity", 120.0, None, equipment_id="R1", sampled_at=lab.at(-300)),
            "good": lambda: lab.result("pH", 7.0, "L"),
        }  # fmt: skip
        for act in order:
            acts[act]()
        lab.wait()
        assert lab.recommended("L") == "review"
        assert lab.codes("L") - {"HELD_BEFORE"} == {"RESULT_WITHOUT_LOT"}


def test_laboratory_04_once_another_lot_began_what_is_drawn_is_no_longer_of_the_last_one(tmp_path):
    with closing(Laboratory(tmp_path)) as lab:
        for lot, at_seconds in (("L", -3600), ("M", -600)):
            lab.mes("lot_started", at_seconds=at_seconds, material_lot_id=lot, equipment_id="R1",
                    material_definition_id="FG-100")  # fmt: skip
        lab.result("Viscosity", 120.0, None, equipment_id="R1", sampled_at=lab.at(-300))
        lab.result("pH", 7.0, "L")
        assert (lab.recommended("L"), lab.recommended("M")) == ("release", "hold")


# --- the other side: ordinary messages of good lots ------------------------------------------------------

ORDINARY = {
    "german": {
        "Prüfplan": "PP-12 Rev. 3", "Prüfmittel": "Viskosimeter 3", "Prüfdatum": "2026-03-02", "Prüfer": "Meier",
        "Probenahmeort": "Tank 5", "Bemerkung": "keine", "Bewertung": "i.O.", "Freigabe": "ja", "Schicht": "Früh",
        "Freigabe durch": "Schulz", "Methode": "DIN EN 1262", "Wiederholungen": 1, "Anzahl": 3, "Abweichung": "keine",
        "Haltbarkeit": "24 Monate", "status": "Freigegeben",
    },
    "french": {
        "statut": "Validé", "conformité": "Conforme", "commentaire": "RAS", "norme": "NF EN 1262",
        "incertitude": "0,05",
        "validé_par": "Martin", "date_validation": "2026-03-02", "référence_client": "C-12", "status": "validé",
    },
    "tables": {
        "TEST_NUMBER": 98765, "RESULT_NUMBER": 555, "FORMATTED_ENTRY": "100.0", "REPLICATE_COUNT": 1, "REPORTABLE": "T",
        "IN_SPEC": "T", "MODIFIED_RESULT": "F", "OUTOFSPEC": "N", "RETESTFLAG": "N", "ALLOW_OUT": "F", "MINIMUM": None,
        "SPEC_NAME": "FG-100 rel", "PRIORITY": 0, "RESULT_STATUS": "approved",
    },
    "rest": {
        "links": {"self": {"href": "https://lims.example/results/17"}}, "created_by": {"id": 4, "active": True},
        "signature": {"by": "Dr X", "meaning": "approved"}, "audit": [{"action": "created"}, {"action": "approved"}],
        "instrument": {"calibration": {"valid": True, "due": "2026-06-01", "slope": 98.7}}, "is_final": True,
        "measurement": {"temperature": {"value": 25.0, "unit": "°C"}}, "is_retest": False, "oos": False, "flags": [],
        "raw_value": 100.0213, "rsd": 0.2, "dilution": "1:10", "condition": "25/60", "error_count": 0, "message": "OK",
    },
}  # fmt: skip


@pytest.mark.parametrize("fields", ORDINARY.values(), ids=ORDINARY)
def test_laboratory_18_an_ordinary_message_of_a_good_lot_is_released(tmp_path, fields):
    with closing(Laboratory(tmp_path)) as lab:
        lab.lims({**GOOD, **fields})
        assert (lab.recommended("L"), lab.letters()) == ("release", [])
