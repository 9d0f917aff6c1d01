"""Whatever bytes come in on a subscribed topic: a checked record or a refusal with reasons, never anything else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.lims.lab_results import LimsInterface, lab_result
from gateway.contract.mes_messages import context_change
from gateway.contract.refusals import MessageRefusedError
from gateway.contract.responses import response
from gateway.records.laboratory import ResultStatus
from gateway.store.codec import decode, encode
from tests.fixtures.building import NOW_NS

READERS = {
    "result": lambda payload: lab_result(
        payload, LimsInterface(source="lims", analytes={}, assume_status=ResultStatus.VALIDATED), now_ns=NOW_NS
    ),
    "context": lambda payload: context_change(payload, now_ns=NOW_NS),
    "response": lambda payload: response(payload, now_ns=NOW_NS),
}
NAMES = [
    "sample_id", "test_name", "test_id", "result", "value", "spec_min", "spec_max", "specification", "lower", "upper",
    "status", "sampled_at", "result_version", "replicate", "material_lot", "event", "at", "equipment_id",
    "job_order_id", "material_definition_id", "material_lot_id", "id", "guidance_id", "act", "terminal", "unit",
]  # fmt: skip
plausible = st.sampled_from(
    ["S-1", "pH", 9.8, "<0.05", 6.5, 7.5, "approved", "2026-01-01T00:00:00Z", 1, "LOT-1", "lot_started", "acknowledge"]
)
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), plausible),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)),
    max_leaves=8,
)
documents = st.dictionaries(st.sampled_from(NAMES), json_values, max_size=12).map(
    lambda document: json.dumps(document).encode()
)


@pytest.mark.parametrize("reader", READERS)
@given(payload=st.one_of(st.binary(max_size=200), documents))
def test_any_bytes_are_understood_or_refused_with_reasons(reader, payload):
    refused = None
    try:
        record = READERS[reader](payload)
    except MessageRefusedError as error:
        refused = error
    if refused is None:
        assert decode(type(record), encode(record)) == record
        return
    assert refused.reasons
    for reason in refused.reasons:
        assert reason.code
        assert reason.text
        json.dumps(dict(reason.parameters), allow_nan=False).encode()
