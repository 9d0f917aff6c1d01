import json

import pytest

from gateway.contract.json_documents import LONGEST_MESSAGE_BYTES
from gateway.contract.lims.lab_results import LimsInterface, lab_result
from gateway.contract.refusals import MessageRefusedError
from gateway.contract.times import rfc3339
from gateway.records.laboratory import ResultStatus
from gateway.time_units import seconds_to_ns
from tests.fixtures.building import NOW_NS

PLAIN = {
    "sample_id": "BATCH-2024-001-05", "test_name": "pH", "result": 9.8, "spec_min": 6.5, "spec_max": 7.5,
    "material_lot": "LOT-XYZ789", "work_order": "WO-1001",
}  # fmt: skip
CANONICAL = {
    "sample_id": "S-1", "test_id": "QC-001", "analyte": "viscosity", "replicate": 2, "value": 101.5, "unit": "mPa.s",
    "lod": 0.1, "loq": 0.5, "specification": {"lower": 95, "upper": 105, "inclusive": False, "version": "3"},
    "status": "approved", "result_version": 4, "retest_of": "S-0", "sampled_at": "2026-12-01T08:00:00+01:00",
    "received_at": "2026-12-01T08:00:00Z", "analysed_at": "2026-12-01T09:00:00Z", "approved_at": "2026-12-01T09:30:00Z",
    "material_lot_id": "LOT/1+#%", "job_order_id": "WO-1", "client_id": "C-1", "study_id": "ST-1", "analyst": "ana",
    "instrument_id": "I-1", "method_id": "M-1",
}  # fmt: skip


def read(document, **options):
    payload = document if isinstance(document, bytes) else json.dumps(document).encode()
    return lab_result(
        payload,
        LimsInterface(source="lims", **{"analytes": {"pH": "ph"}, "assume_status": ResultStatus.VALIDATED, **options}),
        now_ns=NOW_NS,
    )


def not_understood(document, **options):
    """Return the reasons, whether they stand in the result or there is none."""
    try:
        return read(document, **options).unread
    except MessageRefusedError as error:
        return error.reasons


def refused(document, **options):
    return [reason.code for reason in not_understood(document, **options)]


def test_the_plain_result_of_a_webhook_is_accepted_as_it_is():
    result = read(PLAIN)
    assert (result.analyte, result.value, result.material_lot_id, result.job_order_id) == (
        "ph",
        9.8,
        "LOT-XYZ789",
        "WO-1001",
    )
    assert result.specification is not None
    assert (result.specification.lower, result.specification.upper) == (6.5, 7.5)
    assert result.status is ResultStatus.VALIDATED
    assert result.flags == ("NO_SAMPLED_AT",)
    assert result.result_version is None


def test_the_canonical_form_keeps_every_field():
    result = read(CANONICAL)
    assert (result.replicate, result.result_version, result.retest_of, result.study_id) == (2, 4, "S-0", "ST-1")
    assert result.specification is not None
    assert not result.specification.inclusive
    assert result.sampled_ns is not None
    assert rfc3339(result.sampled_ns) == "2026-12-01T07:00:00.000Z"
    assert result.result_id


def test_the_same_version_always_has_the_same_id_and_another_version_another():
    assert read(CANONICAL).result_id == read({**CANONICAL, "value": 1}).result_id
    assert read(CANONICAL).result_id != read({**CANONICAL, "result_version": 5}).result_id


@pytest.mark.parametrize(
    ("text", "qualifier", "value", "limit"),
    [("<0.05", "<", None, 0.05), ("> 12", ">", None, 12.0), ("9.80", None, 9.8, None)],
)
def test_values_as_text(text, qualifier, value, limit):
    result = read({**PLAIN, "result": text})
    assert (result.qualifier, result.value, result.censored_at, result.value_text) == (qualifier, value, limit, text)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sample_id": None}, "MISSING"),
        ({"sample_id": ["a"]}, "WRONG_TYPE"),
        ({"sample_id": "x" * 300}, "TOO_LONG"),
        ({"sample_id": "\ud800"}, "NOT_TEXT"),
        ({"test_name": ""}, "MISSING"),
        ({"result": None}, "MISSING"),
        ({"result": "1,234"}, "NOT_A_NUMBER"),
        ({"result": True}, "WRONG_TYPE"),
        ({"result": {"value": 3}}, "WRONG_TYPE"),
        ({"spec_min": 8.0}, "SPECIFICATION_REVERSED"),
        ({"spec_min": "low"}, "NOT_A_NUMBER"),
        ({"spec_min": ["low"]}, "WRONG_TYPE"),
        ({"status": "done"}, "NOT_A_CHOICE"),
        ({"status": 7}, "NOT_A_CHOICE"),
        ({"result_version": 0}, "OUT_OF_RANGE"),
        ({"result_version": 1.5}, "WRONG_TYPE"),
        ({"sampled_at": "yesterday"}, "NOT_A_TIME"),
        ({"sampled_at": "2026-12-01T08:00:00"}, "NOT_A_TIME"),
        ({"sampled_at": 1764576000}, "WRONG_TYPE"),
        ({"specification": {}}, "SPECIFICATION_EMPTY"),
        ({"specification": 5}, "WRONG_TYPE"),
    ],
)
def test_each_wrong_field_has_its_reason(change, code):
    assert code in refused({**PLAIN, **change})


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1" * 400])
def test_numbers_that_are_not_finite_are_refused_by_field(number):
    payload = json.dumps({**PLAIN, "result": "@"}).replace('"@"', number).encode()
    (reason,) = not_understood(payload)
    assert reason.code == "NOT_A_NUMBER"
    assert reason.parameters["field"] == "result"


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "NOT_JSON"),
        (b"{", "NOT_JSON"),
        (b"[1, 2]", "NOT_AN_OBJECT"),
        (b"3", "NOT_AN_OBJECT"),
        (b"NaN", "NOT_AN_OBJECT"),
        (b"\xff\xfe\x00rubbish", "NOT_TEXT"),
        (b"[" * 100_000, "NOT_JSON"),
        (b'{"a": 1.5.5}', "NOT_JSON"),
        (b'{"result": 1, "result": 2}', "DUPLICATE_KEY"),
        (b'{"x": "' + b"a" * LONGEST_MESSAGE_BYTES + b'"}', "TOO_LARGE"),
    ],
)
def test_what_is_no_json_object_has_its_reason(payload, code):
    assert refused(payload) == [code]


def test_every_reason_is_told_at_once():
    codes = refused({**PLAIN, "spec_min": [3], "result": "1,234", "status": "no", "sampled_at": "later"})
    assert sorted(codes) == ["NOT_A_CHOICE", "NOT_A_NUMBER", "NOT_A_TIME", "WRONG_TYPE"]
    assert sorted(refused({"test_name": 3.5})) == ["MISSING", "WRONG_TYPE"]


def test_a_time_a_little_ahead_is_flagged_and_far_ahead_refused():
    near, far = (rfc3339(NOW_NS + seconds_to_ns(seconds)) for seconds in (299, 301))
    assert "TIME_AHEAD" in read({**PLAIN, "sampled_at": near}).flags
    assert refused({**PLAIN, "sampled_at": far}) == ["TIME_AHEAD"]


def test_without_a_status_and_without_an_assumption_the_message_is_refused():
    assert refused(PLAIN, assume_status=None) == ["MISSING"]
