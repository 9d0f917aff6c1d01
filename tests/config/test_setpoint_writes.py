"""The tables of what is written to PLCs: what they mean, and what is wrong with them."""

from dataclasses import replace

import pytest

from gateway.cli.check import write_warnings
from gateway.config.reading import read
from gateway.config.setpoint_writes import write_problems, writes_of
from gateway.line.definition import Stage
from gateway.line.setpoint_writes import Point, SetpointWrites
from tests.config.test_settings import MINIMAL, written
from tests.fixtures.building import assignment
from tests.fixtures.writes import TAG, writing_line

NODE = "nsu=urn:t;s="
TABLES = f"""
[opcua.plc1]
url = "opc.tcp://127.0.0.1:4840"
heartbeat = "{NODE}Beat"
[tags.{TAG}]
source = "plc1"
node = "{NODE}SP"
equipment = "R1"
unit = "degC"
validated = [70.0, 90.0]
[tags.{TAG}.write]
tolerance = 0.01
"""


def problems(tmp_path, text):
    path = written(tmp_path, MINIMAL + TABLES + text)
    settings, _sha256 = read(path)
    return {problem.key: problem.message for problem in write_problems(settings, path, (assignment(),))}


def test_without_a_request_node_the_tags_own_node_is_written(tmp_path):
    settings, _sha256 = read(written(tmp_path, f'{MINIMAL}{TABLES}profile = "request"\n'))
    writes = writes_of(settings)
    assert writes.by_tag[TAG].nodes == {Point.ACTUAL: f"{NODE}SP", Point.REQUEST: f"{NODE}SP"}
    assert writes.heartbeats == {"plc1": f"{NODE}Beat"}
    assert problems(tmp_path, 'profile = "request"\n') == {}


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ('profile = "mtp"', {"request", "requested", "minimum", "maximum", "external"}),
        ('profile = "method"', {"object", "method"}),
        (f'profile = "request"\nmethod = "{NODE}M"', {"method"}),
        ('profile = "request"\nlow_risk = true', {"moves_per_hour"}),
        ('profile = "request"\nsettle = "9s"', {"settle"}),
        ('profile = "request"\nfeedback_within = "9s"', {"feedback_within"}),
        (f'profile = "request"\nfeedback = "{NODE}F"', {"feedback"}),
        (f'profile = "method"\nobject = "{NODE}O"\nmethod = "{NODE}M"\narguments = ["id"]', {"arguments"}),
    ],
)
def test_what_a_profile_needs_or_cannot_have_is_told_by_key(tmp_path, text, keys):
    assert problems(tmp_path, f"{text}\n").keys() == {f"tags.{TAG}.write.{key}" for key in keys}


def test_a_tolerance_that_hides_a_move_and_a_stop_tag_that_is_none_are_told(tmp_path):
    text = 'profile = "request"\n[setpoints]\nstop_tag = "nothing"\n'
    path = written(tmp_path, MINIMAL + TABLES.replace("0.01", "0.05") + text)
    settings, _sha256 = read(path)
    keys = {problem.key for problem in write_problems(settings, path, (assignment(),))}
    assert keys == {f"tags.{TAG}.write.tolerance", "setpoints.stop_tag"}


OTHER = f"""
[tags.flow]
source = "plc1"
node = "{NODE}Flow"
equipment = "R1"
unit = "L/h"
validated = [0.0, 9.0]
[tags.flow.write]
profile = "request"
tolerance = 0.01
"""


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        (f'request = "{NODE}Request"\n{OTHER}request = "{NODE}Request"', "tags.flow.write.request", "is written by"),
        (f'{OTHER}request = "{NODE}SP"', f"tags.{TAG}.node", "is written by"),
        (
            f'request = "{NODE}Flow"\n{OTHER}request = "{NODE}Request"',
            f"tags.{TAG}.write.request",
            "is read as tags.flow.node",
        ),
        (f'request = "{NODE}Max"\nmaximum = "{NODE}Max"', f"tags.{TAG}.write.request", "is read as"),
        (f'request = "{NODE}Beat"', "opcua.plc1.heartbeat", "is written by"),
        (f'request = "{NODE}Request"\n{OTHER}external = "{NODE}Request"', f"tags.{TAG}.write.request", "is read as"),
    ],
)
def test_a_node_that_two_tables_write_or_that_is_written_and_read_as_a_limit_is_told(tmp_path, text, key, message):
    found = problems(tmp_path, f'profile = "request"\n{text}\n')
    assert any(message in told and key in (at, *told.replace(",", "").split()) for at, told in found.items()), found


def test_check_warns_of_setpoints_that_their_stage_does_not_write():
    assert write_warnings(writing_line()) == []
    (waits,) = write_warnings(writing_line(low_risk=False))
    assert "waits for a person" in waits
    line = writing_line(stage=Stage.APPROVE)
    (unwritten,) = write_warnings(replace(line, writes=SetpointWrites()))
    assert "is not written to the PLC" in unwritten
