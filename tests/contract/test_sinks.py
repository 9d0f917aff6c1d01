"""The forms in which systems are told: what each of them gets of each message, and what cannot be told."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.sinks.request import UnfitError, segment
from gateway.contract.sinks.rule import deliveries_of
from gateway.contract.sinks.table import TEMPLATES
from gateway.line.sinks import Sink, SinkMessage
from gateway.records.outgoing import Lane, OutgoingMessage
from gateway.transport.http_requests import check_path

JOB = "2f1d6c1e-5f3c-4c9e-9a49-0f0b3a3d1a11"
HOLD = {"id": "m-1", "material_lot_id": "L 1", "job_order_id": JOB, "recommendation": "hold", "previous": "pending",
        "reasons": [{"text": "Too thick."}],
        "rests_on": {"results": [{"sample_id": "S-1"}, {"sample_id": "S-2"}]}}  # fmt: skip
DEVIATION = {"id": "dev-1", "version": 1, "title": "viscosity too high", "analyte": "viscosity",
             "material_lot_id": "L 1", "job_order_id": JOB, "measured": {"value": 120.0},
             "reasons": [{"text": "Too thick."}]}  # fmt: skip
REQUEST = {"id": "r-1", "issued_at": "2026-03-02T08:14:07.000Z", "body": {"material_lot": "L 1",
           "recommended_tests": [{"test_id": "Viscosity"}]}}  # fmt: skip
OPTIONS = {
    "plex": {"control_plan": "cp-1", "specification_viscosity": "sp-1"},
    "opcenter": {"application": "AppU4DM", "hold_command": "HoldLot"},
    "sap": {"plant": "P1", "code": "NC1", "work_center": "W1"},
    "senaite": {"client": "c1", "contact": "k1", "sample_type": "t1", "service_Viscosity": "s1",
                "samples_path": "/senaite/clients/client-1"},
    "openmes": {"issue_type": "3"},
    "generic": {},
}  # fmt: skip


def rendered(template, message, document, **options):
    request = TEMPLATES[template].render(message, document, {**OPTIONS[template], **options})
    return request.path, json.loads(request.body) if request.body else None


def test_plex_holds_and_releases_the_job_and_gets_a_checksheet():
    assert rendered("plex", SinkMessage.HOLD, HOLD) == (f"/scheduling/v1-beta1/jobs/{JOB}/hold", None)
    assert rendered("plex", SinkMessage.RELEASE, HOLD) == (f"/scheduling/v1-beta1/jobs/{JOB}/release-hold", None)
    path, body = rendered("plex", SinkMessage.DEVIATION, DEVIATION)
    assert path == "/quality/v1/checksheets"
    assert (body["controlPlanId"], body["measurements"]) == ("cp-1", [{"specificationId": "sp-1", "value": 120.0}])
    assert TEMPLATES["plex"].render(SinkMessage.DEVIATION, {**DEVIATION, "version": 2}, OPTIONS["plex"]) is None
    assert TEMPLATES["plex"].render(SinkMessage.HOLD, HOLD, {}).ordered_by == f"job {JOB}"


def test_opcenter_gets_a_command():
    path, body = rendered("opcenter", SinkMessage.HOLD, HOLD)
    assert path == "/sit-svc/application/AppU4DM/odata/HoldLot"
    assert (body["command"]["MaterialLotNId"], body["command"]["Reason"]) == ("L 1", "Too thick.")


def test_sap_logs_a_nonconformance():
    path, body = rendered("sap", SinkMessage.HOLD, HOLD)
    assert path == "/nonconformance/v1/log"
    assert body == {"plant": "P1", "code": "NC1", "sfcs": ["L 1"], "quantity": 1, "comments": "Too thick.",
                    "workCenter": "W1"}  # fmt: skip


def test_senaite_gets_a_sample_and_publishes_those_that_a_release_rests_on():
    path, body = rendered("senaite", SinkMessage.SAMPLE_REQUEST, REQUEST)
    assert path == "/@@API/senaite/v1/AnalysisRequest/create/c1"
    assert body == {"Contact": "k1", "SampleType": "t1", "DateSampled": "2026-03-02 08:14:07", "ClientSampleID": "L 1",
                    "Analyses": ["s1"]}  # fmt: skip
    path, body = rendered("senaite", SinkMessage.RELEASE, HOLD)
    assert path == "/@@API/senaite/v1/update"
    assert body[0] == {"path": "/senaite/clients/client-1/S-1", "transition": "publish"}


def test_openmes_gets_an_issue():
    path, body = rendered("openmes", SinkMessage.DEVIATION, {**DEVIATION, "job_order_id": "17"})
    assert path == "/api/v1/issues"
    assert body == {"work_order_id": 17, "issue_type_id": 3, "title": "viscosity too high", "description": "Too thick."}


@pytest.mark.parametrize(
    ("template", "message", "document"),
    [("plex", SinkMessage.HOLD, {**HOLD, "job_order_id": None}), ("openmes", SinkMessage.HOLD, HOLD),
     ("plex", SinkMessage.HOLD, {**HOLD, "job_order_id": ".."}),
     ("sap", SinkMessage.HOLD, {**HOLD, "material_lot_id": None}),
     ("plex", SinkMessage.HOLD, {**HOLD, "job_order_id": "../../mdm/v1/parts/1"}),
     ("plex", SinkMessage.DEVIATION, {**DEVIATION, "analyte": "ph"}), ("opcenter", SinkMessage.RELEASE, HOLD),
     ("senaite", SinkMessage.RELEASE, {**HOLD, "rests_on": {"results": [{"sample_id": "../client-2/S"}]}}),
     ("senaite", SinkMessage.SAMPLE_REQUEST, {**REQUEST, "body": {"material_lot": "L", "recommended_tests": []}}),
     ("plex", SinkMessage.DEVIATION, {**DEVIATION, "measured": {"value": None}})],
)  # fmt: skip
def test_what_cannot_be_told_is_said(template, message, document):
    with pytest.raises(UnfitError, match=r".{10}"):
        TEMPLATES[template].render(message, document, OPTIONS[template])


@given(st.text(max_size=60))
def test_no_name_leads_out_of_its_place_in_a_path(name):
    try:
        path = f"/jobs/{segment(name)}/hold"
    except UnfitError:
        return
    check_path(path)
    assert path.count("/") == 3


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    topic=st.sampled_from(["disposition/L", "deviation/d", "sample-request/r", "control/ph", "dead-letter", "board"]),
    fields=st.dictionaries(
        st.sampled_from([*HOLD, *DEVIATION, *REQUEST, "decision"]), DOCUMENTS, max_size=8
    ),
)  # fmt: skip
def test_whatever_a_payload_holds_no_form_raises_and_all_paths_lead_below_the_address(topic, fields):
    sinks = tuple(
        Sink(name=name, template=name, messages=TEMPLATES[name].messages, options=OPTIONS[name]) for name in TEMPLATES
    )
    payload = json.dumps(fields).encode()
    message = OutgoingMessage(message_id="m", lane=Lane.EVIDENCE, topic=f"root/{topic}", payload=payload)
    for delivery in deliveries_of(message, sinks, topic_root="root"):
        check_path(delivery.path)
        assert delivery.unfit or delivery.path or delivery.body
        if delivery.kind == "release":
            assert fields["decision"]["decision"] == "release"


def test_a_delivery_has_the_id_of_its_sink_and_message():
    message = OutgoingMessage(message_id="m-1", lane=Lane.EVIDENCE, topic="root/disposition/L",
                              payload=json.dumps(HOLD).encode())  # fmt: skip
    sink = Sink(name="a", template="generic", messages=frozenset({SinkMessage.HOLD}))
    other = Sink(name="b", template="generic", messages=frozenset({SinkMessage.DISPOSITION}))
    first = deliveries_of(message, (sink, other), topic_root="root")
    assert first == deliveries_of(message, (sink, other), topic_root="root")
    assert len({delivery.delivery_id for delivery in first}) == 2
    assert [delivery.kind for delivery in first] == ["hold", "disposition"]
