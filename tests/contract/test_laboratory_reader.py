"""Whatever a laboratory sends: a result, or a refusal; never another error, and never two readings of one text."""

import json
from contextlib import suppress
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract.lims.json_paths import PathMapping
from gateway.contract.lims.lab_results import LimsInterface, lab_result
from gateway.contract.lims.mapping import mapping_by_paths, mapping_named
from gateway.contract.lims.names import normalised
from gateway.contract.lims.result_files import FileForm, decoded, messages_in
from gateway.contract.lims.written_numbers import written_number
from gateway.contract.lims.written_values import written_value
from gateway.contract.refusals import MessageRefusedError
from gateway.records.laboratory import ResultStatus
from gateway.store.codec import decode, encode
from tests.fixtures.building import NOW_NS

MESSAGES = {
    "canonical": {"sample_id": "S", "test_id": "pH", "value": 7.1, "status": "approved", "material_lot": ["L-1", "L-2"],
                  "specification": {"lower": 6, "upper": "7.5"}, "sampled_at": "2026-01-01T00:00:00Z", "lod": 1,
                  "replicate": 1, "qualifier": "<", "control_id": "N"},
    "senaite": {"count": 2, "items": [{"uid": "a", "portal_type": "Analysis", "review_state": "verified", "Result": "7",
                "Keyword": "pH", "getRequestID": "W", "UpperDetectionLimit": "9", "DetectionLimitOperand": "<",
                "ResultsRange": {"min": "1", "max": 3}, "ResultOptions": [{"ResultValue": "7", "ResultText": "x"}]},
                {"portal_type": "AnalysisRequest", "id": "W", "Analyses": [{"uid": "b", "Keyword": "Ca"}]}]},
    "labvantage": {"sampleid": "S", "batchid": "L", "dataitems": [{"paramid": "pH", "enteredtext": "7", "dataset": 1,
                   "displayvalue": "7.0", "replicateid": "2", "releasedflag": "Y", "operator": ">"}]},
    "paths": {"top": {"lots": ["L-1", "L-2"]}, "data": [{"s": "S", "t": "pH", "v": "7", "low": "6", "Status": "x"}]},
}  # fmt: skip
PATHS = mapping_by_paths(
    PathMapping(items="data", paths={"sample_id": "s", "test_id": "t", "value": "v", "lower": "low",
                                     "material_lot_id": "$.top.lots[0]"})
)  # fmt: skip
hostile = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12),
    st.sampled_from(["9" * 5000, 10**4400, 1e308, -1e308, "1e999999999", "1e-999999999", "\ud800", "<", "n.d.",
                     "\u202e", "<LOQ", [], {}, [[]], [{"a": 1}], {"uid": []}, "1" * 300, "%s", "=", "٣", "½"]),
)  # fmt: skip


def leaves(document, path=()):
    """Return the path of everything in a document."""
    inner = enumerate(document) if isinstance(document, list) else ()
    inner = document.items() if isinstance(document, dict) else inner
    return [path, *(leaf for key, value in inner for leaf in leaves(value, (*path, key)))]


def with_at(document, path, value):
    """Return a document with something else at a path."""
    if not path:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[path[0]] = with_at(document[path[0]], path[1:], value)
    return copy


@st.composite
def mutated(draw):
    """Return (a mapping's name, a message of it with something hostile in a few places)."""
    name = draw(st.sampled_from(sorted(MESSAGES)))
    document = MESSAGES[name]
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(leaves(document)))
        document = with_at(document, path, draw(hostile))
    return name, document


def dumped(document):
    """Return JSON, with whole numbers of any length."""
    return json.dumps(document, default=str)


@settings(max_examples=40)
@given(mutated(), st.booleans())
def test_attacks_21_a_reader_raises_nothing_but_its_refusal(case, comma):
    name, document = case
    mapping = PATHS if name == "paths" else mapping_named(name)
    try:
        payload = dumped(document).encode()
    except ValueError:  # a whole number that Python itself writes in no text
        payload = b'{"sample_id": "S", "test_id": "pH", "value": ' + b"9" * 5000 + b"}"
    with suppress(MessageRefusedError):
        for part in mapping.parts(payload):
            with suppress(MessageRefusedError):
                result = lab_result(
                    part,
                    LimsInterface(
                        source="lims",
                        analytes={"pH": "ph"},
                        mapping=mapping,
                        assume_status=ResultStatus.VALIDATED,
                        decimal_comma=comma,
                    ),
                    now_ns=NOW_NS,
                )
                assert decode(type(result), encode(result)) == result


FORMS = [
    FileForm(columns={}),
    FileForm(columns={}, decimal_comma=True, zone=ZoneInfo("Europe/Berlin"), time_format="%d.%m.%Y %H:%M"),
]
plausible = st.sampled_from(["S-1", "pH", "9,8", "1.234", '"', '"x"', "", "29.11.2026 15:00", "\x00", "\r", "\n"])
cells = st.one_of(plausible, st.text(max_size=5))
rows = st.lists(st.lists(cells, max_size=5).map(";".join), max_size=4).map("\n".join)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=60)
@given(text=st.one_of(rows.map("sample_id;test_id;value;upper;sampled_at\n".__add__), st.text(max_size=80)))
def test_attacks_21_any_file_is_read_or_refused_with_a_sentence(form, text):
    with suppress(ValueError):
        for _line, message in messages_in(text, form):
            with suppress(MessageRefusedError):
                lab_result(
                    message,
                    LimsInterface(source="lims", analytes={}, assume_status=ResultStatus.VALIDATED),
                    now_ns=NOW_NS,
                )


@given(st.binary(max_size=60), st.sampled_from([None, "cp1252", "utf-16", "latin-1", "nonsense"]))
def test_attacks_21_any_bytes_are_text_or_refused(content, encoding):
    with suppress(ValueError):
        assert isinstance(decoded(content, encoding), str)


numeric = st.text(alphabet="0123456789.,+-eE '<>=≤", max_size=12)


@given(numeric)
def test_laboratory_15_no_text_is_two_numbers(text):
    """Where both agreements read a text, they read the same number."""
    point, comma = written_number(text), written_number(text, decimal_comma=True)
    assert point is None or comma is None or point.value == comma.value


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["", " ", "\u00a0"]))
def test_laboratory_31_a_number_is_read_as_it_was_written(number, space):
    text = repr(number)
    assert written_number(f"{space}{text}{space}").value == number
    assert written_number(text.replace(".", ","), decimal_comma=True).value == number
    assert written_value(f"<{space}{text.removeprefix('-')}").number == abs(number)


@given(st.integers(1000, 10**12), st.integers(0, 99))
def test_laboratory_15_thousands_are_read_only_where_a_fraction_tells_them(whole, cents):
    assert written_number(f"{whole:,}.{cents:02d}").value == float(f"{whole}.{cents:02d}")
    german = f"{whole:,}".replace(",", ".")
    assert written_number(f"{german},{cents:02d}", decimal_comma=True).value == float(f"{whole}.{cents:02d}")
    assert (written_number(f"{whole:,}") is None) is (whole < 1_000_000)


@given(st.text(max_size=30))
def test_laboratory_02_a_name_is_normalised_once_for_all(text):
    name = normalised(text)
    assert normalised(name) == name
    assert normalised(f" \u00a0{text}\u200b ") == name or not name
