"""A stop, or an operator, in the middle of a write: nothing is sent any more, and what came of it is on record.

The twin of the PLC stands still between two of its scans, exactly after the gateway has sent a value, until the stop
has come. What is real: the OPC UA server, the writer of setpoints, the store with its process loop, the console with
its sessions, the broker and the session with it. Server and broker are shared by all tests of this file.
"""

import asyncio
import json
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
import pytest_asyncio

from gateway.contract.topics import Topics
from gateway.ingest.event_queue import Urgency
from gateway.ingest.messages import Intake
from gateway.ingest.responses import AnswersFirst, understand_response
from gateway.records.acts import ActOutcome, AnswerGuidance
from gateway.records.people import Act
from gateway.records.setpoints import ALL_WRITES
from gateway.runtime import setpoint_heartbeat
from gateway.runtime.setpoint_writer import SetpointWriter
from gateway.time_units import seconds_to_ns
from gateway.transport.mqtt import MqttSession
from gateway.transport.mqtt_options import BrokerAddress, SessionOptions
from gateway.transport.opcua_source import OpcUaSource
from simulator.broker import find_mosquitto, free_port, running_broker
from simulator.mqtt import Participant
from simulator.plc import PROFILES, PlcTwin
from tests.fixtures.console import console_at_work, quick_passwords, set_password
from tests.fixtures.people import HEAD
from tests.fixtures.real_parts import missing
from tests.fixtures.terminals import Terminal
from tests.fixtures.writing_gateway import WritingGateway

pytestmark = pytest.mark.asyncio(loop_scope="module")
ENDS = ("written", "mismatch", "not_taken", "overridden", "stopped", "refused", "unknown")
DOORS = ("console", "mqtt", "tag")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def twin():
    async with PlcTwin(port=free_port()) as served:
        yield served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker(tmp_path_factory):
    if find_mosquitto() is None:
        missing("mosquitto")
    async with running_broker(tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def plc(twin):
    twin.begin_again()
    await twin.show("Stop", 0.0)
    return twin


class WholeGateway(WritingGateway):
    """A gateway that can be stopped by each door: on its console, by a signed response, and by the stop tag."""

    def __init__(self, directory, plc, profile, broker, timeout_seconds):
        super().__init__(directory, plc, profile, timeout_ns=seconds_to_ns(timeout_seconds))
        self.broker = broker
        self.bench.with_users()
        set_password(directory, HEAD.user_id)
        self.terminal = Terminal(self.bench, HEAD.user_id)
        self.sent = asyncio.Event()

    @asynccontextmanager
    async def running(self):
        source = OpcUaSource(name="plc1", url=self.plc.url, nodes={}, publishing_interval_ms=50,
                             sampling_interval_ms=50)  # fmt: skip
        async with console_at_work(self.directory, self.line, clock=self.clock) as self.served:
            self.writer = SetpointWriter(
                source, line=self.line, clock=self.clock, store=self.served.writer, inbox=self.served.inbox,
                present=lambda _tag: None, on_condition=self._on_condition,
            )  # fmt: skip
            tasks = [asyncio.create_task(part.run()) for part in (self.writer, self._session())]
            try:
                async with Participant("terminal", port=self.broker.port, version_5=True) as self.participant:
                    await asyncio.wait_for(self.subscribed.wait(), 60)
                    yield self
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def _session(self):
        self.subscribed = asyncio.Event()
        responses = Topics(self.line.topic_root).responses
        intake = Intake(inbox=self.served.inbox, urgency=Urgency.STOP_AND_RESPONSES, now=self.clock.now,
                        goes_first=AnswersFirst(), routes={responses: understand_response})  # fmt: skip
        options = SessionOptions(
            address=BrokerAddress(host="127.0.0.1", port=self.broker.port), client_id="labline-stops",
            subscriptions=(responses,), on_delivery=intake.take,
            on_state=lambda connected: self.subscribed.set() if connected else None,
        )  # fmt: skip
        intake.session = MqttSession(options, clock=self.clock)
        return intake.session

    async def held_after(self, step):
        """Approve a move, and let the PLC stand still as soon as a value has come to it."""
        reached = asyncio.Event()

        def hold():
            self.plc.scans.clear()
            reached.set()

        setattr(self.plc, {"request": "on_write", "apply": "on_apply"}[step], hold)
        profile = next(name for name in PROFILES if f"{name}.SP" in self.line.tags["temperature_setpoint"].node)
        self.block = self.plc.blocks[profile]
        await self.until_external(profile)
        self.intent = self.approve()
        await asyncio.wait_for(reached.wait(), 60)
        self.sent_before = list(self.plc.writes)
        return self.block

    async def stop(self, door):
        """Stop all writing by a door; return once it is in force."""
        await getattr(self, f"_stop_by_{door}")()

    async def _stop_by_console(self):
        browser = self.served.browser()
        assert (await browser.sign_in(HEAD.user_id)).status == 200
        answer = await browser.act("stop_writes", {}, reason="a leak")
        assert answer["outcome"] == "done", answer

    async def _stop_by_mqtt(self):
        claims = {"iat": self.clock.now_ns() // 10**9, "exp": self.clock.now_ns() // 10**9 + 60}
        token = self.terminal.token(ALL_WRITES, "reject", **claims)
        document = {"id": "r-1", "guidance_id": ALL_WRITES, "act": "reject", "terminal": self.terminal.name,
                    "reason": "a leak", "token": token}  # fmt: skip
        topic = f"{self.line.topic_root}/response/{self.terminal.name}"
        await self.participant.publish(topic, json.dumps(document).encode())
        await self._until(lambda: self.bench.sent("outcome"))
        assert self.bench.sent("outcome")[-1]["outcome"] == "REJECTED"

    async def _stop_by_tag(self):
        await self.plc.show("Stop", 1.0)

    async def _until(self, holds):
        async with asyncio.timeout(60):
            while not holds():
                await asyncio.sleep(0.02)

    async def looked_again(self):
        """Wait until the writer has had the time to send more, and the PLC has given the setpoint to its operator."""
        self.plc.scans.set()
        self.block.watchdog_seconds = -1.0  # as if the heartbeat had been missed for long enough
        await self._until(lambda: not self.block.external)
        await self.idle()

    def on_record(self):
        rows = self.bench.rows(
            "SELECT json_extract(body, '$.state'), json_extract(body, '$.written'), json_extract(body, '$.reason') "
            "FROM audit WHERE kind = 'setpoint_write' ORDER BY seq"
        )
        return SimpleNamespace(states=[state for state, _, _ in rows], written=rows[-1][1], reason=rows[-1][2])

    def alarms(self):
        return self.bench.rows("SELECT code FROM latch")


@pytest.fixture
def gateway_of(plc, broker, tmp_path, monkeypatch):
    quick_passwords(monkeypatch)
    monkeypatch.setattr(setpoint_heartbeat, "_HEARD_SECONDS", 0.0)  # each test waits until the PLC listens
    return lambda profile, timeout_seconds=120: WholeGateway(tmp_path, plc, profile, broker, timeout_seconds)


@pytest.mark.parametrize("door", DOORS)
async def test_a_stop_between_request_and_apply_leaves_the_setpoint_and_the_request_is_dropped(gateway_of, plc, door):
    gateway = gateway_of("mtp")
    async with gateway.running():
        block = await gateway.held_after("request")
        await gateway.stop(door)
        assert await gateway.until(*ENDS) == "stopped"  # while the PLC still stands
        beats = plc.beats
        await gateway.looked_again()
        assert plc.beats == beats  # the PLC is left to its operator
    record = gateway.on_record()
    assert plc.writes == gateway.sent_before == [("mtp.Request", gateway.intent.to_value)]
    assert (block.setpoint, block.request) == (78.0, 78.0)  # what was requested is withdrawn
    assert (record.states, record.written) == (["writing", "stopped"], gateway.intent.to_value)
    assert ("79.9 was requested" in record.reason, "stands at 78" in record.reason) == (True, True)
    assert ("stop tag" in record.reason) == (door == "tag")
    assert gateway.bench.guidance_states() == [("withdrawn",)]
    assert len(gateway.bench.rows("SELECT 1 FROM audit WHERE kind = 'writes_stopped'")) == (door != "tag")
    assert (gateway.alarms(), gateway.conditions["SETPOINT_WRITES_STOPPED"]) == ([], True)


@pytest.mark.parametrize(("profile", "door"), [("request", "mqtt"), ("method", "console")])
async def test_a_stop_before_the_plc_has_taken_a_plain_request_withdraws_it(gateway_of, plc, profile, door):
    gateway = gateway_of(profile)
    async with gateway.running():
        block = await gateway.held_after("request")
        await gateway.stop(door)
        await gateway._until(lambda: gateway.writer._heartbeat._stopped)
        assert gateway.states() == ["writing"]  # the heartbeat ends at once, not with the write
        await gateway.looked_again()
        assert await gateway.until(*ENDS) == "stopped"
    record = gateway.on_record()
    assert len(plc.writes) == 1
    assert (block.setpoint, block.request) == (78.0, 78.0)
    assert (record.states, record.written) == (["writing", "stopped"], gateway.intent.to_value)
    assert gateway.alarms() == []


@pytest.mark.parametrize("door", ["tag"])
async def test_a_stop_after_the_last_value_was_sent_says_what_is_in_force_and_sends_nothing(gateway_of, plc, door):
    gateway = gateway_of("mtp")
    async with gateway.running():
        block = await gateway.held_after("apply")
        await gateway.stop(door)
        plc.scans.set()
        assert await gateway.until("following", *ENDS) in {"following", "written"}
        await gateway.looked_again()
    assert block.setpoint == gateway.intent.to_value
    assert [name for name, _value in plc.writes] == ["mtp.Request", "mtp.Apply"]
    assert gateway.on_record().states[:2] == ["writing", "following"]


@pytest.mark.parametrize("profile", PROFILES)
async def test_an_operator_who_takes_the_setpoint_in_hand_in_the_middle_has_it(gateway_of, plc, profile):
    gateway = gateway_of(profile)
    async with gateway.running():
        block = await gateway.held_after("request")
        block.operator_allows = False
        plc.scans.set()
        assert await gateway.until(*ENDS) == "overridden"
        await gateway.idle()
    assert (block.setpoint, block.request) == (78.0, 78.0)
    assert plc.writes == gateway.sent_before
    assert (gateway.reason(), gateway.alarms()) == ("OPERATOR_MODE", [])
    assert gateway.on_record().states == ["writing", "overridden"]
    assert gateway.bench.guidance_states() == [("withdrawn",)]


async def test_in_stage_automatic_an_override_is_tried_again_only_after_its_cause_has_ended(gateway_of, plc):
    gateway = gateway_of("request")
    async with gateway.running():
        block = await gateway.held_after("request")
        block.operator_allows = False
        plc.on_write = lambda: None
        plc.scans.set()
        assert await gateway.until("overridden", *ENDS) == "overridden"
        for _ in range(2):
            gateway.later(700)
            gateway.bench.suggest()
        await gateway.idle()
        assert (gateway.states(), len(plc.writes)) == (["overridden"], 1)  # suggested, not done
        block.operator_allows = True
        await gateway.until_external()
        await gateway._until(lambda: "cause_ended" in gateway.on_record().states)
        gateway.later(700)
        gateway.bench.suggest()
        assert await gateway.until("written", "refused", "expired") == "written", gateway.reason()
    assert len(plc.writes) == 2


async def test_a_person_who_rejects_the_move_in_the_middle_is_heard(gateway_of, plc):
    gateway = gateway_of("mtp")
    async with gateway.running():
        await gateway.held_after("request")
        reject = AnswerGuidance(guidance_id=gateway.intent.guidance_id, answer=Act.REJECT)
        assert gateway.bench.act(reject).outcome is ActOutcome.DONE
        plc.scans.set()
        assert await gateway.until(*ENDS) == "refused"
        await gateway.idle()
    assert plc.writes == gateway.sent_before
    assert "79.9 was requested" in gateway.on_record().reason
    assert gateway.bench.guidance_states() == [("rejected",)]


@pytest.mark.parametrize("limit", [{"maximum": 79.0}, {"minimum": 79.95}])
async def test_what_the_plc_allows_no_longer_is_not_applied(gateway_of, plc, limit):
    gateway = gateway_of("mtp", timeout_seconds=2)
    async with gateway.running():
        block = await gateway.held_after("request")
        for name, value in limit.items():
            setattr(block, name, value)
        plc.scans.set()
        assert await gateway.until(*ENDS) in {"not_taken", "refused"}
    assert (block.setpoint, plc.writes) == (78.0, gateway.sent_before)


@pytest.mark.parametrize("in_hand", [True, False])
async def test_a_setpoint_that_somebody_else_moves_before_it_is_applied_stays_theirs(gateway_of, plc, in_hand):
    gateway = gateway_of("mtp")
    async with gateway.running():
        block = await gateway.held_after("request")
        block.operator_allows = not in_hand
        block.setpoint = 77.0
        plc.scans.set()
        assert await gateway.until(*ENDS) == "overridden"
        await gateway.idle()
    assert block.setpoint == 77.0
    assert plc.writes == gateway.sent_before == [("mtp.Request", gateway.intent.to_value)]
    assert (gateway.reason(), gateway.alarms()) == ("MOVED_BY_OTHERS", [])


async def test_a_plain_request_that_somebody_overwrites_in_the_middle_is_a_mismatch_that_a_person_looks_at(
    gateway_of, plc
):
    gateway = gateway_of("request", timeout_seconds=2)
    async with gateway.running():
        block = await gateway.held_after("request")
        block.setpoint = block.request = block._last_request = 77.0  # the block's OperatorSets, while it listens
        plc.scans.set()
        ended = await gateway.until(*ENDS)
    assert ended == "mismatch"
    assert block.setpoint == 77.0
    assert len(plc.writes) == 1
    assert gateway.alarms() == [("SETPOINT_MISMATCH_TEMPERATURE_SETPOINT",)]
