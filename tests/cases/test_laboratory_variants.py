"""Variants of the laboratory cases as laboratories of other countries and other systems would send them.

Each table holds what was tried and answered wrongly once, and what must stay good: a message that says nothing against
a release asks for nobody.
"""

import json

import pytest

from gateway.contract.lab_results import lab_result
from gateway.records import ResultStatus
from tests.building import NOW_NS

GOOD = {"sample_id": "S-1", "test_id": "Viscosity", "result": 100.0, "unit": "mPa.s", "material_lot": "L",
        "status": "approved", "product": "FG-100"}  # fmt: skip


def read(**fields):
    """Return what is read of a good result with these fields as well."""
    return lab_result(json.dumps({**GOOD, **fields}).encode(), source="lims", now_ns=NOW_NS, analytes={},
                      assume_status=ResultStatus.APPROVED)  # fmt: skip


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
    ("operator", "GT A"),
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
