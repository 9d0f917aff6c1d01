"""What the edge node of Sparkplug sends is read by the decoders of others: Eclipse Tahu's, and pysparkplug."""

import base64
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.contract.sparkplug.metrics import catalogue_of
from gateway.publish.sparkplug.session import Session, Told
from tests.fixtures.building import line
from tests.fixtures.node import node
from tests.fixtures.real_parts import REPOSITORY, missing
from tests.fixtures.sparkplug import NODE

AT_MS = 1_800_000_000_000
SUBJECT = "prediction/viscosity"
VALUES = {
    "viscosity/Predicted": 100.25, "viscosity/Predicted low": 98.5, "viscosity/Predicted high": 102.0,
    "viscosity/Verdict": "accepted", "viscosity/Reasons": "", "viscosity/Lot": "LOT-ä/1",
}  # fmt: skip


def report(seq, **changes):
    return Told(seq=seq, device="R1", subject=SUBJECT, at_ms=AT_MS + seq, values=VALUES | changes, stale=False)


@pytest.fixture(params=[False, True], ids=["as the specification says", "with datatypes in data"])
def messages(request):
    """Births, a live value, one that waited, a stale one, deaths: (kind as pysparkplug calls it, device, payload)."""
    session = Session(
        node=NODE, catalogue=catalogue_of(line()), bd_seq=7, largest_bytes=100_000, datatypes=request.param
    )
    sent = [("NBirth", "", session.node_birth((), upto=5, at_ms=AT_MS).payload),
            ("DBirth", "R1", session.device_birth("R1", (report(5),), upto=5, at_ms=AT_MS).payload)]  # fmt: skip
    waited, live = report(4, **{"viscosity/Predicted": 90.0}), report(6, **{"viscosity/Predicted": 101.0})
    (data,) = session.data([waited, live], at_ms=AT_MS + 6)
    (stale,) = session.qualities([replace(live, stale=True)], at_ms=AT_MS + 7)
    sent += [("DData", "R1", data.payload), ("DData", "R1", stale.payload)]
    sent += [("DDeath", "R1", session.device_death("R1", at_ms=AT_MS + 8).payload),
             ("NDeath", "", session.node_death(at_ms=AT_MS + 9).payload)]  # fmt: skip
    return sent


def coded(payload):
    return base64.b64encode(payload).decode()


def test_tahu_s_library_for_javascript_reads_everything_and_values_of_data_where_they_have_their_datatype(messages):
    births = [json.dumps([coded(payload) for _kind, _device, payload in messages])]
    node_birth, device_birth, data, stale, device_death, node_death = node("sparkplug_decode.js", given=births[0])
    of_node = {metric["name"]: metric for metric in node_birth["metrics"]}
    assert (of_node["bdSeq"]["value"], of_node["bdSeq"]["type"]) == (7, "Int64")
    assert (of_node["Node Control/Rebirth"]["value"], of_node["Node Control/Rebirth"]["type"]) == (False, "Boolean")
    assert of_node["Hold/Lot"]["value"] is None
    of_device = {metric["name"]: metric for metric in device_birth["metrics"]}
    assert {name: of_device[name]["value"] for name in VALUES} == VALUES
    properties = of_device["viscosity/Predicted"]["properties"]
    assert properties["engUnit"]["value"] == "mPa.s"
    assert (properties["Quality"]["value"], properties["Quality"]["type"]) == (192, "Int32")
    predicted = of_device["viscosity/Predicted"]["alias"]
    waited, live = (metric for metric in data["metrics"] if metric["alias"] == predicted)
    assert (waited["isHistorical"], waited["timestamp"]) == (True, AT_MS + 4)
    assert ("isHistorical" in live, live["timestamp"]) == (False, AT_MS + 6)
    assert {
        metric["properties"]["Quality"]["value"] for metric in stale["metrics"] if metric["alias"] == predicted
    } == {500}
    with_datatypes = "type" in live and live["type"] == "Double"
    assert (waited["value"], live["value"]) == ((90.0, 101.0) if with_datatypes else (None, None))
    assert [message["seq"] for message in (node_birth, device_birth, data, stale, device_death)] == [0, 1, 2, 3, 4]
    assert [(metric["name"], metric["value"]) for metric in node_death["metrics"]] == [("bdSeq", 7)]
    assert "seq" not in node_death


def test_pysparkplug_reads_everything_by_the_aliases_of_the_births(messages):
    library = Path(sys.prefix) / "pysparkplug"
    if not library.is_dir():
        missing("pysparkplug (`make test-packages` installs it)")
    given = json.dumps([(kind, device, coded(payload)) for kind, device, payload in messages])
    script = REPOSITORY / "tests" / "packages" / "decode_with_pysparkplug.py"
    ended = subprocess.run([sys.executable, script], input=given, check=True, capture_output=True, text=True,
                           env={"PYTHONPATH": str(library)})  # fmt: skip
    node_birth, device_birth, data, stale, device_death, node_death = json.loads(ended.stdout)
    assert {metric["name"]: metric["value"] for metric in device_birth["metrics"]}.items() >= VALUES.items()
    assert {metric["name"]: metric["value"] for metric in node_birth["metrics"]}["bdSeq"] == 7
    predicted = [metric for metric in data["metrics"] if metric["name"] == "viscosity/Predicted"]
    assert [(metric["value"], metric["historical"], metric["timestamp"]) for metric in predicted] == [
        (90.0, True, AT_MS + 4), (101.0, False, AT_MS + 6),
    ]  # fmt: skip
    assert {metric["type"] for metric in predicted} == {"DOUBLE"}
    assert {metric["value"] for metric in stale["metrics"] if metric["name"] == "viscosity/Predicted"} == {101.0}
    assert [message["seq"] for message in (node_birth, device_birth, data, stale, device_death)] == [0, 1, 2, 3, 4]
    assert node_death["bd_seq"] == 7
