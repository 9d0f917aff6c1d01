import json
import string
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.advice.publication import board_message, guidance_message
from gateway.contract.identity import identity_of
from gateway.contract.mes_messages import context_change
from gateway.contract.payloads.prediction import PredictionPayload
from gateway.contract.payloads.status import StatusPayload
from gateway.contract.publications import DISPOSITION
from gateway.contract.refusals import MessageRefusedError
from gateway.contract.responses import response
from gateway.contract.times import parse_rfc3339, rfc3339
from gateway.contract.topics import encode_level
from gateway.records.production import ContextKind
from tests.advice.test_lifecycle import guidance
from tests.fixtures.building import NOW_NS, line, moment

EXAMPLES = Path(__file__).parents[3] / "shared" / "payloads"
needs_examples = pytest.mark.skipif(
    not EXAMPLES.is_dir(), reason="the shared example payloads are not beside this clone"
)


@given(st.text(max_size=300))
def test_a_topic_level_is_always_one_valid_level(text):
    level = encode_level(text)
    assert 1 <= len(level.encode()) <= 128
    assert not set(level) & set("/+#\x00")
    assert all(ord(character) >= 0x20 for character in level)


@given(st.text(max_size=60), st.text(max_size=60))
def test_distinct_names_have_distinct_levels(first, second):
    assert (encode_level(first) == encode_level(second)) == (first == second)


@given(st.text(alphabet=string.ascii_letters + string.digits + " .:;,()=@_-", min_size=1, max_size=128))
def test_names_of_plain_characters_are_levels_as_they_are(text):
    assert encode_level(text) == text


def test_reserved_characters_are_percent_encoded():
    assert encode_level("A/B+C#D%\n") == "A%2FB%2BC%23D%25%0A"


def test_a_result_without_lot_has_a_topic_of_its_own():
    assert DISPOSITION.topic_of("root", None) == "root/disposition/unassigned"


@given(st.integers(0, 4_000_000_000_000))
def test_times_survive_the_way_out_and_in(milliseconds):
    assert parse_rfc3339(rfc3339(milliseconds * 1_000_000)) == milliseconds * 1_000_000


@pytest.mark.parametrize("text", ["2026-03-02T08:14:07", "2026-03-02", "0001-01-01T00:00:00Z", "soon"])
def test_times_without_zone_or_out_of_reach_are_no_times(text):
    with pytest.raises(ValueError, match=r".+"):
        parse_rfc3339(text)


@needs_examples
def test_the_canonical_context_messages_are_understood():
    examples = json.loads((EXAMPLES / "mes-context.json").read_text())
    kinds = [context_change(json.dumps(example).encode(), now_ns=NOW_NS).kind for example in examples]
    assert kinds == [
        ContextKind.ORDER_STARTED, ContextKind.LOT_STARTED, ContextKind.MATERIAL_CONSUMED,
        ContextKind.EQUIPMENT_STATE, ContextKind.LOT_ENDED, ContextKind.ORDER_ENDED,
    ]  # fmt: skip


@needs_examples
@pytest.mark.parametrize(
    ("example", "model"), [("labline-prediction.json", PredictionPayload), ("labline-status.json", StatusPayload)]
)
def test_the_example_payloads_fit_the_models(example, model):
    assert model.model_validate_json((EXAMPLES / example).read_text())


@needs_examples
def test_guidance_and_board_have_the_fields_of_their_examples():
    for example, message in (
        ("labline-guidance-setpoint.json", guidance_message(guidance(), line=line(), cause="c", at_ns=NOW_NS)),
        ("labline-board.json", board_message((guidance(),), line=line(), cause="c", at=moment(NOW_NS))),
    ):
        example_body, body = json.loads((EXAMPLES / example).read_text()), json.loads(message.payload)
        assert [name for name in body if name in example_body] == list(example_body)  # extended, never renamed
    entry, known = body["guidance"][0], example_body["guidance"][0]
    assert [name for name in entry if name in known] == list(known)


def test_a_context_message_names_everything_it_lacks():
    with pytest.raises(MessageRefusedError) as caught:
        context_change(b'{"event": "order_started"}', now_ns=NOW_NS)
    missing = {reason.parameters["field"] for reason in caught.value.reasons}
    assert missing == {"at", "job_order_id", "material_definition_id", "equipment_id"}


def test_an_unknown_context_event_is_refused():
    with pytest.raises(MessageRefusedError, match="must be one of"):
        context_change(b'{"event": "party", "at": "2026-01-01T00:00:00Z"}', now_ns=NOW_NS)


def test_a_response_needs_an_act_that_exists():
    with pytest.raises(MessageRefusedError, match="acknowledge, approve, reject"):
        response(b'{"id": "1", "guidance_id": "g", "terminal": "T", "act": "shrug"}', now_ns=NOW_NS)


@given(st.lists(st.one_of(st.text(max_size=20), st.integers(), st.none()), max_size=4))
def test_an_identity_is_the_name_based_uuid_of_its_parts(parts):
    namespace = uuid.uuid5(uuid.NAMESPACE_URL, "urn:labline:identity:1")
    assert identity_of(*parts) == str(uuid.uuid5(namespace, json.dumps(parts)))
