"""The table of the OPC UA server in the configuration, and a gateway at work with it."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from asyncua import Client, ua

from gateway.cli.checkup.certificates import expiry
from gateway.cli.checkup.records import State
from gateway.config.connections import certificates_of
from gateway.config.credentials import known_credentials
from gateway.config.interfaces import opcua_server_options, opcua_server_warnings
from gateway.config.reading import read
from gateway.errors import ConfigurationError
from gateway.transport.opcua_rejected import OWN_SERVER, keep_rejected
from gateway.transport.opcua_server.wire import namespace_of
from gateway.transport.opcua_source import REJECTED_FOLDER
from simulator.broker import free_port
from tests.console.test_turning_it_on import BASE
from tests.fixtures.commands import labline
from tests.fixtures.i3x import TOKEN, I3x
from tests.fixtures.opcua_served import PASSWORD, make_identity

OPEN = ('security = ["None"]', "anonymous = true")


@pytest.fixture(scope="module")
def identity(tmp_path_factory):
    return make_identity(tmp_path_factory.mktemp("identity"), "labline")


@pytest.fixture
def configured(tmp_path, monkeypatch, identity):
    """Write a configuration with these lines of [opcua_server], its key and the password of scada; return its file."""
    (tmp_path / "store").mkdir()
    (tmp_path / "labline.der").write_bytes(identity.der)
    (tmp_path / "opcua_server_key.pem").write_bytes(identity.key.read_bytes())
    (tmp_path / "opcua_server_scada_password").write_text(PASSWORD)
    (tmp_path / "opcua_server_mes_password").write_text("short")
    (tmp_path / "clients").mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    def write(*lines):
        file = tmp_path / "labline.toml"
        file.write_text("\n".join((BASE, *(("[opcua_server]", *lines) if lines else ()))))
        return file

    return write


def settings(file):
    return read(file)[0]


def problems_of(file):
    with pytest.raises(ConfigurationError) as refused:
        opcua_server_options(settings(file))
    return str([f"{problem.key} {problem.message}" for problem in refused.value.problems])


SECURED = ('certificate = "labline.der"', 'users = ["scada"]', 'clients = "clients"')


def test_without_the_table_there_is_no_server(configured):
    assert opcua_server_options(settings(configured())) is None


def test_it_listens_on_this_machine_with_every_policy_that_is_not_deprecated_unless_said_otherwise(configured):
    options = opcua_server_options(settings(configured(*SECURED)))
    assert (options.host, options.port, options.anonymous) == ("127.0.0.1", 4841, False)
    assert options.securities == tuple(
        f"{name}/SignAndEncrypt" for name in ("Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss")
    )
    assert options.application_uri == "urn:test:labline"
    assert [(user.name, user.password) for user in options.users] == [("scada", PASSWORD)]
    assert opcua_server_warnings(settings(configured(*SECURED))) == []


@pytest.mark.parametrize(("lines", "problem"), [
    (('certificate = "labline.der"',), "nobody could sign in"),
    (('users = ["scada"]',), "opcua_server.certificate is missing"),
    (('users = ["scada"]', 'security = ["None"]'), "would travel readably"),
    (('users = ["scada", "nobody"]', 'certificate = "labline.der"'), "opcua_server_nobody_password is missing"),
    (('users = ["mes"]', 'certificate = "labline.der"'), "has 5 characters"),
    (('users = ["scada"]', 'certificate = "other.der"'), "other.der"),
    ((*SECURED[:2], 'clients = "nowhere"'), "nowhere is no folder"),
])  # fmt: skip
def test_what_would_let_nobody_or_everybody_in_is_refused(configured, lines, problem):
    assert problem in problems_of(configured(*lines))


def test_a_certificate_of_another_key_is_refused(configured, tmp_path):
    make_identity(tmp_path, "other").key.rename(tmp_path / "opcua_server_key.pem")
    assert "does not fit its private key" in problems_of(configured(*SECURED))


@pytest.mark.parametrize("lines", [
    ('security = ["Basic128Rsa15/Sign"]',), ("security = []",), ('listen = "127.0.0.1:0"',), ('users = ["a/b"]',),
    ("writes = true",),
])  # fmt: skip
def test_what_is_not_understood_is_refused(configured, lines):
    with pytest.raises(ConfigurationError):
        read(configured(*lines))


def test_an_open_server_is_warned_of_by_check(configured):
    chosen = settings(configured(*OPEN, 'listen = "0.0.0.0:4841"'))
    warnings = " ".join(opcua_server_warnings(chosen))
    for word in ("security has None", "anonymous is true", "clients is not set"):
        assert word in warnings


def test_its_certificates_and_credentials_are_known_to_all_that_watch_them(configured):
    chosen = settings(configured(*SECURED))
    assert {"opcua_server", "opcua_server clients"} <= certificates_of(chosen).keys()
    assert {"opcua_server_key.pem", "opcua_server_scada_password"} <= set(known_credentials(chosen))


def test_the_doctor_says_until_when_its_certificate_is_valid_and_how_another_takes_its_place(configured):
    chosen = settings(configured(*SECURED))
    seen = SimpleNamespace(settings=chosen, now_ns=round((datetime.now(UTC) + timedelta(days=20)).timestamp() * 1e9))
    (remark,) = [item for item in expiry(seen) if item.what.startswith("opcua_server: valid until")]
    assert (remark.state, "clients have to trust it" in remark.do) == (State.WARN, True)


def test_a_client_that_was_refused_is_trusted_by_one_command(configured, tmp_path):
    stranger = make_identity(tmp_path, "stranger")
    file = configured(*SECURED)
    keep_rejected(tmp_path / "store" / REJECTED_FOLDER, OWN_SERVER, stranger.der)
    assert "opcua_server" in labline("opcua", "trust", "--config", file).output
    assert labline("opcua", "trust", "opcua_server", "--yes", "--config", file).code == 0
    assert [path.read_bytes() for path in (tmp_path / "clients").iterdir()] == [stranger.der]


async def test_a_gateway_shows_what_it_has_committed_and_goes_on_without_its_port(bench_line, monkeypatch):
    port = free_port()
    blocking = await asyncio.start_server(lambda *_streams: None, "127.0.0.1", port)
    text = bench_line.configuration.read_text()
    beside = free_port()
    credentials = bench_line.folder / "credentials"
    credentials.mkdir()
    (credentials / "i3x_historian_token").write_text(TOKEN)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    tables = ("[console]", f"listen = {beside}", "[i3x]", 'clients = ["historian"]', "[opcua_server]",
              f"listen = {port}", *OPEN)  # fmt: skip
    bench_line.configuration.write_text("\n".join((text, *tables)))

    def stands(topic, document):
        return topic == "status" and "OPCUA_SERVER_UNAVAILABLE" in document.get("degraded", [])

    async with bench_line.gateway():
        await bench_line.result(sample_id="S-1", test_id="pH", value=7.0, material_lot_id="LOT-1")
        disposition = await bench_line.disposition_of("S-1")
        await bench_line.until(stands)
        blocking.close()
        async with asyncio.timeout(240):
            while not await shown(port, disposition["recommendation"]):
                await asyncio.sleep(0.3)
        await asyncio.to_thread(shown_by_i3x, beside, disposition["recommendation"])


def shown_by_i3x(port, recommendation):
    """Whether lot, tags and their history are there."""
    client = I3x(SimpleNamespace(port=port), None, None)
    objects = client.get("objects")[1]["result"]
    lot = next(item["elementId"] for item in objects if item["displayName"] == "LOT-1")
    tags = [item["elementId"] for item in objects if item["typeElementId"] == "TagType"]
    values = client.post("objects/value", {"elementIds": [lot, *tags]})[1]["results"]
    assert values[0]["result"]["value"]["recommendation"] == recommendation
    assert "Good" in {item["result"]["quality"] for item in values[1:]}
    now = datetime.now(UTC)
    between = {"startTime": (now - timedelta(hours=1)).isoformat(), "endTime": now.isoformat()}
    histories = client.post("objects/history", {"elementIds": tags, **between})[1]["results"]
    assert any(vqt["value"] is not None for item in histories for vqt in item["result"]["values"])


async def shown(port, recommendation):
    """Whether the lot and a prediction are there."""
    try:
        async with Client(f"opc.tcp://127.0.0.1:{port}") as connected:
            (uri,) = [uri for uri in await connected.get_namespace_array() if uri.startswith(namespace_of(""))]
            index = await connected.get_namespace_index(uri)
            line = uri.rsplit(":", 1)[-1]
            node = connected.get_node(ua.NodeId(f"{line}/Dispositions/LOT-1/Recommendation", index))
            assert await node.read_value() == recommendation
            predicted = connected.get_node(ua.NodeId(f"{line}/Predictions", index))
            assert await predicted.get_children()
    except (OSError, ua.UaError, TimeoutError, ValueError):
        return False
    return True
