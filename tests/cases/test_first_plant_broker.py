"""Cases 1, 3 and 8 of first-plant.md and 16 of connections.md: ``check --connect`` against a broker with rules."""

import asyncio
import json
import subprocess
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from gateway.cli import broker_probes
from gateway.cli.broker_probes import UNPROVEN, probe_broker
from gateway.clock import SystemClock
from gateway.config.reading import read
from gateway.contract.probe_messages import probes, standing_topics
from gateway.contract.publications import PUBLICATIONS, is_data
from gateway.transport import mqtt_probe
from gateway.transport.mqtt import MqttSession
from gateway.transport.mqtt_options import BrokerAddress, SessionOptions
from gateway.transport.mqtt_probe import ProbeConnection
from simulator.broker import free_port, running_broker
from simulator.mqtt import Participant
from tests.config.test_settings import MINIMAL, written
from tests.fixtures.building import NOW_NS
from tests.fixtures.real_parts import REPOSITORY
from tests.fixtures.secured_broker import certificate_pair, running_mosquitto

ROOT = "acme/lyon/polymers/line-1/quality"
LINE = SimpleNamespace(topic_root=ROOT, path="acme/lyon/polymers/line-1")
RULES = f"""user gateway
topic readwrite {ROOT}/#
topic read lims/results/#
topic read mes/context/#

user narrow
topic write {ROOT}/guidance/+
topic write {ROOT}/board
topic write {ROOT}/prediction/+/+
topic write {ROOT}/disposition/+
topic write {ROOT}/dead-letter
topic write {ROOT}/status

user watcher
topic read #
"""


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    """A broker with listeners for everybody (plain), with users and rules (guarded), and with TLS."""
    folder = tmp_path_factory.mktemp("broker")
    folder.chmod(0o755)
    ports = SimpleNamespace(plain=free_port(), guarded=free_port(), tls=free_port(), folder=folder)
    certificate_pair(folder, "broker", issuer=certificate_pair(folder, "authority"))
    certificate_pair(folder, "stranger")
    users = folder / "users"
    for name in ("gateway", "narrow", "watcher"):
        subprocess.run(["mosquitto_passwd", *(["-b"] if users.exists() else ["-b", "-c"]), str(users), name, "right"],
                       check=True, capture_output=True)  # fmt: skip
    rules = folder / "rules"
    rules.write_text(RULES)
    for file in (users, rules):
        file.chmod(0o600)
    text = f"""per_listener_settings true
listener {ports.plain} 127.0.0.1
allow_anonymous true
listener {ports.guarded} 127.0.0.1
allow_anonymous false
password_file {users}
acl_file {rules}
listener {ports.tls} 127.0.0.1
allow_anonymous true
cafile {folder}/authority.pem
certfile {folder}/broker.pem
keyfile {folder}/broker.key
"""
    other_name = text[text.rindex("listener") :].replace("127.0.0.1", "127.0.0.2")  # stands in no certificate
    with running_mosquitto(folder, text + other_name, ports.plain, ports.guarded, ports.tls):
        yield ports


@pytest.fixture
def impatient(monkeypatch):
    """The embedded broker says nothing at all to MQTT 5."""
    monkeypatch.setattr(ProbeConnection, "_answer_seconds", 0.3)
    monkeypatch.setattr(mqtt_probe, "_HANDSHAKE_SECONDS", 0.3)
    monkeypatch.setattr(broker_probes, "_ANSWER_SECONDS", 0.5)


@pytest.fixture
def checked(tmp_path, monkeypatch):
    """Run the check of a broker; returns {subject: (ok, what was found)}."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    async def check(port, *, host="127.0.0.1", user=None, password="right", extra="", tls="false", loop_back=False):  # noqa: S107
        (tmp_path / "mqtt_password").write_text(password)
        named = f'username = "{user}"\n' if user else ""
        keys = f'host = "{host}"\nport = {port}\ntls = {tls}\n{named}{extra}'
        head, _, rest = MINIMAL.partition("[mqtt]")
        client = next(line for line in rest.splitlines() if line.startswith("client_id"))
        configured, _ = read(written(tmp_path, f"{head}[mqtt]\n{client}\n{keys}\n"))
        async with asyncio.timeout(90):
            found = await probe_broker(configured, LINE, clock=SystemClock(), loop_back=loop_back)
        return {each.subject: (each.ok, each.found) for each in found}

    return check


def published(name):
    return f"publish {ROOT}/{name}"


FILTERS = tuple(
    "/".join("+" if is_data(level) else level for level in row.topic.split("/")) for row in PUBLICATIONS.values()
)
# the embedded broker leaves the sockets of clients open that go before they are let in
LEAVES_SOCKETS = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
ALL = {published(name) for name in FILTERS}
NARROW = ("guidance/+", "board", "prediction/+/+", "disposition/+", "dead-letter", "status")  # of the user "narrow"


# --- 1: probes disturb nobody


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_first_plant_01_no_consumer_sees_a_probe_and_none_stays_at_the_broker(broker, checked, protocol):
    seen = []
    async with Participant("terminal", port=broker.plain, version_5=True, subscriptions=(f"{ROOT}/#",),
                           on_message=seen.append):  # fmt: skip
        found = await checked(broker.plain, extra=f'protocol = "{protocol}"')
        assert all(ok for ok, _found in found.values())
        assert found.keys() >= ALL
        async with Participant("sender", port=broker.plain, version_5=True) as sender:
            await sender.publish(f"{ROOT}/guidance/last", b"{}")
            while not seen:
                await asyncio.sleep(0.01)
    assert [message.topic for message in seen] == [f"{ROOT}/guidance/last"]
    late = []
    async with Participant("late", port=broker.plain, version_5=True, subscriptions=(f"{ROOT}/#", "end"),
                           on_message=late.append) as end:  # fmt: skip
        await end.publish("end", b"{}")
        while not late:
            await asyncio.sleep(0.01)
    assert [message.topic for message in late] == ["end"]  # nothing retained


@pytest.mark.parametrize("version_5", [True, False])
async def test_first_plant_01_what_stands_at_the_broker_stays_as_it_is(broker, checked, version_5):
    standing = {f"{ROOT}/{name}": f'{{"said":"{name}"}}'.encode() for name in ("board", "status", "audit/head")}
    async with Participant("gateway", port=broker.plain, version_5=True) as gateway:
        for topic, payload in standing.items():
            await gateway.publish(topic, payload, retain=True)
        try:
            found = await checked(broker.plain, extra="" if version_5 else 'protocol = "3.1.1"')
            assert all(ok for ok, _found in found.values())
            late = {}
            async with Participant("late", port=broker.plain, version_5=True, subscriptions=(f"{ROOT}/#",),
                                   on_message=lambda each: late.update({each.topic: each.payload})):  # fmt: skip
                while len(late) < len(standing):
                    await asyncio.sleep(0.01)
            assert late == standing
        finally:
            for topic in standing:
                await gateway.publish(topic, b"", retain=True)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.sampled_from(standing_topics(ROOT)), st.binary(max_size=9)), st.text(min_size=1, max_size=9))
def test_first_plant_01_each_probe_is_of_its_schema_or_changes_nothing_that_stands(standing, check_id):
    made = probes(topic_root=ROOT, line="l", check_id=check_id, at_ns=NOW_NS, standing=standing)
    assert len(made) == len(PUBLICATIONS)
    for probe, (name, row) in zip(made, PUBLICATIONS.items(), strict=True):
        assert probe.retain == row.retain
        if row.retain:
            assert probe.payload == standing.get(probe.topic, b"")  # nothing new can stay
        else:
            document = json.loads(probe.payload)
            assert row.model.model_validate(document).model_dump(by_alias=True, mode="json").keys() >= document.keys()
            assert document["schema"] == f"labline.{name}/1"


# --- 3: every right


async def test_first_plant_03_every_topic_that_the_gateway_publishes_is_asked_about(broker, checked):
    found = await checked(broker.guarded, user="narrow")
    refused = {subject for subject, (ok, _found) in found.items() if not ok}
    assert refused == ALL - {published(name) for name in NARROW}
    assert {published(name) for name in ("deviation/+", "sample-request/+", "control/+", "audit/head")} <= refused
    assert "access rules" in found[published("audit/head")][1]


async def test_first_plant_03_on_3_1_1_a_denied_right_is_found_too_where_the_broker_also_speaks_5(broker, checked):
    found = await checked(broker.guarded, user="narrow", extra='protocol = "3.1.1"')
    assert found[published("control/+")][0] is False
    assert found[published("board")] == (True, "allowed")


async def test_first_plant_03_a_user_with_all_rights_passes(broker, checked):
    assert all(ok for ok, _found in (await checked(broker.guarded, user="gateway")).values())


@LEAVES_SOCKETS
async def test_first_plant_03_a_broker_of_3_1_1_only_proves_nothing_unless_it_is_asked_to_loop_back(
    tmp_path, checked, impatient
):
    async with running_broker(tmp_path, embedded=True) as broker:
        found = await checked(broker.port, extra='protocol = "3.1.1"')
        assert {found[subject] for subject in ALL} == {(False, UNPROVEN)}
        looped = await checked(broker.port, extra='protocol = "3.1.1"', loop_back=True)
        assert {subject for subject in ALL if looped[subject][0]} == ALL


async def test_first_plant_03_a_broker_without_qos_2_proves_nothing_unless_it_is_asked_to_loop_back(
    tmp_path, checked, impatient
):
    port, rules = free_port(), tmp_path / "rules"
    rules.write_text(f"topic readwrite #\ntopic deny {ROOT}/board\n")
    rules.chmod(0o600)
    text = f"listener {port} 127.0.0.1\nmax_qos 1\nallow_anonymous true\nacl_file {rules}\n"
    with running_mosquitto(tmp_path, text, port):
        found = await checked(port)
        assert {found[subject] for subject in ALL} == {(False, UNPROVEN)}
        looped = await checked(port, loop_back=True)
    assert {subject for subject in ALL if not looped[subject][0]} == {published("board")}


def test_first_plant_03_the_documentation_names_each_right():
    text = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
    assert [each for each in FILTERS if f"`ROOT/{each}`" not in text] == []


# --- 8: causes by name, quickly


@pytest.mark.parametrize(
    ("where", "changes", "said"),
    [
        ("guarded", {"user": "gateway", "password": "wrong"}, "refuses the user gateway"),
        ("guarded", {"user": "nobody"}, "refuses the user nobody"),
        ("guarded", {}, "set mqtt.username"),
        ("tls", {}, "set mqtt.tls = true"),
        ("plain", {"tls": "true"}, "TLS"),
        ("tls", {"tls": "true"}, "set mqtt.ca_certificate"),
        ("tls", {"tls": "true", "ca": "stranger"}, "set mqtt.ca_certificate"),
        ("tls", {"tls": "true", "ca": "authority", "host": "127.0.0.2"}, "set mqtt.host to a name"),
        ("plain", {"host": "no-such-host.invalid"}, "no host named no-such-host.invalid"),
        (None, {}, "nothing listens on 127.0.0.1"),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # paho leaves sockets to the GC
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_first_plant_08_each_cause_is_said_by_name_and_quickly(broker, checked, where, changes, said, protocol):
    port = free_port() if where is None else getattr(broker, where)
    changes = dict(changes)
    authority = changes.pop("ca", None)
    extra = f'protocol = "{protocol}"\n' + (f'ca_certificate = "{broker.folder}/{authority}.pem"' if authority else "")
    async with asyncio.timeout(30):
        found = await checked(port, extra=extra, **changes)
    (ok, why) = found["mqtt"]
    assert not ok
    assert said in why


async def test_first_plant_08_with_the_right_authority_and_password_it_enters(broker, checked):
    found = await checked(broker.tls, tls="true", extra=f'ca_certificate = "{broker.folder}/authority.pem"')
    assert found["mqtt"][0]
    assert found["subscribe lims/results/#"] == (True, "allowed")


async def test_first_plant_08_the_log_of_run_names_the_cause_too(broker):
    address = BrokerAddress(host="127.0.0.1", port=broker.guarded, username="gateway", password="wrong")
    options = SessionOptions(address=address, client_id="gw", subscriptions=(), on_delivery=print)
    with capture_logs() as lines:
        task = asyncio.create_task(MqttSession(options, clock=SystemClock()).run())
        async with asyncio.timeout(30):
            while not lines:
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait({task})
    assert (lines[0]["event"], lines[0]["log_level"]) == ("connection failed", "warning")
    assert "refuses the user gateway" in lines[0]["reason"]


# --- connections.md, 16 and the "also"


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_connections_16_a_broker_without_retain_is_found_as_run_would_find_it(tmp_path, checked, protocol):
    port = free_port()
    text = f"listener {port} 127.0.0.1\nallow_anonymous true\nretain_available false\n"
    with running_mosquitto(tmp_path, text, port):
        found = await checked(port, extra=f'protocol = "{protocol}"')
    ok, why = found[f"will, retained, on {ROOT}/status"]
    assert not ok
    assert "retain" in why


async def test_connections_16_a_broker_that_takes_small_packets_only_is_found_before_run_parks_messages(
    tmp_path, checked
):
    port = free_port()
    with running_mosquitto(tmp_path, f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_packet_size 1500\n", port):
        (ok, why) = (await checked(port))["largest packet"]
    assert not ok
    assert "1500 bytes" in why


async def test_connections_also_mqtt_5_against_a_broker_that_refuses_it_says_so(checked):
    async def refuse(reader, writer):
        await reader.read(64)
        writer.write(bytes([0x20, 2, 0, 1]))  # CONNACK of 3.1.1: unacceptable protocol version
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        (ok, why) = (await checked(server.sockets[0].getsockname()[1]))["mqtt"]
    assert (ok, why) == (False, 'the broker does not speak MQTT 5: set mqtt.protocol = "3.1.1"')


@LEAVES_SOCKETS
async def test_connections_also_mqtt_5_against_a_broker_that_is_silent_about_it_says_so(tmp_path, checked, impatient):
    async with running_broker(tmp_path, embedded=True) as broker:
        (ok, why) = (await checked(broker.port))["mqtt"]
    assert not ok
    assert 'set mqtt.protocol = "3.1.1"' in why
