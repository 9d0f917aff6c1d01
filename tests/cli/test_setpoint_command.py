"""``labline setpoint``: the writes of a store, and the stop of all writing, as a person sees them."""

import json
from contextlib import closing

import pytest

from gateway.cli.acts import PASSWORD
from gateway.cli.user import NEW_PASSWORD
from gateway.records.setpoints import WriteState
from simulator.broker import free_port
from tests.cases.test_first_plant_lot import Plant
from tests.fixtures.commands import labline
from tests.fixtures.writes import WritingBench

WRITTEN = """
[opcua.plc9]
url = "opc.tcp://127.0.0.1:{port}"
security = "None"
heartbeat = "nsu=urn:t;s=Beat"
"""


@pytest.fixture
def plant(tmp_path):
    with closing(Plant(tmp_path)) as plant:
        yield plant


def setpoint(plant, *arguments):
    return labline("setpoint", *arguments, "--config", plant.file)


def test_check_tries_what_may_be_written_and_says_where_nothing_may(plant):
    checked = setpoint(plant, "check")
    assert (checked.code, "nothing is ever written" in checked.output) == (0, True)
    with plant.file.open("a") as file:
        file.write(WRITTEN.format(port=free_port()))
    away = setpoint(plant, "check", "--json")
    (finding,) = json.loads(away.output)["findings"]
    assert (away.code, finding["subject"], finding["ok"]) == (1, "opcua.plc9 (writing)", False)
    assert "FAILED" in setpoint(plant, "check").output


def test_writing_is_stopped_by_command_and_allowed_again_by_signature(plant, tmp_path, monkeypatch):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    for name in (NEW_PASSWORD, PASSWORD):
        (tmp_path / name).write_text("a password of their own\n")
    assert labline("user", "password", "q.head", "--config", plant.file).code == 0
    assert setpoint(plant, "stop").code == 2  # without a reason
    assert setpoint(plant, "stop", "--reason", "a leak at R1").code == 0
    listed = json.loads(setpoint(plant, "list", "--json").output)
    assert (listed["stopped"]["reason"], listed["writes"]) == ("a leak at R1", [])
    assert "stopped since" in setpoint(plant, "list").output
    assert "your password" in setpoint(plant, "resume", "--reason", "tight again").error
    assert json.loads(setpoint(plant, "list", "--json").output)["stopped"] is not None
    assert setpoint(plant, "resume", "--reason", "tight again", "--person", "q.head").code == 0
    assert json.loads(setpoint(plant, "list", "--json").output)["stopped"] is None
    assert "is not stopped" in setpoint(plant, "resume", "--reason", "again", "--person", "q.head").error


def test_a_write_is_listed_with_who_approved_it_what_was_read_back_and_what_came_of_it(plant):
    bench = WritingBench(plant.file.parent / "store")
    with closing(bench.connection):
        bench.suggest()
        ((intent, _state),) = bench.open
        bench.begin(intent.intent_id)
        sent = {"before": 78.0, "written": intent.to_value, "read_back": intent.to_value}
        bench.end(intent.intent_id, WriteState.FOLLOWING, **sent)
        bench.end(intent.intent_id, WriteState.WRITTEN, **sent, feedback=79.875)
    (listed,) = json.loads(setpoint(plant, "list", "--json").output)["writes"]
    assert (listed["approved_by"], listed["state"], listed["read_back"]) == ("automatic", "written", intent.to_value)
    assert (listed["outcomes"], listed["holds"]) == ({}, True)
    assert "written" in setpoint(plant, "list").output
    assert listed["feedback"] == 79.875
    traced = json.loads(labline("audit", "trace", intent.guidance_id, "--json", "--config", plant.file).output)
    assert '"setpoint write"' in json.dumps(traced)
    assert f'"read_back": {intent.to_value}' in json.dumps(traced)
    assert '"feedback": 79.875' in json.dumps(traced)
