"""What fuzzing has found, each as the least input that shows it: no reader fails, no lot that is named is forgotten."""

import json

import pytest

from gateway.contract.json_documents import MOST_LEVELS, parse_document
from gateway.contract.lims.lab_results import LimsInterface, read_result
from gateway.contract.lims.mapping import MAPPINGS
from gateway.contract.mes_pull import AnswerNotReadError, pulled_messages
from gateway.contract.readings import read_status
from gateway.contract.refusals import MessageRefusedError, Refusal
from gateway.deadlines import ClockReading
from gateway.errors import BundleRefusedError, LablineError
from gateway.events import MessageRefused
from gateway.inference.bundle import MANIFEST, read_manifest
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.ingest.lims import understand_results
from gateway.ingest.messages import Intake
from gateway.records.laboratory import ResultStatus

NOW_NS = 1_772_446_500 * 10**9


def read(mapping, message):
    interface = LimsInterface(
        source="lims", analytes={}, assume_status=ResultStatus.APPROVED, mapping=MAPPINGS[mapping]
    )
    return read_result(json.dumps(message).encode(), interface, now_ns=NOW_NS).result


@pytest.mark.parametrize("state", [["Initial"], {"word": "Released"}])
def test_a_state_of_labvantage_that_is_no_text_is_for_review(state):
    item = {"paramid": "pH", "displayvalue": "7", "s_datasetstatus": state, "datasetstatus": "Released"}
    result = read("labvantage", {"sampleid": "S-1", "batchid": "LOT-1", "dataitems": [item]})
    assert result.lots == ("LOT-1",)
    assert result.unread


def test_an_operator_of_senaite_that_is_no_text_is_named():
    message = {
        "uid": "u", "portal_type": "Analysis", "review_state": "verified", "Keyword": "PH", "Result": "7.1",
        "getRequestID": "W-1", "getClientReference": "LOT-1",
        "ResultsRange": {"min": "6", "min_operator": ["geq"], "max": "7"},
    }  # fmt: skip
    assert "min_operator" in str(read("senaite", message).unread)


def nested(levels):
    return b"[" * levels + b"1" + b"]" * levels


def test_json_that_is_nested_deeply_is_refused_before_anybody_goes_down():
    assert parse_document(nested(MOST_LEVELS))
    assert parse_document(json.dumps(["[[[[" * 100, *({"a": [{}]} for _ in range(500))]).encode())
    for levels in (MOST_LEVELS + 1, 900, 100_000):
        with pytest.raises(MessageRefusedError) as refused:
            parse_document(nested(levels))
        assert refused.value.reasons[0].code == Refusal.NOT_JSON.value


def test_an_answer_of_a_mes_with_half_a_pair_of_characters_is_read():
    row = b'{"event": "lot_started", "at": "2026-03-02T06:00:00Z", "material_lot_id": "LOT\\ud800"}'
    (message,) = pulled_messages(b"[" + row + b"]", (), items=None, now_ns=NOW_NS * 2)
    assert b"LOT\\ud800" in message
    with pytest.raises((AnswerNotReadError, MessageRefusedError)):
        pulled_messages(b'[{"a": ' + nested(900) + b"}]", (), items=None, now_ns=NOW_NS)


def test_a_manifest_and_a_status_that_are_nested_deeply_are_refused():
    with pytest.raises(BundleRefusedError, match="nested too deeply"):
        read_manifest({MANIFEST: b"a = " + nested(3000)}, where="bundle")
    with pytest.raises(BundleRefusedError, match="is not TOML"):
        read_manifest({MANIFEST: b"a = " + b"9" * 5000}, where="bundle")
    with pytest.raises(LablineError, match="is not understood"):
        read_status(nested(100_000))


def test_where_a_reader_fails_the_lots_that_the_message_names_are_known(monkeypatch):
    def failing(*_arguments, **_named):
        raise KeyError("a defect")

    monkeypatch.setattr("gateway.ingest.lims.lab_result", failing)
    interface = LimsInterface(source="lims", analytes={}, assume_status=None)
    at = ClockReading(wall_ns=NOW_NS, latest_ns=NOW_NS, boot_ns=0, boot_id="b")
    intake = Intake(
        inbox=EventQueue(), urgency=Urgency.INBOUND, routes={"r": understand_results(interface)}, now=lambda: at
    )
    message = b'{"sample_id": "S-1", "test_id": "pH", "value": 7.1, "material_lot_id": "LOT-1"}'
    (event,) = intake.offer("r", message, session="main", committed=lambda: None)
    assert isinstance(event, MessageRefused)
    assert [reason.code for reason in event.reasons] == [Refusal.DECISION_FAILED.value]
    assert (event.about.source, event.about.lots, event.about.sample_id) == ("lims", ("LOT-1",), "S-1")
