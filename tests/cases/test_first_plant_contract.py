"""The contract for integrators: closed lists of words, what comes in, delivery per topic, a board that says enough."""

import json
from contextlib import closing

import pytest

from gateway.advice.publication import BOARD_LIFE_NS
from gateway.contract.lims.lab_results import LimsInterface, lab_result
from gateway.contract.mes_messages import REQUIRED, context_change
from gateway.contract.publications import DISPOSITION, PUBLICATIONS
from gateway.contract.received_schemas import context_schema, response_schema, result_schema, specification_schema
from gateway.contract.refusals import MessageRefusedError
from gateway.contract.responses import response
from gateway.contract.schemas import RECEIVED, asyncapi, documents, schema_of
from gateway.contract.specifications import stated_specification
from gateway.contract.words import (
    ACTS,
    ATTENTION,
    EVENTS,
    KINDS,
    OUTCOMES,
    RECOMMENDATIONS,
    SEVERITIES,
    STATES,
    STATUSES,
)
from gateway.records.guidance import Attention, GuidanceKind, GuidanceState, Severity
from gateway.records.laboratory import Recommendation, ResultStatus
from gateway.records.people import Act, Outcome
from gateway.records.production import ContextKind
from gateway.time_units import SECOND_NS
from tests.fixtures.building import NOW_NS
from tests.fixtures.store_bench import Bench

AT = "2026-11-29T08:00:00Z"


@pytest.mark.parametrize(
    ("words", "kind"),
    [(ATTENTION, Attention),
     (KINDS, GuidanceKind), (STATES, GuidanceState), (SEVERITIES, Severity), (RECOMMENDATIONS, Recommendation),
     (ACTS, Act), (OUTCOMES, Outcome), (EVENTS, ContextKind), (STATUSES, ResultStatus)],
)  # fmt: skip
def test_first_plant_09_every_word_has_its_meaning(words, kind):
    assert set(words) == set(kind)
    assert all(words.values())


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("guidance", {"kind": GuidanceKind, "state": GuidanceState, "severity": Severity}),
        ("disposition", {"recommendation": Recommendation, "previous": Recommendation}),
        ("outcome", {"act": Act, "outcome": Outcome}),
    ],
)
def test_first_plant_09_kinds_states_and_severities_are_closed_lists_with_descriptions(name, fields):
    for field, kind in fields.items():
        part = schema_of(name)["properties"][field]
        assert part["enum"] == [each.value for each in kind]
        assert all(f"{each.value}: " in part["description"] for each in kind)


def test_first_plant_09_lines_of_the_board_have_the_same_lists():
    line = schema_of("board")["$defs"]["BoardLine"]
    assert line["properties"]["state"]["enum"] == [each.value for each in GuidanceState]
    assert {"severity", "kind", "state", "reason", "suggestion", "requires", "expires_at"} <= set(line["required"])


SENT_AT_TIMES = {"disposition": {"decision_on_rest"}}  # its description says when


@pytest.mark.parametrize("name", list(PUBLICATIONS))
def test_first_plant_09_every_field_that_is_always_sent_is_marked_as_required(name):
    schema = schema_of(name)
    assert set(schema["required"]) == set(schema["properties"]) - SENT_AT_TIMES.get(name, set())


# --- what comes in ---------------------------------------------------------------------------------------

RESULT = {"sample_id": "S", "test_id": "pH", "value": 7.0, "status": "approved", "sampled_at": AT}
SPECIFICATION = {"product": "P", "analyte": "ph", "version": "1", "lower": 6.5}
RESPONSE = {"id": "r", "guidance_id": "g", "act": "acknowledge", "terminal": "T"}


def read_result(document):
    return lab_result(
        json.dumps(document).encode(), LimsInterface(source="lims", analytes={}, assume_status=None), now_ns=NOW_NS
    )


def read_context(document):
    return context_change(json.dumps(document).encode(), now_ns=NOW_NS)


PLANNED = {"planned_start_at": "2027-02-01T06:00:00Z", "planned_end_at": "2027-02-02T06:00:00Z"}


def read_specification(document):
    return stated_specification(json.dumps(document).encode(), now_ns=NOW_NS)


def read_response(document):
    return response(json.dumps(document).encode(), now_ns=NOW_NS)


def required(schema, document):
    """Return the fields that a schema wants of a document, those of its conditions too, where one alone is named."""
    found = set(schema["required"])
    for part in schema.get("allOf", ()):
        if "if" in part and part["if"]["properties"]["event"]["const"] == document.get("event"):
            found |= set(part["then"]["required"])
    return found


@pytest.mark.parametrize(
    ("schema", "document", "read"),
    [(specification_schema(), SPECIFICATION, read_specification), (response_schema(), RESPONSE, read_response)]
    + [
        (
            context_schema(),
            {"event": kind.value, "at": AT, **{name: PLANNED.get(name, "x") for name in needed}},
            read_context,
        )
        for kind, needed in REQUIRED.items()
    ],
)
def test_first_plant_09_what_a_schema_requires_is_what_the_reader_refuses_a_message_without(schema, document, read):
    read(document)
    for field in required(schema, document):
        with pytest.raises(MessageRefusedError):
            read({name: value for name, value in document.items() if name != field})
    assert set(document) <= set(schema["properties"])


def test_first_plant_09_of_a_result_sample_test_and_value_are_required_under_any_of_their_names():
    groups = [[each["required"][0] for each in part["anyOf"]] for part in result_schema()["allOf"]]
    assert [group[0] for group in groups] == ["sample_id", "test_id", "value"]
    for group in groups:
        others = {name: value for name, value in RESULT.items() if name not in group}
        for name in group:
            read = read_result({**others, name: RESULT[group[0]]})
            assert (read.sample_id, read.test_id, read.value) == ("S", "pH", 7.0)
            assert not read.unread


def test_first_plant_09_each_word_of_the_schemas_is_read():
    for status in result_schema()["properties"]["status"]["enum"]:
        assert read_result({**RESULT, "status": status}).status == status
    for act in response_schema()["properties"]["act"]["enum"]:
        assert read_response({**RESPONSE, "act": act}).act == act


# --- delivery -------------------------------------------------------------------------------------------


def test_first_plant_09_each_topic_says_its_qos_whether_it_is_retained_and_when_it_expires():
    document = asyncapi()
    for name, row in PUBLICATIONS.items():
        operation = document["operations"][f"publish-{name}"]
        assert operation["bindings"]["mqtt"] == {"qos": 1, "retain": row.retain, "bindingVersion": "0.2.0"}
        assert operation["x-expires"]
        assert document["channels"][name]["address"].endswith(f"/{row.topic}")
    assert f"{BOARD_LIFE_NS // SECOND_NS} s" in document["operations"]["publish-board"]["x-expires"]
    assert set(RECEIVED) == {"result", "context", "specification", "response", "question"}
    assert {document["operations"][f"take-{name}"]["action"] for name in RECEIVED} == {"receive"}


def test_first_plant_09_every_reference_names_a_document_and_a_lot_is_said_to_be_percent_encoded():
    document, names = asyncapi(), documents()
    for channel in document["channels"].values():
        (message,) = channel["messages"].values()
        assert message["payload"]["$ref"].removeprefix("./") in names
    assert "percent-encoded" in document["channels"]["disposition"]["parameters"]["lot"]["description"]
    assert DISPOSITION.topic_of("r", "LOT/1 %") == "r/disposition/LOT%2F1 %25"


# --- a terminal that comes late ---------------------------------------------------------------------------


@pytest.fixture
def bench(tmp_path):
    found = Bench(tmp_path)
    with closing(found.connection):
        found.order()
        yield found


def test_first_plant_09_the_board_is_enough_for_a_terminal_that_comes_late(bench):
    bench.model_due(81.0, setpoint=81.0)
    bench.result({"sample_id": "S-1", "test_id": "Viscosity", "value": 110.0, "unit": "mPa.s", "status": "approved",
                  "material_lot_id": "LOT/1"})  # fmt: skip
    lines = {each["kind"]: each for each in bench.sent("board")[-1]["guidance"]}
    told = {each["kind"]: each for each in bench.sent("guidance")}
    assert set(lines) == {"hold", "setpoint", "warning"}
    for kind, line in lines.items():
        same = ("id", "state", "severity", "material_lot_id", "equipment_id", "suggestion", "requires", "expires_at",
                "analyte", "job_order_id")  # fmt: skip
        assert {name: line[name] for name in same} == {name: told[kind][name] for name in same}
        assert line["reason"] == told[kind]["reasons"][0]["text"]
    assert lines["setpoint"]["suggestion"]["proposed"]
    assert lines["hold"]["requires"] == {"role": "quality", "signature": True}


def test_first_plant_09_a_reject_of_a_hold_gets_an_answer_that_says_what_to_do(bench):
    bench.result({"sample_id": "S-1", "test_id": "Viscosity", "value": 110.0, "unit": "mPa.s", "status": "approved",
                  "material_lot_id": "LOT/1"})  # fmt: skip
    (hold,) = bench.sent("guidance")
    bench.answer(hold["id"], "reject")
    (outcome,) = bench.sent("outcome")
    assert (outcome["outcome"], outcome["state"], outcome["act"]) == ("SIGNATURE_REQUIRED", "proposed", "reject")
    assert "quality system" in outcome["text"]
    assert outcome["guidance_id"] == hold["id"]
    assert len(bench.sent("guidance")) == 1
