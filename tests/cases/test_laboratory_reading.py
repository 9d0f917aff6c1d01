"""What a laboratory's message is read as, or said not to be: through the mappings, and as it would judge a lot."""

import json
import time
from contextlib import closing

import pytest

from gateway.config.connection_tables import LimsTable
from gateway.config.connections import result_mapping
from gateway.contract.lims.lab_results import LimsInterface, lab_result, read_result
from gateway.contract.lims.mapping import mapping_named
from gateway.contract.lims.message_fields import DATE_ONLY
from gateway.contract.lims.stated_lots import MOST_LOTS
from gateway.contract.mes_messages import context_change, context_messages
from gateway.contract.refusals import MessageRefusedError
from gateway.records.laboratory import ResultReference, ResultStatus
from tests.fixtures.building import NOW_NS
from tests.fixtures.store_bench import Bench

RESULT = {"sample_id": "S-1", "test_name": "Viscosity", "result": 100.0, "material_lot": "L-1"}
SENAITE = {"uid": "a", "portal_type": "Analysis", "review_state": "verified", "Keyword": "PH", "Result": "7.1",
           "getRequestID": "W-1", "ClientReference": "L-1"}  # fmt: skip


def parts(message, mapping):
    payload = message if isinstance(message, bytes) else json.dumps(message).encode()
    return mapping.parts(payload)


def read(message, *, mapping="canonical", **options):
    """Return the results in a message."""
    mapping = mapping_named(mapping) if isinstance(mapping, str) else mapping
    options = {"source": "lims", "analytes": {}, "assume_status": ResultStatus.VALIDATED, **options}
    interface = LimsInterface(mapping=mapping, **options)
    return [lab_result(part, interface, now_ns=NOW_NS) for part in parts(message, mapping)]


def read_one(message, **options):
    (result,) = read(message, **options)
    return result


def codes(result):
    return [reason.code for reason in result.unread]


def refused(message, **options):
    with pytest.raises(MessageRefusedError) as error:
        read(message, **options)
    return error.value


@pytest.mark.parametrize("mapping", ["canonical", "senaite"])
def test_laboratory_01_what_cannot_be_read_of_a_known_sample_and_test_is_a_result_that_says_so(mapping):
    message = {**RESULT, "result": "1,234"} if mapping == "canonical" else {**SENAITE, "Result": "1,234"}
    result = read_one(message, mapping=mapping)
    assert (result.value, result.value_text, result.lots, codes(result)) == (None, "1,234", ("L-1",), ["NOT_A_NUMBER"])


def test_laboratory_01_words_are_a_value_for_a_specification_of_words_or_a_person():
    for mapping, message in (("canonical", {**RESULT, "result": "Detected in 25 g"}),
                             ("senaite", {**SENAITE, "Result": "Detected"})):  # fmt: skip
        result = read_one(message, mapping=mapping)
        assert (result.value, codes(result), "TEXT_VALUE" in result.flags) == (None, [], True)


@pytest.mark.parametrize(
    ("message", "about"),
    [
        ({"test_name": "pH", "result": 9.9, "material_lot": "L-1 "}, (("L-1",), None, "pH")),
        ({"sample_id": ["S"], "result": 9.9, "lot": "L-1, L-2"}, (("L-1", "L-2"), None, None)),
        ({"sample_id": "S-1", "result": 9.9, "Lot No": "L-1"}, (("L-1",), "S-1", None)),
        (b'{"sample_id": "S-1", "test_name": "pH", "result": 9.9, "material_lot": "L-1"', (("L-1",), "S-1", None)),
        (b'{"sample_id": "S-1", "result": 1, "result": 2, "lots": ["L-1", "L-2"]}', (("L-1", "L-2"), "S-1", None)),
        (b'{"lot": "L\xfc", "material_lot": "L-1", "sample_id": "S-1"}', (("L", "L-1"), "S-1", None)),
        (b'{"material_lot": "L-1", "x": "' + b"a" * 300_000 + b'"}', (("L-1",), None, None)),
    ],
)
def test_laboratory_01_a_message_that_is_refused_says_of_which_lots_it_speaks(message, about):
    lots, sample_id, test_id = about
    assert refused(message).about == ResultReference(source="lims", lots=lots, sample_id=sample_id, test_id=test_id)


def test_laboratory_01_no_field_that_cannot_be_read_vanishes():
    wrong = {
        "status": "odd", "sampled_at": "soon", "unit": ["%"], "result_version": "v2", "retest_of": {}, "lod": "low",
        "replicate": "A", "upper": "7,5", "client_id": 1.5, "approved_at": 5, "product": [],
    }  # fmt: skip
    result = read_one({**RESULT, **wrong})
    assert {reason.parameters["field"] for reason in result.unread} == set(wrong)
    assert result.value == 100.0


def test_laboratory_01_a_replicate_that_cannot_be_read_takes_no_other_ones_place():
    first, other, again = (read_one({**RESULT, "replicate": each}).replicate for each in ("A", "B", "A"))
    assert len({first, other, 1}) == 3
    assert first == again


def test_laboratory_02_names_meet_however_they_are_spaced_in_results_and_in_contexts():
    told = {"event": "lot_started", "at": "2026-01-01T00:00:00Z", "equipment_id": "R1", "material_lot_id": "L\u00a01\t"}
    change = context_change(json.dumps(told).encode(), now_ns=NOW_NS)
    assert read_one({**RESULT, "material_lot": " L  1\u200b"}).material_lot_id == change.material_lot_id == "L 1"


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    with closing(bench.connection):
        bench.order()
        yield bench


def test_laboratory_02_a_result_of_a_lot_that_is_spaced_otherwise_holds_that_lot(bench):
    bench.result({**RESULT, "result": 120.0, "material_lot": "LOT/1   ", "unit": "mPa.s", "status": "approved"})
    (disposition,) = bench.sent("disposition")
    assert (disposition["material_lot_id"], disposition["recommendation"]) == ("LOT/1", "hold")


NOT_RELEASED = {
    "01 a value that could be two numbers": {"result": "1,234"},
    "01 words": {"result": "Detected in 25 g", "test_name": "Salmonella"},
    "03 a control that nobody knows": {"control_id": "QC-7"},
    "05 a comparator": {"result": 104.9, "qualifier": ">="},
    "05 a comparator that is not known": {"result": 100.0, "qualifier": "ad"},
    "15 a limit that could be two numbers": {"upper": "1,500"},
    "18 another spelling": {"RESULT_LETTER": ">"},
    "18 a field that nothing reads": {"out_of_spec": True},
    "19 a contradiction": {"value": 7.1},
    "21 a composite": {"result": 120.0, "material_lot": ["L-2", "LOT/1"]},
}


@pytest.mark.parametrize("case", NOT_RELEASED)
def test_laboratory_01_to_21_a_lot_of_which_not_all_is_understood_and_inside_is_not_released(bench, case):
    plain = {**RESULT, "material_lot": "LOT/1", "unit": "mPa.s", "status": "approved"}
    bench.result(plain)
    assert bench.sent("disposition")[-1]["recommendation"] == "release"
    bench.result({**plain, "sample_id": "S-2", **NOT_RELEASED[case]})
    bench.result({**plain, "sample_id": "S-3"})
    last = [each for each in bench.sent("disposition") if each["material_lot_id"] == "LOT/1"][-1]
    assert last["recommendation"] in {"review", "hold"}


@pytest.mark.parametrize("control", ["   ", "N", "n", "no", "0", "false", False, 0])
def test_laboratory_03_what_says_that_there_is_no_control_leaves_the_result_to_its_lot(bench, control):
    bench.result({**RESULT, "result": 120.0, "material_lot": "LOT/1", "unit": "mPa.s", "status": "approved",
                  "control_id": control})  # fmt: skip
    assert bench.sent("disposition")[-1]["recommendation"] == "hold"


def test_laboratory_03_a_control_with_a_lot_keeps_both_and_is_flagged():
    result = read_one({**RESULT, "control_id": "QC-7"})
    assert (result.control_id, result.lots, "CONTROL_OF_NO_LOT" in result.flags) == ("QC-7", ("L-1",), True)


def paths(**changes):
    table = {"items": "data", "paths": {"sample_id": "sample", "test_id": "test", "value": "reading",
                                        "material_lot_id": "lots", **changes.pop("paths", {})}, **changes}  # fmt: skip
    return result_mapping(LimsTable.model_validate({"mapping": table}))


ITEM = {"sample": "S-1", "test": "pH", "reading": 7.0, "lots": ["L-1"]}


@pytest.mark.parametrize(
    ("written", "qualifier"),
    [(">=", ">="), ("≥", ">="), ("GT", ">"), ("less than", "<"), ("=", None), ("", None), ("sa", "?"), ("ad", "?")],
)
def test_laboratory_05_a_mapping_by_paths_reads_comparators_or_says_that_it_cannot(written, qualifier):
    mapping = paths(paths={"qualifier": "operator"})
    result = read_one({"data": [{**ITEM, "operator": written}]}, mapping=mapping)
    assert codes(result) == (["NOT_A_CHOICE"] if qualifier == "?" else [])
    assert result.qualifier == (None if qualifier == "?" else qualifier)


@pytest.mark.parametrize("written", ["2026-03-02", "20260302", "2026-W10-1", "2026-W10"])
def test_laboratory_14_a_date_alone_is_no_instant_and_joins_nothing(written):
    result = read_one({**RESULT, "sampled_at": written})
    assert (result.sampled_ns, codes(result)) == (None, [])
    assert {DATE_ONLY, "NO_SAMPLED_AT"} <= set(result.flags)


def test_laboratory_15_a_mapping_by_paths_reads_limits_as_it_reads_values():
    mapping = paths(paths={"lower": "low", "upper": "high"})
    wrong = read_one({"data": [{**ITEM, "reading": "1.234,5", "low": "1.500"}]}, mapping=mapping, decimal_comma=True)
    assert (wrong.value, wrong.specification, codes(wrong)) == (1234.5, None, ["NOT_A_NUMBER"])
    right = read_one(
        {"data": [{**ITEM, "reading": "7,1", "low": "6,5", "high": 7.5}]}, mapping=mapping, decimal_comma=True
    )
    assert (right.value, right.specification.lower, right.specification.upper, right.unread) == (7.1, 6.5, 7.5, ())


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"Status": "rejected"}, "UNMAPPED_FIELD"),
        ({"RESULT_LETTER": ">"}, "UNMAPPED_FIELD"),
        ({"Upper": 7.5}, "UNMAPPED_FIELD"),
        ({"Lot": "L-2"}, None),  # the lot is read by a path
        ({"comment": "x"}, None),
    ],
)
def test_laboratory_18_a_mapping_by_paths_overlooks_no_critical_field_that_it_does_not_read(fields, code):
    mapping = paths()
    payload = mapping.parts(json.dumps({"data": [{**ITEM, **fields}]}).encode())[0]
    read_as = read_result(
        payload,
        LimsInterface(source="lims", analytes={}, assume_status=ResultStatus.APPROVED, mapping=mapping),
        now_ns=NOW_NS,
    )
    assert codes(read_as.result) == ([] if code is None else [code])
    assert read_as.unused == tuple(fields)


def test_laboratory_18_a_field_that_is_named_to_be_ignored_does_not_matter():
    for fields in ({"version": 3}, {"Pass/Fail": "fail"}, {"product_code": "other"}):
        message = {**RESULT, "product": "FG-100", **fields}
        assert codes(read_one(message)) != []
        assert codes(read_one(message, ignore=[name.lower() for name in fields])) == []


def test_laboratory_18_the_status_of_a_message_that_is_spelled_otherwise_counts():
    assert read_one({**RESULT, "Status": "Cancelled"}).status is ResultStatus.REJECTED
    assert read_one({**RESULT, "RESULT_LETTER": ">"}).qualifier == ">"


def test_laboratory_19_an_id_and_a_name_of_a_test_may_differ_where_the_configuration_knows_one():
    message = {**RESULT, "test_id": "QC-017"}
    assert codes(read_one(message)) == ["CONTRADICTS"]
    known = read_one(message, analytes={"viscosity": "viscosity"})
    assert (known.test_id, known.analyte, codes(known)) == ("QC-017", "viscosity", [])
    assert codes(read_one(message, analytes={"QC-017": "ph", "Viscosity": "viscosity"})) == ["CONTRADICTS"]


@pytest.mark.parametrize("state", ["invalid", "cancelled", "rejected", "retracted"])
def test_laboratory_20_a_sample_that_was_withdrawn_withdraws_each_of_its_analyses(state):
    sample = {"portal_type": "AnalysisRequest", "uid": "w", "id": "W-1", "parent_id": "client-1", "review_state": state,
              "ClientReference": "L-1"}  # fmt: skip
    analyses = [{"uid": uid, "Keyword": test, "Result": "7", "review_state": "published"}
                for uid, test in (("a", "PH"), ("b", "Ca"))]  # fmt: skip
    results = read({**sample, "Analyses": analyses}, mapping="senaite")
    assert [(each.sample_id, each.test_id, each.status, each.lots) for each in results] == [
        ("W-1", "PH", ResultStatus.REJECTED, ("L-1",)),
        ("W-1", "Ca", ResultStatus.REJECTED, ("L-1",)),
    ]
    published = read_one({**SENAITE, "review_state": "published"}, mapping="senaite")
    assert published.replicate == results[0].replicate  # it is the same result
    for message in (sample, {**sample, "Analyses": [{"uid": "a", "url": "http://lims.example/a"}]}):
        about = refused(message, mapping="senaite").about
        assert (about.lots, about.sample_id) == (("L-1",), "W-1")


def test_laboratory_21_a_composite_speaks_of_each_of_its_lots():
    for lots in (["L-1", "L-2"], "L-1, L-2", "L-1;L-2", ["L-1,L-2", "L-1"]):
        assert read_one({**RESULT, "material_lot": lots}).lots == ("L-1", "L-2")


def test_laboratory_21_a_path_to_one_lot_of_several_overlooks_none():
    result = read_one({"data": [{**ITEM, "lots": ["L-1", "L-2"]}]}, mapping=paths(paths={"material_lot_id": "lots[0]"}))
    assert (result.lots, codes(result)) == (("L-1", "L-2"), ["UNMAPPED_FIELD"])
    alone = read_one({"data": [ITEM]}, mapping=paths(paths={"material_lot_id": "lots[0]"}))
    assert (alone.lots, codes(alone)) == (("L-1",), [])
    named = {"data": [{**ITEM, "lots": [{"name": "L-1"}, {"name": "L-2"}]}]}
    assert read_one(named, mapping=paths(paths={"material_lot_id": "lots[*].name"})).lots == ("L-1", "L-2")


def test_laboratory_21_more_lots_than_can_be_read_are_said():
    result = read_one({**RESULT, "material_lot": [f"L-{at}" for at in range(MOST_LOTS + 1)]})
    assert (len(result.lots), codes(result)) == (MOST_LOTS, ["OUT_OF_RANGE"])


def test_laboratory_22_beyond_the_range_is_a_limit_and_an_operator_stays():
    beyond = read_one({**SENAITE, "Result": "1500", "UpperDetectionLimit": "1000"}, mapping="senaite")
    assert (beyond.value, beyond.qualifier, beyond.censored_at, beyond.value_text) == (None, ">", 1000.0, ">1000")
    item = {"paramid": "pH", "enteredtext": ">7.5", "displayvalue": "7.5", "releasedflag": "Y"}
    shown = read_one({"sampleid": "S-1", "dataitems": [item]}, mapping="labvantage")
    assert (shown.value, shown.qualifier, shown.censored_at) == (None, ">", 7.5)


def test_laboratory_22_the_items_of_a_withdrawn_sample_are_withdrawn():
    item = {"paramid": "pH", "enteredtext": "7.5", "releasedflag": "Y"}
    message = {"sampleid": "S-1", "samplestatus": "Cancelled", "dataitems": [item]}
    assert read_one(message, mapping="labvantage").status is ResultStatus.REJECTED


def test_laboratory_29_a_duplicate_is_the_laboratorys_own_control_and_of_no_lot():
    duplicate = {**SENAITE, "portal_type": "DuplicateAnalysis", "Result": "9.0", "getAnalysisUID": "a1"}
    result = read_one(duplicate, mapping="senaite")
    assert (result.control_id, result.lots) == ("duplicate of a1", ())


@pytest.mark.parametrize(
    ("page", "partial"),
    [({"count": 10, "page": 1, "pages": 10, "next": "http://lims.example/2"}, True), ({"page": 1, "pages": 2}, True),
     ({"count": 30}, True), ({"count": 1}, False), ({"page": 2, "pages": 2, "count": 26, "next": None}, False)],
)  # fmt: skip
def test_laboratory_29_one_page_of_several_is_flagged(page, partial):
    result = read_one({**page, "items": [SENAITE]}, mapping="senaite")
    assert ("PARTIAL_LISTING" in result.flags) is partial


def test_laboratory_31_limits_as_texts_are_read_or_said_and_cost_nothing_else():
    assert read_one({**RESULT, "spec_max": "7.5"}).specification.upper == 7.5
    wrong = read_one({**RESULT, "spec_max": "7,5"})
    assert (wrong.value, wrong.specification, codes(wrong)) == (100.0, None, ["NOT_A_NUMBER"])


def test_connections_21_a_message_with_a_byte_order_mark_is_read():
    assert read_one(b"\xef\xbb\xbf" + json.dumps(RESULT).encode()).value == 100.0


def test_connections_22_numbers_that_json_does_not_know_and_people_write_are_read_and_texts_are_left():
    text = '{"sample_id": "a .5 b", "test_name": "x", "result": -.5, "loq": 5., "upper": +7, "unit": "\\".5"}'
    result = read_one(text.encode())
    assert (result.sample_id, result.value, result.loq, result.specification.upper) == ("a .5 b", -0.5, 5.0, 7.0)
    assert result.unit == '".5'
    for broken in ("1.5.5", "1+5", "--5", "1 .5", ".", "1e.5"):
        refused(f'{{"sample_id": "S", "test_name": "x", "result": {broken}}}'.encode())


def test_connections_23_an_array_is_its_items():
    results = read([RESULT, {**RESULT, "sample_id": "S-2"}])
    assert [each.sample_id for each in results] == ["S-1", "S-2"]
    changes = context_messages(b'[{"event": "lot_closed"}, {"event": "lot_ended"}]')
    assert [json.loads(change)["event"] for change in changes] == ["lot_closed", "lot_ended"]
    for payload in (b"[]", b"[1]", json.dumps([RESULT] * 501).encode()):
        assert refused(payload).reasons
    with pytest.raises(MessageRefusedError):
        context_messages(b"[]")


def test_first_plant_06_the_usual_spellings_of_the_product_are_read():
    for name in ("material_definition_id", "product", "product_code", "Product Code", "productCode", "material_number"):
        assert read_one({**RESULT, name: "FG-100"}).material_definition_id == "FG-100"


def test_first_plant_09_a_unit_is_trimmed():
    assert read_one({**RESULT, "unit": " %", "upper": 1}).unit == "%"
    assert read_one({**RESULT, "unit": " %", "upper": 1}).specification.unit == "%"


def test_laboratory_13_a_change_that_names_several_lots_is_one_of_each():
    told = {"event": "material_consumed", "at": "2026-01-01T00:00:00Z", "material_lot_id": "LD2",
            "consumed_lot_id": ["LD1", "LD3 "]}  # fmt: skip
    for consumed in (["LD1", "LD3 "], "LD1, LD3"):
        messages = context_messages(json.dumps({**told, "consumed_lot_id": consumed}).encode())
        changes = [context_change(message, now_ns=NOW_NS) for message in messages]
        assert [(each.material_lot_id, each.consumed_lot_id) for each in changes] == [("LD2", "LD1"), ("LD2", "LD3")]
    alone = json.dumps({**told, "consumed_lot_id": "LD1"}).encode()
    assert context_messages(alone) == [alone]


def test_laboratory_13_a_change_that_is_not_understood_says_of_which_lot_it_speaks():
    told = {"event": "material_consumed", "at": "soon", "material_lot_id": "LD2 ", "consumed_lot_id": "LD1"}
    with pytest.raises(MessageRefusedError) as error:
        context_change(json.dumps(told).encode(), now_ns=NOW_NS)
    assert error.value.about == ResultReference(source="mes", lots=("LD2",))
    with pytest.raises(MessageRefusedError) as error:
        context_messages(json.dumps(told).encode()[:-1])
    assert error.value.about == ResultReference(source="mes", lots=("LD2",))


@pytest.mark.parametrize("text", ["L-1 & L-2", "L-1 / L-2", "L-1 + L-2", "L-1|L-2", "L-1 and L-2", "L-1 und L-2"])
def test_laboratory_21_a_name_that_could_be_several_lots_overlooks_none_of_them(text):
    result = read_one({**RESULT, "material_lot": text})
    assert {"L-1", "L-2"} <= set(result.lots)
    assert codes(result) == ["WRONG_TYPE"]


def test_laboratory_21_signs_within_a_lots_name_part_nothing():
    for lot in ("LOT/1+#%", "A&B", "land-und-see", "L 1"):
        assert read_one({**RESULT, "material_lot": lot}).lots == (lot,)


@pytest.mark.parametrize("lot", ["n/a", "-", "none", " "])
def test_laboratory_02_what_says_that_there_is_no_lot_names_none(lot):
    assert read_one({**RESULT, "material_lot": lot}).lots == ()


@pytest.mark.parametrize("said", ["N", "no", False, 0, "", None])
def test_laboratory_09_what_says_that_it_is_no_retest_is_none(said):
    result = read_one({**RESULT, "retest_of": said})
    assert (result.retest_of, codes(result)) == (None, [])


def test_laboratory_01_a_lot_named_within_what_nothing_reads_is_named_all_the_same():
    message = {"results": [{"sample_id": "S-1", "test_name": "pH", "result": 9.9, "material_lot": "L-1"}]}
    assert refused(message).about.lots == ("L-1",)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"analysis_status": "pending"}, ["UNMAPPED_FIELD"]),
        ({"analysis_status": "odd"}, ["UNMAPPED_FIELD"]),
        ({"analysis_status": "Verified"}, []),
        ({"analysis_status": "pending", "status": "approved"}, []),
        ({"analysis_status": "rejected", "status": "approved"}, ["UNMAPPED_FIELD"]),
    ],
)
def test_laboratory_18_another_status_is_not_overlooked_where_one_is_assumed(fields, expected):
    assert codes(read_one({**RESULT, **fields})) == expected


def test_laboratory_22_a_labvantage_sample_of_two_lots_speaks_of_both():
    item = {"paramid": "pH", "enteredtext": "7.5", "releasedflag": "Y"}
    message = {"sampleid": "S-1", "batchid": "L-1", "lotid": "L-2", "dataitems": [item]}
    assert read_one(message, mapping="labvantage").lots == ("L-1", "L-2")


def test_laboratory_18_what_is_ignored_of_a_foreign_message_leaves_our_own_fields_alone():
    message = {**SENAITE, "review_state": "retracted", "Status": "fine"}
    assert codes(read_one(message, mapping="senaite")) == ["UNMAPPED_FIELD"]
    result = read_one(message, mapping="senaite", ignore=["Status"])
    assert (result.status, codes(result)) == (ResultStatus.SUPERSEDED, [])


@pytest.mark.parametrize(
    "payload",
    [
        b'{"a": ' + b"1" * 200_000 + b"x}",
        b'{"a": ' + b"1.1" * 60_000 + b"}",
        b"+" * 200_000,
        b'"' * 200_000,
        b'"\\' * 100_000,
        b'"lot":[' * 30_000,
        b'"lot":["a",' * 20_000,
        b'"lot":"' * 30_000,
        b'{"lot": "' + b"a" * 200_000,
        b"[" * 200_000,
    ],
    ids=lambda payload: payload[:12].decode(),
)
def test_attacks_21_no_text_costs_more_than_its_length(payload):
    begun = time.process_time()
    assert refused(payload).reasons
    assert time.process_time() - begun < 2.0
