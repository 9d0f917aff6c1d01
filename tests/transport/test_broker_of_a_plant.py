"""The broker that ``deploy/mosquitto`` describes: TLS, a certificate for each client, rights by role, websockets."""

import asyncio
import ssl
import threading
from contextlib import contextmanager

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from simulator.broker import free_port
from simulator.gateway_process import ask, running_gateway
from tests.fixtures.real_parts import REPOSITORY
from tests.fixtures.secured_broker import certificate_pair, running_mosquitto

USERS = ("labline-line-1", "lims", "T-07", "T-08", "dashboard")
QUALITY = "acme/lyon/polymers/line-1/quality"


@pytest.fixture(scope="module")
def plant_broker(tmp_path_factory):
    """The plant's broker as its files say, on free ports, in a folder of its own."""
    folder = tmp_path_factory.mktemp("plant-broker")
    authority = certificate_pair(folder, "ca")
    certificate_pair(folder, "broker", issuer=authority)
    for user in USERS:
        certificate_pair(folder, user, issuer=authority)
    stranger = certificate_pair(folder, "other-ca")
    certificate_pair(folder, "stranger", issuer=stranger)
    (folder / "rules.acl").write_text((REPOSITORY / "deploy/mosquitto/rules.acl").read_text())
    (folder / "rules.acl").chmod(0o600)
    tls, websockets = free_port(), free_port()
    text = (REPOSITORY / "deploy/mosquitto/plant.conf").read_text()
    for before, after in (
        ("/etc/mosquitto/labline", str(folder)), ("/var/lib/mosquitto/", f"{folder}/"),
        ("listener 8883", f"listener {tls} 127.0.0.1"), ("listener 8884", f"listener {websockets} 127.0.0.1"),
    ):  # fmt: skip
        assert before in text
        text = text.replace(before, after)
    with running_mosquitto(folder, text, tls, websockets):
        yield folder, tls, websockets


def context(folder, user):
    made = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    if user is not None:
        made.load_cert_chain(folder / f"{user}.pem", folder / f"{user}.key")
    return made


@contextmanager
def client(plant_broker, user, on_message=None):
    """Connect as a user, until the block ends."""
    folder, port, _websockets = plant_broker
    made = Client(CallbackAPIVersion.VERSION2, client_id=f"test-{user}", protocol=MQTTProtocolVersion.MQTTv5)
    made.tls_set_context(context(folder, user))
    made.on_message = on_message
    made.connect("localhost", port)
    made.loop_start()
    try:
        yield made
    finally:
        made.disconnect()
        made.loop_stop()


def may_write(plant_broker, user, topic):
    """Return whether the broker takes a message of this user (MQTT 5: reason code below 0x80)."""
    answers, came = [], threading.Event()
    with client(plant_broker, user) as made:

        def on_publish(_client, _data, _number, reason, _properties):
            answers.append(reason)
            came.set()

        made.on_publish = on_publish
        made.publish(topic, b"", qos=1).wait_for_publish(30)
        assert came.wait(60)
    return not answers[0].is_failure


@pytest.mark.parametrize(
    ("user", "topic", "may"),
    [
        ("lims", "lims/results/qc", True),
        ("lims", f"{QUALITY}/disposition/LOT-1", False),
        ("lims", "mes/context/R1", False),
        ("T-07", f"{QUALITY}/response/T-07", True),
        ("T-07", f"{QUALITY}/response/T-08", False),
        ("T-07", "lims/results/qc", False),
        ("T-07", f"{QUALITY}/guidance/x", False),
        ("dashboard", f"{QUALITY}/status", False),
        ("labline-line-1", f"{QUALITY}/guidance/x", True),
        ("labline-line-1", "lims/results/qc", False),
        ("labline-line-1", "acme/lyon/polymers/line-2/quality/status", False),
    ],
)
def test_each_role_writes_its_own_topics_and_no_others(plant_broker, user, topic, may):
    assert may_write(plant_broker, user, topic) is may


@pytest.mark.parametrize("user", [None, "stranger"])
def test_without_a_certificate_of_the_plant_nobody_gets_in(plant_broker, user):
    folder, port, _websockets = plant_broker
    made = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    made.tls_set_context(context(folder, user))
    refused = []
    made.on_connect = lambda *_arguments: refused.append(False)
    made.on_disconnect = lambda *_arguments: refused.append(True)
    try:
        made.connect("localhost", port)
    except OSError:
        return
    made.loop(timeout=10)
    for _ in range(100):
        if refused:
            break
        made.loop(timeout=0.1)
    assert refused == [True]


def configured(bench_line, plant_broker, monkeypatch, *, websockets):
    folder, tls, by_websockets = plant_broker
    credentials = bench_line.folder / "credentials"
    credentials.mkdir()
    (credentials / "mqtt_key.pem").write_bytes((folder / "labline-line-1.key").read_bytes())
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    text = bench_line.configuration.read_text()
    text = text.replace('enterprise = "bench"', 'enterprise = "acme"').replace('site = "lab"', 'site = "lyon"')
    before, _, after = text.partition("[mqtt]\n")
    rest = after.partition("\n\n")[2]
    path = 'websocket_path = "/mqtt"\n' if websockets else ""
    bench_line.configuration.write_text(
        f'{before}[mqtt]\nhost = "localhost"\nport = {by_websockets if websockets else tls}\n{path}'
        f'ca_certificate = "{folder}/ca.pem"\ncertificate = "{folder}/labline-line-1.pem"\n'
        f'client_id = "labline-line-1"\n\n{rest}'
    )


@pytest.mark.parametrize("websockets", [False, True], ids=["tcp", "websockets"])
async def test_the_gateway_judges_over_the_plants_broker_and_check_finds_every_right(
    bench_line, plant_broker, monkeypatch, websockets
):
    configured(bench_line, plant_broker, monkeypatch, websockets=websockets)
    heard, came = [], asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_message(_client, _data, message):
        heard.append(message.topic)
        loop.call_soon_threadsafe(came.set)

    with client(plant_broker, "dashboard", on_message) as dashboard:
        dashboard.subscribe(f"{QUALITY}/disposition/#", qos=1)
        async with running_gateway(bench_line.configuration, directory=bench_line.folder):
            with client(plant_broker, "lims") as lims:
                result = (
                    b'{"sample_id": "S-1", "test_id": "pH", "value": 7.0, "status": "approved", "result_version": 1,'
                    b' "material_lot_id": "LOT-1"}'
                )
                lims.publish("lims/results/qc", result, qos=1)
                async with asyncio.timeout(60):
                    while f"{QUALITY}/disposition/LOT-1" not in heard:
                        await came.wait()
                        came.clear()
    if not websockets:
        checked = await ask("check", "--config", str(bench_line.configuration), "--connect")
        assert checked["ok"], checked
