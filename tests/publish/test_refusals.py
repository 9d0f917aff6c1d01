"""What the broker refuses or has forgotten, and what people put right afterwards: rights, dead letters, a salvage.

With a real mosquitto (MQTT 5) and the gateway as a process, without a plant: all this is about messages.
"""

import asyncio
import base64
import json
import queue
import signal
import sqlite3
import time
from collections import defaultdict
from contextlib import asynccontextmanager, closing, contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import paho.mqtt.client as paho
import pytest

from gateway.contract.times import rfc3339
from gateway.records.outgoing import Lane, OutgoingMessage
from gateway.store.database import open_state, read_state
from gateway.store.outbox import enqueue
from simulator.bench.load import kill
from simulator.broker import free_port
from simulator.faults import Fault, FaultyLink
from simulator.gateway_process import ask
from simulator.mqtt import Participant
from tests.cli.test_store_commands import labline
from tests.fixtures.building import NOW_NS
from tests.fixtures.people import ADDED_BY_COMMAND
from tests.fixtures.real_parts import TOPIC_ROOT, Line, missing

SENT_UNDER_A_DELAY = 10  # how many messages the broker takes at once where a test needs a slow drain


class PlainLine(Line):
    """A line without tags and models, which keeps the bytes of what comes, what the broker retains included."""

    def __init__(self, folder, broker):
        super().__init__(folder, broker, SimpleNamespace(url=""))
        self.arrivals = []  # topic and payload of everything
        self.bytes_of = defaultdict(set)  # by message id
        self.lost_at = ""

    def configure(self, *, port=None, without=""):
        self.write_configuration()
        text = self.configuration.read_text()
        text = text[: text.index("[opcua.plc1]")] + text[text.index("[mqtt]") : text.index("[[model]]")]
        text = text.replace(f"port = {self.broker.port}", f"port = {port or self.broker.port}")
        self.configuration.write_text(text.replace(without, ""))

    def received(self, message):
        topic = message.topic.removeprefix(f"{TOPIC_ROOT}/")
        document = json.loads(message.payload) if message.payload else {}
        self.arrivals.append((topic, message.payload))
        self.messages.append((topic, document))
        if topic.startswith(("disposition/", "dead-letter")) and "id" in document:
            self.bytes_of[document["id"]].add(message.payload)
        self.arrived.set()

    async def lot_result(self, number, **changes):
        """Publish a result for a lot of its own, inside its specification; every other one is known by its delivery."""
        fields = {"sample_id": f"S-{number:03d}", "material_lot_id": f"LOT-{number:03d}", "test_id": "pH", "value": 7.0,
                  "product": "FG-100", "result_version": 1 if number % 2 else None}  # fmt: skip
        await self.result(**{**fields, **changes})

    async def all_judged(self, numbers):
        await asyncio.gather(*(self.disposition_of(f"S-{number:03d}") for number in numbers))

    async def connected(self, condition=lambda _standing: True):
        """Wait for a status that says that both sessions are up (again), and that fulfils a condition on its alarms."""

        def says_so(topic, document):
            up = set(document.get("sources", {}).items()) >= {("broker", "connected"), ("broker_in", "connected")}
            return (
                topic == "status" and up and document["issued_at"] >= self.lost_at and condition(document["degraded"])
            )

        await self.until(says_so)

    def rows(self, query):
        with closing(read_state(self.folder / "store")) as connection:
            return [tuple(row) for row in connection.execute(query)]

    async def until_rows(self, query, expected):
        with closing(read_state(self.folder / "store")) as connection:
            async with asyncio.timeout(60):
                while [tuple(row) for row in connection.execute(query)] != expected:
                    await asyncio.sleep(0.002)

    async def asked(self, *arguments):
        return await ask(*arguments, "--config", str(self.configuration))

    async def verified(self):
        return (await self.asked("audit", "verify"))["audit"] == "ok"


@asynccontextmanager
async def plain_line(folder, broker, **options):
    """Make a line with everything but the gateway running; its inbound session is known to the broker already."""
    line = PlainLine(folder, broker)
    line.configure(**options)
    async with (
        Participant("watcher", port=broker.port, version_5=True, subscriptions=(f"{TOPIC_ROOT}/#",),
                    on_message=line.received),
        Participant("sender", port=broker.port, version_5=True) as sender,
    ):  # fmt: skip
        line.sender = sender
        yield line


async def restart(broker, *lines):
    """Start the broker anew, with lines added to its configuration."""
    configuration = broker.mosquitto._configuration
    configuration.write_text("\n".join([configuration.read_text(), *lines]) + "\n")
    await broker.mosquitto.stop()
    await broker.mosquitto.start()


async def deny(broker, topic):
    """Let nobody publish on a topic; return what takes that back in the running broker."""
    rights = broker.mosquitto._configuration.with_name("rights")
    rights.write_text(f"topic readwrite #\ntopic deny {topic}\n")
    rights.chmod(0o600)
    await restart(broker, f"acl_file {rights}")

    async def mend():
        rights.write_text("topic readwrite #\n")
        broker.mosquitto._process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(90):  # it reads them when it comes to it
            while not await asyncio.to_thread(may_publish, broker.port, topic.replace("#", "any")):
                pass

    return mend


def may_publish(port, topic):
    """Return whether the broker takes a message on a topic, by its own word."""
    answers = queue.Queue()
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.on_publish = lambda _client, _userdata, _mid, reason_code, _properties: answers.put(reason_code)
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        client.publish(topic, b"{}", qos=1)
        return not answers.get(timeout=60).is_failure
    finally:
        client.disconnect()
        client.loop_stop()


async def test_what_the_broker_refuses_is_parked_and_everything_else_goes_on_in_order(broker, tmp_path):
    mend = await deny(broker, f"{TOPIC_ROOT}/disposition/#")
    refused = 120  # more than may be in flight: were they waited for, nothing else could go
    async with plain_line(tmp_path, broker) as line, line.gateway():
        for number in range(refused):
            await line.lot_result(number, value=9.9 if number == refused - 1 else 7.0)
            await line.publish("lims/results/qc", b"rubbish %d" % number)
        hold = await line.until(lambda _topic, document: document.get("kind") == "hold")
        assert hold["measured"]["sample_id"] == f"S-{refused - 1:03d}"
        async with asyncio.timeout(60):
            while len(line.of("dead-letter")) < refused:
                line.arrived.clear()
                await line.arrived.wait()
        rubbish = [base64.b64decode(each["payload_base64"]) for each in line.of("dead-letter")]
        assert rubbish == [b"rubbish %d" % number for number in range(refused)]
        await line.until_rows("SELECT count(*) FROM outbox WHERE parked IS NULL AND acknowledged = 0", [(0,)])
        await line.connected(lambda standing: standing == ["PUBLISH_REFUSED"])
        assert line.of("disposition") == []

        parked = (await line.asked("buffer", "parked", "--most", "1000"))["parked"]
        assert {each["why"] for each in parked} == {"refused by the broker with reason code 0x87"}
        said = line.rows("SELECT disposition_id FROM disposition ORDER BY at_ns, rowid")
        assert [(each["message_id"],) for each in parked] == said[::-1]
        assert len(said) == refused
        assert (await line.asked("buffer", "status"))["parked"] == refused

        await mend()
        chosen = parked[7]["message_id"]
        ((payload,),) = line.rows(f"SELECT payload FROM outbox WHERE message_id = '{chosen}'")
        labline(line, *ADDED_BY_COMMAND)
        labline(line, "buffer", "retry", chosen)
        await line.until(lambda _topic, document: document.get("id") == chosen)
        assert (parked[7]["topic"].removeprefix(f"{TOPIC_ROOT}/"), payload) in line.arrivals
        await line.lot_result(refused)  # and the topic works again for what is new
        await line.all_judged([refused])
        await line.until_rows("SELECT count(*) FROM outbox WHERE parked IS NOT NULL", [(refused - 1,)])
        assert await line.verified()


def rights_by_plugin(folder, *, refused):
    """Write the state of mosquitto's own plugin for rights, which alone can refuse a subscription."""
    rule = {"acltype": "subscribeLiteral", "topic": refused, "priority": 0, "allow": False}
    everything = dict.fromkeys(["publishClientSend", "publishClientReceive", "subscribe", "unsubscribe"], True)
    file = folder / "rights.json"
    file.write_text(json.dumps({
        "clients": [], "roles": [{"rolename": "everyone", "acls": [rule] if refused else []}],
        "groups": [{"groupname": "anybody", "roles": [{"rolename": "everyone"}], "clients": []}],
        "anonymousGroup": "anybody", "defaultACLAccess": everything,
    }))  # fmt: skip
    file.chmod(0o600)
    return file


def plugin_for_rights():
    folders = [Path("/usr/lib"), Path("/usr/local/lib"), Path("/usr/lib64")]
    found = [file for folder in folders for file in folder.glob("**/mosquitto_dynamic_security.so")]
    return found[0] if found else missing("mosquitto_dynamic_security.so")


async def open_once_one_is_through(link):
    """Let the other session pass at its next attempt."""
    while link.connections < 2:
        await asyncio.sleep(0.01)
    link.set(Fault.NONE)


@pytest.mark.parametrize("last", ["broker_in", "broker"])
async def test_a_refused_subscription_is_told_the_rest_works_and_results_come_once_it_is_granted(
    broker, tmp_path, last
):
    """Whichever of the two sessions connects last: the other one, whose topics are granted, takes no alarm down."""
    rights = partial(rights_by_plugin, broker.mosquitto._configuration.parent)
    await restart(broker, f"plugin {plugin_for_rights()}", f"plugin_opt_config_file {rights(refused='lims/results/#')}")
    # by the client id in their CONNECT, which the properties of the will follow where there is one
    first = {"broker_in": b"labline-bench\x00", "broker": b"labline-bench-in"}[last]
    async with (
        FaultyLink(port=broker.port, listen=free_port(), spares=first) as link,
        plain_line(tmp_path, broker, port=link.listen) as line,
    ):
        link.set(Fault.REFUSE)
        opening = asyncio.create_task(open_once_one_is_through(link))
        async with line.gateway():
            await opening
            await line.connected(lambda standing: standing == ["SUBSCRIPTION_REFUSED"])
            await line.lot_result(1)
            await line.publish("mes/context/bench", {"event": "lot_started", "material_lot_id": "LOT-002",
                                                     "equipment_id": "R1", "at": "2026-01-01T00:00:00Z"})  # fmt: skip
            await line.until_rows("SELECT material_lot_id FROM lot", [("LOT-002",)])
            assert line.rows("SELECT count(*) FROM lab_result") == [(0,)]
            rights(refused=None)
            line.lost_at = rfc3339(time.time_ns())
            await restart(broker)
            await line.connected(lambda standing: standing == [])
            await line.lot_result(2)
            await line.all_judged([2])


async def test_a_dead_letter_becomes_a_judged_result_once_the_configuration_is_mended(broker, tmp_path):
    async with plain_line(tmp_path, broker, without='assume_status = "validated"') as line:
        async with line.gateway():
            without_a_status = {"sample_id": "S-001", "test_name": "pH", "result": 9.9, "material_lot": "LOT-001",
                                "product": "FG-100"}  # fmt: skip
            await line.publish("lims/results/qc", without_a_status)
            refused = await line.until(lambda topic, _document: topic == "dead-letter")
            assert [reason["code"] for reason in refused["reasons"]] == ["MISSING"]
        line.configure()
        async with line.gateway():
            labline(line, *ADDED_BY_COMMAND)
            labline(line, "buffer", "retry", refused["id"])
            disposition = await line.until(lambda topic, _document: topic == "disposition/LOT-001")
            assert disposition["recommendation"] == "hold"
            await line.until_rows("SELECT tried_ns IS NOT NULL FROM retry", [(1,)])
            (letter,) = (await line.asked("buffer", "dead-letters"))["dead_letters"]
            assert (letter["id"], letter["state"]) == (refused["id"], "tried again")
        assert line.rows("SELECT sample_id, result_version, holds FROM lab_result_checked") == [("S-001", 1, 1)]
        assert len({each["id"] for each in line.of("disposition")}) == 1
        assert line.rows("SELECT subject, body FROM audit WHERE kind = 'dead_letter_retry'") == [
            (refused["id"], '{"person":"Q. Head","user":"q.head","credential":"os_user"}')
        ]
        assert await line.verified()


def backlog_message(number, lane, topic):
    return OutgoingMessage(message_id=f"{lane.name}-{number}", lane=lane, topic=f"{TOPIC_ROOT}/{topic}",
                           payload=b'{"number":%d}' % number)  # fmt: skip


async def test_a_hold_of_now_goes_before_a_backlog_of_guidance_and_evidence(broker, tmp_path):
    """The backlog waits when the connection comes up; the hold is decided while most of it has still to go."""
    await restart(broker, f"max_inflight_messages {SENT_UNDER_A_DELAY}")
    guidance = [backlog_message(number, Lane.GUIDANCE, f"guidance/old-{number % 7}") for number in range(300)]
    evidence = [backlog_message(number, Lane.EVIDENCE, f"dead-letter/old-{number % 7}") for number in range(150)]
    of_the_same_lot = [backlog_message(number, Lane.EVIDENCE, "disposition/LOT-001") for number in range(1000, 1003)]
    backlog = [*evidence, *of_the_same_lot, *guidance]
    async with (
        FaultyLink(port=broker.port, listen=free_port(), delay_seconds=0.1) as link,
        plain_line(tmp_path, broker, port=link.listen) as line,
    ):
        async with line.gateway():
            pass
        with closing(open_state(line.folder / "store")) as connection:
            connection.execute("BEGIN")
            for message in backlog:
                enqueue(connection, message, at_ns=NOW_NS)
            connection.execute("COMMIT")
        line.arrivals.clear()
        link.set(Fault.DELAY)
        async with line.gateway():
            await line.until(lambda _topic, document: "number" in document)
            await line.lot_result(1, value=9.9)
            await line.until(lambda _topic, document: document.get("kind") == "hold")
            link.set(Fault.NONE)
            await line.until_rows("SELECT count(*) FROM outbox WHERE acknowledged = 0", [(0,)])
    said = [(topic.partition("/")[0], json.loads(payload)) for topic, payload in line.arrivals if payload]
    kinds = [document.get("kind") or kind for kind, document in said]
    assert kinds[: kinds.index("hold")].count("guidance") < len(guidance)  # before the rest even of its own lane
    assert kinds[: kinds.index("hold")].count("dead-letter") == 0
    last_disposition = len(kinds) - 1 - kinds[::-1].index("disposition")
    assert kinds[:last_disposition].count("dead-letter") == 0  # what is live of the evidence goes before what waited
    dispositions = [document.get("number") for kind, document in said if kind == "disposition"]
    assert dispositions == [1000, 1001, 1002, None]  # but what waited for the same topic goes before it
    for kind, sent in (("guidance", guidance), ("dead-letter", evidence)):
        numbers = [document["number"] for of_kind, document in said if of_kind == kind and "number" in document]
        assert numbers == list(range(len(sent)))


ON_RECORD = (
    "SELECT result_id, body FROM lab_result ORDER BY 1",
    "SELECT disposition_id, body FROM disposition ORDER BY 1",
    "SELECT material_lot_id, recommendation, latched FROM lot ORDER BY 1",
    "SELECT guidance_id, body FROM guidance ORDER BY 1",
    "SELECT dead_letter_id, topic, payload FROM dead_letter ORDER BY 1",
)


async def test_a_store_set_aside_is_counted_and_put_back_and_its_lots_go_on_from_it(broker, tmp_path):
    mend = await deny(broker, f"{TOPIC_ROOT}/disposition/LOT-003")
    async with plain_line(tmp_path, broker) as line:
        async with line.gateway():
            for number in (1, 2, 3):
                await line.lot_result(number, value=9.9 if number == 1 else 7.0)
            await line.publish("lims/results/qc", b"no JSON at all")
            await line.all_judged([1, 2])
            await line.until(lambda topic, _document: topic == "dead-letter")
            await line.until_rows("SELECT count(*) FROM outbox WHERE parked IS NOT NULL", [(1,)])
        known = [line.rows(query) for query in ON_RECORD]
        assert [len(rows) for rows in known] == [3, 3, 3, 1, 1]
        ((waiting, payload),) = line.rows("SELECT message_id, payload FROM outbox WHERE parked IS NOT NULL")
        with closing(sqlite3.connect(line.folder / "store" / "state.db")) as connection, connection:
            connection.execute("DROP TRIGGER audit_is_append_only_update")  # every row stays as it was
        line.messages.clear()
        await mend()
        async with line.gateway():
            await line.connected(lambda standing: "STORE_QUARANTINED" in standing)
            assert line.rows(ON_RECORD[0]) == []
            assert "is in use by process" in labline(line, "buffer", "salvage", "--apply", code=2)
        found = json.loads(labline(line, "buffer", "salvage", "--json"))
        assert "its schema" in found["why"]
        expected = {"lab_result": 3, "disposition": 3, "lot": 3, "guidance": 1, "dead_letter": 1}
        assert {table: found["holding"][table] for table in expected} == expected
        assert set(found["damaged"].values()) == {0}
        assert found["not_read_to_the_end"] == []
        assert found["put_back"] == {}
        assert found["left_behind"] == {"delivery": 0, "follow_up": 0, "sample_request": 0}
        assert line.rows(ON_RECORD[0]) == []  # counting changes nothing

        applied = json.loads(labline(line, "buffer", "salvage", "--apply", "--json"))
        assert applied["holding"] == found["holding"]
        assert applied["put_back"] == found["holding"]
        assert [line.rows(query) for query in ON_RECORD] == known
        labline(line, *ADDED_BY_COMMAND)
        for (code,) in line.rows("SELECT code FROM latch"):  # the head that the broker has is unknown here, too
            labline(line, "audit", "acknowledge", code, "--reason", "a trigger was dropped by hand")
        async with line.gateway():
            await line.until(lambda _topic, document: document.get("id") == waiting)
            assert ("disposition/LOT-003", payload) in line.arrivals  # what waited is sent, with its id and bytes
            await line.lot_result(1, sample_id="S-004")
            disposition = await line.disposition_of("S-004")
            assert [each["sample_id"] for each in disposition["rests_on"]["results"]] == ["S-001", "S-004"]
            assert disposition["recommendation"] != "release"
            assert disposition["latched"]
        assert await line.verified()


async def lose_its_state(line):
    """Take the broker away with all it has kept, and start an empty one."""
    mosquitto = line.broker.mosquitto
    await mosquitto.kill()
    line.lost_at = rfc3339(time.time_ns())
    mosquitto._configuration.with_name("mosquitto.db").unlink()
    await mosquitto.start()


@contextmanager
def nothing_commits(line):
    """Hold the store's write lock, as a disk that stalls would: results are taken and not acknowledged."""
    with closing(sqlite3.connect(line.folder / "store" / "state.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


async def test_a_broker_that_forgot_everything_gets_all_that_waited_and_what_was_in_flight_again(broker, tmp_path):
    async with plain_line(tmp_path, broker) as line:
        async with line.gateway():
            await line.lot_result(0)
            await line.all_judged([0])
            with nothing_commits(line):
                for number in range(1, 41):
                    await line.lot_result(number)  # the broker has sent each to the gateway before it answers
                broker.mosquitto._process.send_signal(signal.SIGSTOP)  # from now on it neither keeps nor answers
            await line.until_rows("SELECT count(*) FROM lab_result", [(41,)])
            waiting = dict(
                line.rows(
                    "SELECT message_id, payload FROM outbox WHERE topic LIKE '%/disposition/%' AND acknowledged = 0"
                )
            )
            assert len(waiting) == 40
            line.messages.clear()
            await lose_its_state(line)
            await line.all_judged(range(1, 41))
            await line.connected(lambda standing: standing == [])
            for number in range(41, 81):  # with the numbers that the results before had at the broker that is gone
                await line.lot_result(number)
            await line.all_judged(range(41, 81))
            await line.until_rows(
                "SELECT count(*) FROM outbox WHERE topic LIKE '%/disposition/%' AND acknowledged = 0", [(0,)]
            )
        assert {key: line.bytes_of[key] for key in waiting} == {key: {payload} for key, payload in waiting.items()}
        assert len(line.bytes_of) == 81  # one disposition each
        assert {len(known) for known in line.bytes_of.values()} == {1}
        assert line.rows("SELECT count(*) FROM lab_result") == [(81,)]
        assert line.rows("SELECT count(*) FROM departure WHERE lane = 1 AND topic LIKE '%/disposition/%'") == [(0,)]
        assert await line.verified()


async def test_late_acknowledgements_take_nothing_from_a_broker_that_gives_its_numbers_anew(broker, tmp_path):
    """What it forgot is acknowledged late, under numbers that stand for other results now; then a kill."""
    async with plain_line(tmp_path, broker) as line:
        async with line.gateway():
            pass
        first, second = range(60), range(60, 120)
        async with line.gateway() as gateway:
            with nothing_commits(line):
                for number in first:
                    await line.lot_result(number)
                await lose_its_state(line)
                await line.connected()
                for number in second:
                    await line.lot_result(number)
            await line.until_rows("SELECT count(*) > 0 FROM lab_result", [(1,)])
            await kill(gateway)
        committed = {sample for (sample,) in line.rows("SELECT sample_id FROM lab_result")}
        async with line.gateway():
            await line.all_judged(second)  # the broker kept them
            await asyncio.gather(*(line.disposition_of(sample) for sample in committed))
        samples = {sample for (sample,) in line.rows("SELECT sample_id FROM lab_result")}
        assert samples == committed | {f"S-{number:03d}" for number in second}
        assert len(line.bytes_of) == len(samples)
        assert {len(known) for known in line.bytes_of.values()} == {1}
        assert await line.verified()


async def test_a_parked_message_that_is_sent_late_does_not_stand_as_the_last_word_of_its_topic(broker, tmp_path):
    mend = await deny(broker, f"{TOPIC_ROOT}/disposition/#")
    async with plain_line(tmp_path, broker) as line, line.gateway():
        await line.lot_result(1)  # inside: release
        await line.until_rows("SELECT count(*) FROM outbox WHERE parked IS NOT NULL", [(1,)])
        ((parked,),) = line.rows("SELECT message_id FROM outbox WHERE parked IS NOT NULL")
        await mend()
        await line.lot_result(1, sample_id="S-002", value=9.9)  # the same lot: hold
        await line.disposition_of("S-002")
        labline(line, *ADDED_BY_COMMAND)
        labline(line, "buffer", "retry", parked)
        await line.until(lambda _topic, document: document.get("id") == parked)
        kept = []
        async with Participant(
            "late",
            port=broker.port,
            version_5=True,
            subscriptions=(f"{TOPIC_ROOT}/disposition/+",),
            on_message=kept.append,
        ):
            async with asyncio.timeout(90):
                while not kept:
                    await asyncio.sleep(0.01)
        assert json.loads(kept[0].payload)["recommendation"] == "hold"
