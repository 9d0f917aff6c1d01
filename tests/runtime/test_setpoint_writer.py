"""The writer of setpoints against a real OPC UA server that behaves, and fails, as PLCs do."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest
import pytest_asyncio
from asyncua import ua

from gateway.cli.write_probes import probe_writes
from gateway.config.connection_tables import OpcUaTable
from gateway.contract.times import rfc3339
from gateway.line.setpoint_writes import Point
from gateway.records.acts import ResumeWrites, StopWrites
from gateway.runtime import setpoint_heartbeat
from gateway.store.queries.setpoints import stop_of
from simulator.broker import free_port
from simulator.plc import Fault, PlcTwin
from tests.fixtures.people import SIGNED
from tests.fixtures.writes import TAG
from tests.fixtures.writing_gateway import WritingGateway

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def twin():
    async with PlcTwin(port=free_port()) as served:
        yield served


@pytest_asyncio.fixture(loop_scope="module")
async def plc(twin, monkeypatch):
    """The one twin of this file, as at its start."""
    twin.begin_again()
    await twin.show("Stop", 0.0)
    monkeypatch.setattr(setpoint_heartbeat, "_HEARD_SECONDS", 0.0)  # each test waits until the PLC listens
    return twin


def values(plc):
    return [value for name, value in plc.writes if not name.endswith(".Apply")]


@pytest.mark.parametrize("profile", ["request", "mtp", "method"])
async def test_an_approved_setpoint_is_written_once_and_stands(plc, tmp_path, profile):
    gateway = WritingGateway(tmp_path, plc, profile)
    async with gateway.running():
        await gateway.until_external(profile)
        intent = gateway.approve()
        assert await gateway.until("written", "refused", "mismatch", "not_taken", "overridden") == "written", (
            gateway.reason()
        )
    assert plc.blocks[profile].setpoint == intent.to_value
    assert values(plc) == [intent.to_value]
    assert [name for name, _value in plc.writes if name.endswith("Apply")] == ["mtp.Apply"] * (profile == "mtp")
    assert gateway.bench.guidance_states() == [("applied",)]


async def test_a_value_is_written_in_the_variables_own_type_without_times_or_status(tmp_path):
    async with PlcTwin(port=free_port(), kinds={"request": ua.VariantType.Float}) as plc:
        gateway = WritingGateway(tmp_path, plc)
        async with gateway.running():
            await gateway.until_external()
            intent = gateway.approve()
            await gateway.until("written")
        ((_name, value),) = plc.writes
        assert (value != intent.to_value, value == pytest.approx(intent.to_value, abs=1e-5)) == (True, True)
        assert abs(value - 78.0) <= abs(intent.to_value - 78.0)


@pytest.mark.parametrize(
    ("fault", "state", "code", "latched"),
    [
        (Fault.REFUSES, "not_taken", "WRITE_REFUSED", True),
        (Fault.CLAMPS, "mismatch", "WRITE_MISMATCH", True),
        (Fault.IGNORES, "not_taken", "WRITE_NOT_TAKEN", True),
        (Fault.LATE, "written", None, False),
        (Fault.DROPS, "written", None, False),
        (Fault.TAKEN_OVER, "overridden", "MOVED_BY_OTHERS", False),
    ],
)
@pytest.mark.parametrize("profile", ["request", "mtp", "method"])
async def test_each_way_in_which_a_plc_fails_is_told_once_and_never_written_again(
    plc, tmp_path, profile, fault, state, code, latched
):
    gateway = WritingGateway(tmp_path, plc, profile)
    async with gateway.running():
        await gateway.until_external(profile)
        plc.fault = fault
        gateway.approve()
        ended = await gateway.until("written", "refused", "mismatch", "not_taken", "overridden", "expired")
        await gateway.idle()
    if profile == "mtp" and fault is Fault.DROPS:
        state, code, latched = "not_taken", "WRITE_NOT_TAKEN", True  # ApplyExt is not sent after a cut
    assert (ended, gateway.reason()) == (state, code)
    assert len(values(plc)) == 1
    assert bool(gateway.bench.rows("SELECT 1 FROM latch WHERE code LIKE 'SETPOINT_MISMATCH_%'")) == latched


async def test_a_setpoint_that_somebody_moved_after_the_suggestion_is_left_to_them(plc, tmp_path):
    gateway = WritingGateway(tmp_path, plc)
    gateway.approve()
    plc.blocks["request"].setpoint = 77.0
    async with gateway.running():
        assert await gateway.until("overridden", "written") == "overridden"
    assert plc.writes == []


async def test_while_the_operator_has_it_in_hand_nothing_is_written(plc, tmp_path):
    plc.blocks["request"].operator_allows = False
    gateway = WritingGateway(tmp_path, plc)
    gateway.approve()
    async with gateway.running():
        assert await gateway.until("overridden", "written") == "overridden"
    assert (gateway.reason(), plc.writes) == ("OPERATOR_MODE", [])


@pytest.mark.parametrize("limits", [(60.0, 78.1), (79.9, 95.0), (90.0, 70.0), (float("nan"), 95.0)])
async def test_the_plcs_own_live_limits_of_that_instant_hold(plc, tmp_path, limits):
    gateway = WritingGateway(tmp_path, plc)
    async with gateway.running():
        await gateway.until_external()
        plc.blocks["request"].minimum, plc.blocks["request"].maximum = limits
        await plc.shown()
        intent = gateway.approve()
        ended = await gateway.until("refused", "written")
        inside = limits[0] <= intent.to_value <= limits[1]
    assert ended == ("written" if inside else "refused")
    assert len(plc.writes) == inside


async def test_a_stop_tag_and_the_servers_range_hold(tmp_path):
    async with PlcTwin(port=free_port(), eu_range=(0.0, 78.05)) as plc:
        gateway = WritingGateway(tmp_path, plc)
        async with gateway.running():
            await gateway.until_external()
            gateway.approve()
            if gateway.bench.open[0][0].to_value > 78.05:
                assert await gateway.until("refused", "written") == "refused"
                assert plc.writes == []
    async with PlcTwin(port=free_port()) as plc:
        await plc.show("Stop", 1.0)
        gateway = WritingGateway(tmp_path / "other", plc) if (tmp_path / "other").mkdir() is None else None
        async with gateway.running():
            gateway.approve()
            assert await gateway.until("stopped", "written") == "stopped"
        assert plc.writes == []


async def test_after_a_crash_between_write_and_record_what_is_read_back_decides_and_nothing_is_written_again(
    plc, tmp_path
):
    gateway = WritingGateway(tmp_path, plc)
    crashed = asyncio.Event()
    plc.on_write = crashed.set
    async with gateway.running():
        await gateway.until_external()
        intent = gateway.approve()
        await crashed.wait()  # the value is at the PLC, and the gateway is gone before it can say so
    assert gateway.states() == ["writing"]
    async with gateway.running():
        assert await gateway.until("written", "not_taken", "mismatch") == "written"
    assert values(plc) == [intent.to_value]


async def test_after_a_crash_before_the_write_nothing_is_written_later(plc, tmp_path):
    gateway = WritingGateway(tmp_path, plc)
    intent = gateway.approve()
    gateway.bench.begin(intent.intent_id)
    async with gateway.running():
        assert await gateway.until("written", "not_taken", "mismatch") == "not_taken"
    assert plc.writes == []


async def test_what_the_operator_does_after_a_crash_is_a_mismatch_and_no_second_write(plc, tmp_path):
    gateway = WritingGateway(tmp_path, plc)
    intent = gateway.approve()
    gateway.bench.begin(intent.intent_id)
    plc.blocks["request"].setpoint = 70.5
    async with gateway.running():
        assert await gateway.until("written", "not_taken", "mismatch") == "mismatch"
    assert plc.writes == []


async def test_without_the_gateway_the_plc_sheds_to_the_operator_and_nothing_jumps_when_it_returns(plc, tmp_path):
    block = plc.blocks["request"]
    block.watchdog_seconds = 1.5
    gateway = WritingGateway(tmp_path, plc)
    async with gateway.running():
        await gateway.until_external()
        gateway.approve()
        await gateway.until("written")
        moved = block.setpoint
    while block.external:
        await asyncio.sleep(0.05)
    assert block.setpoint == moved
    block.setpoint = moved - 1.3  # the operator
    await plc.shown()
    async with gateway.running():
        await gateway.until_external()
        await gateway.idle()
    assert block.setpoint == moved - 1.3
    assert len(plc.writes) == 1


async def test_check_says_of_every_tag_whether_it_can_be_written(plc, tmp_path):
    gateway = WritingGateway(tmp_path, plc)
    found = await probe_writes(settings_of(plc), gateway.line)
    assert [(item.subject, item.ok) for item in found] == [
        ("tags.temperature_setpoint.write", True), ("opcua.plc1.heartbeat", True),
    ]  # fmt: skip
    assert "EURange 50 to 100" in found[0].found
    one = gateway.line.writes.by_tag[TAG]
    wrong = replace(one, nodes={**one.nodes, Point.REQUEST: plc.node("request.SP"), Point.MINIMUM: plc.node("nothing")})
    writes = replace(gateway.line.writes, by_tag={TAG: wrong}, heartbeats={"plc1": plc.node("Stop")})
    refused, beat = await probe_writes(settings_of(plc), replace(gateway.line, writes=writes))
    assert (refused.ok, beat.ok) == (False, False)
    assert "may not write" in refused.found
    assert "nothing has no good value" in refused.found
    assert plc.writes == []


def settings_of(plc):
    return SimpleNamespace(opcua={"plc1": OpcUaTable(url=plc.url)}, tags={})


async def test_a_stop_ends_the_heartbeat_too_so_that_the_plc_gives_the_setpoint_to_the_operator(plc, tmp_path):
    plc.blocks["request"].watchdog_seconds = 1.5
    gateway = WritingGateway(tmp_path, plc)
    gateway.bench.with_users()
    async with gateway.running():
        await gateway.until_external()
        gateway.bench.act(StopWrites())
        while plc.blocks["request"].external:
            await asyncio.sleep(0.05)
        assert gateway.conditions["SETPOINT_WRITES_STOPPED"]
        resume = ResumeWrites(stopped_at=rfc3339(stop_of(gateway.bench.connection).at_ns))
        gateway.bench.act(resume, at_ns=gateway.bench.now_ns + 1, credential=SIGNED)
        await gateway.until_external()
    assert plc.writes == []


@pytest.mark.parametrize("by", ["a person", "the stop tag"])
async def test_a_stop_between_request_and_apply_of_a_module_wins(plc, tmp_path, by):
    gateway = WritingGateway(tmp_path, plc, "mtp")
    gateway.bench.with_users()
    loop = asyncio.get_running_loop()

    def stop():
        if by == "a person":
            gateway.bench.act(StopWrites())
        else:
            loop.create_task(plc.show("Stop", 1.0))  # noqa: RUF006 - the twin lives on

    plc.before_write = stop
    async with gateway.running():
        await gateway.until_external("mtp")
        gateway.approve()
        assert await gateway.until("stopped", "written") == "stopped"
    assert plc.blocks["mtp"].setpoint == 78.0
    assert [name for name, _value in plc.writes] == ["mtp.Request"]
