"""The feedback of a written setpoint (VFbk), followed on a real OPC UA server that all tests of this file share."""

from dataclasses import replace

import pytest
import pytest_asyncio

from gateway.cli.write_probes import probe_writes
from gateway.latches import mismatch_latch, not_followed_latch
from gateway.line.setpoint_writes import Point
from gateway.runtime import setpoint_heartbeat
from gateway.time_units import seconds_to_ns
from simulator.broker import free_port
from simulator.plc import PlcTwin
from tests.fixtures.writes import TAG
from tests.fixtures.writing_gateway import WritingGateway
from tests.runtime.test_setpoint_writer import settings_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
SOON = {"feedback_within_ns": seconds_to_ns(0.5)}
LATER = {"feedback_within_ns": seconds_to_ns(600)}
ENDS = ("written", "not_followed", "mismatch", "overridden", "refused", "not_taken", "stopped")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def twin():
    async with PlcTwin(port=free_port()) as served:
        yield served


@pytest.fixture
def plc(twin, monkeypatch):
    twin.begin_again()
    monkeypatch.setattr(setpoint_heartbeat, "_HEARD_SECONDS", 0.0)  # each test waits until the PLC listens
    return twin


def latches(gateway):
    return [code for (code,) in gateway.bench.rows("SELECT code FROM latch")]


async def test_a_setpoint_stands_first_and_is_written_once_its_feedback_has_followed(plc, tmp_path):
    plc.feedback.stuck = True
    gateway = WritingGateway(tmp_path, plc, "mtp", **LATER)
    async with gateway.running():
        await gateway.until_external("mtp")
        intent = gateway.approve()
        await gateway.until("following", *ENDS)
        assert (gateway.states(), plc.blocks["mtp"].setpoint) == (["following"], intent.to_value)
        assert gateway.bench.guidance_states() == [("applied",)]
        plc.feedback.stuck = False  # it lags, and comes
        assert await gateway.until(*ENDS) == "written"
    assert latches(gateway) == []
    trail = gateway.bench.rows(
        "SELECT json_extract(body, '$.state'), json_extract(body, '$.feedback') FROM audit "
        "WHERE kind = 'setpoint_write' ORDER BY seq"
    )
    assert [state for state, _feedback in trail] == ["writing", "following", "written"]
    assert trail[-1][1] == pytest.approx(intent.to_value, abs=0.01)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"stuck": True}, "FEEDBACK_NOT_REACHED"),
        ({"drift_per_second": 2.0}, "FEEDBACK_NOT_REACHED"),
        ({"unreadable": True}, "FEEDBACK_UNKNOWN"),
        ({"value": float("nan")}, "FEEDBACK_UNKNOWN"),
    ],
)
async def test_a_feedback_that_does_not_follow_is_an_outcome_and_an_alarm_of_its_own_and_nothing_is_written_again(
    plc, tmp_path, fault, reason
):
    for name, value in fault.items():
        setattr(plc.feedback, name, value)
    gateway = WritingGateway(tmp_path, plc, "mtp", **SOON)
    async with gateway.running():
        await gateway.until_external("mtp")
        gateway.approve()
        assert await gateway.until(*ENDS) == "not_followed"
        assert gateway.reason() == reason
        assert gateway.bench.guidance_states() == [("withdrawn",)]
        ((told,),) = gateway.bench.rows("SELECT body FROM guidance WHERE kind = 'setpoint'")
        assert reason in told  # whoever reads the guidance is told why
        gateway.bench.now_ns += 700 * 10**9  # the next suggestion: it waits for a person
        gateway.bench.model_due(76.0, setpoint=plc.blocks["mtp"].setpoint)
        await gateway.idle()
    assert latches(gateway) == [not_followed_latch(TAG)]
    assert mismatch_latch(TAG) not in latches(gateway)
    assert [name for name, _value in plc.writes] == ["mtp.Request", "mtp.Apply"]


async def test_while_one_feedback_is_awaited_a_restart_and_a_lost_connection_lose_nothing(plc, tmp_path):
    plc.feedback.stuck = True
    gateway = WritingGateway(tmp_path, plc, "mtp", **LATER)
    async with gateway.running():
        await gateway.until_external("mtp")
        gateway.approve()
        await gateway.until("following")
        plc.drop_connections()
    assert gateway.states() == ["following"]
    plc.feedback.stuck = False
    async with gateway.running():
        assert await gateway.until(*ENDS) == "written"
    assert len(plc.writes) == 2


async def test_an_operator_who_moves_the_setpoint_while_the_feedback_is_awaited_is_no_alarm(plc, tmp_path):
    plc.feedback.stuck = True
    gateway = WritingGateway(tmp_path, plc, "mtp", **LATER)
    async with gateway.running():
        await gateway.until_external("mtp")
        gateway.approve()
        await gateway.until("following")
        plc.blocks["mtp"].operator_allows = False
        plc.blocks["mtp"].setpoint = 77.0
        assert await gateway.until(*ENDS) == "overridden"
    assert (latches(gateway), gateway.reason()) == ([], "MOVED_BY_OTHERS")


async def test_check_shows_the_feedback_and_for_how_long_it_is_followed(plc, tmp_path):
    gateway = WritingGateway(tmp_path, plc, "mtp")
    found, _beat = await probe_writes(settings_of(plc), gateway.line)
    assert found.ok, found
    assert "feedback 78 followed for 60 s" in found.found
    one = gateway.line.writes.by_tag[TAG]
    missing = replace(one, nodes={**one.nodes, Point.FEEDBACK: plc.node("nothing")})
    writes = replace(gateway.line.writes, by_tag={TAG: missing})
    refused, _beat = await probe_writes(settings_of(plc), replace(gateway.line, writes=writes))
    assert (refused.ok, "nothing has no good value" in refused.found) == (False, True)
    bare = replace(one, nodes={at: node for at, node in one.nodes.items() if at is not Point.FEEDBACK})
    line = replace(gateway.line, writes=replace(gateway.line.writes, by_tag={TAG: bare}))
    (without, _beat) = await probe_writes(settings_of(plc), line)
    assert (without.ok, "feedback" in without.found) == (True, False)
