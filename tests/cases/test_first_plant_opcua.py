"""Secured OPC UA from the documents alone: certificates, logging in, browsing, and causes by their names."""

import asyncio
import datetime as dt
import errno
import json
import socket
from contextlib import suppress

import pytest
import pytest_asyncio
from asyncua import ua
from typer.testing import CliRunner

from gateway.cli import app
from gateway.cli.opcua_probes import judge_certificates
from gateway.config.connections import opcua_sources
from gateway.config.reading import read
from gateway.errors import ConfigurationError, SourceUnavailableError
from gateway.operations.health import Health
from gateway.time_units import SECOND_NS
from gateway.transport.opcua_browse import browse
from gateway.transport.opcua_certificates import application_uri_of, certificate_in, judge
from gateway.transport.opcua_failures import cause_of
from tests.fixtures.building import NOW_NS
from tests.fixtures.opcua_feed import URI, source_of
from tests.fixtures.opcua_odd_server import PASSWORD, odd_server, write_certificate

NOW = dt.datetime.fromtimestamp(NOW_NS / SECOND_NS, dt.UTC)
CONFIGURATION = """
[site]
enterprise = "e"
site = "s"
area = "a"
line = "l"
[store]
directory = "store"
[mqtt]
host = "127.0.0.1"
port = 1
tls = false
client_id = "c"
[opcua.plc1]
url = "{url}"
{security}
[tags.t]
source = "plc1"
node = "nsu={uri};s=T"
equipment = "R1"
unit = "1"
"""
SECURED = """
security = "Basic256Sha256/SignAndEncrypt"
certificate = "labline.der"
server_certificate = "server.der"
username = "op"
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def odd(tmp_path_factory):
    async with odd_server(tmp_path_factory.mktemp("odd")) as server:
        yield server


@pytest.fixture
def plant(tmp_path, monkeypatch):
    """A folder with a configuration, and credentials beside it; the working directory is another one."""
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "opcua_plc1_password").write_text(PASSWORD, encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    return tmp_path


def configure(folder, url="opc.tcp://127.0.0.1:4840", security=SECURED, more=""):
    path = folder / "labline.toml"
    path.write_text(CONFIGURATION.format(url=url, security=security, uri=URI) + more, encoding="utf-8")
    return path


def with_own_certificate(folder, **changes):
    certificate, key = write_certificate(folder, "labline", uri="urn:plant:gateway-7", **changes)
    key.rename(folder / "credentials" / "opcua_plc1_key.pem")
    return certificate


async def labline(*arguments):
    """Run a command as if beside this loop, in which the server lives; its output goes into no terminal."""
    return await asyncio.to_thread(CliRunner().invoke, app, [str(each) for each in arguments])


# --- certificates


async def test_first_plant_02_a_certificate_is_made_as_servers_want_it(tmp_path):
    made = await labline(
        "opcua", "certificate", "--out", tmp_path / "new", "--uri", "urn:plant:gw", "--host", "10.0.0.9"
    )
    assert made.exit_code == 0, made.output
    certificate = certificate_in(tmp_path / "new" / "labline.der")
    assert application_uri_of(certificate) == "urn:plant:gw"
    key = tmp_path / "new" / "labline_key.pem"
    assert key.stat().st_mode & 0o077 == 0
    assert judge(certificate, now=dt.datetime.now(dt.UTC), private_key=key).wrong == ()
    again = await labline("opcua", "certificate", "--out", tmp_path / "new")
    assert again.exit_code != 0
    assert certificate_in(tmp_path / "new" / "labline.der") == certificate


@pytest.mark.asyncio(loop_scope="module")
async def test_first_plant_02_the_servers_certificate_is_fetched(odd, tmp_path):
    fetched = await labline("opcua", "server-certificate", odd.url, "--out", tmp_path / "server.der")
    assert fetched.exit_code == 0, fetched.output
    assert (tmp_path / "server.der").read_bytes() == odd.certificate.read_bytes()
    assert "Basic256Sha256/SignAndEncrypt, SHA-256" in fetched.output


@pytest.mark.asyncio(loop_scope="module")
async def test_first_plant_02_connections_12_browsing_logs_in_as_the_configuration_does(odd, plant):
    with_own_certificate(plant)
    (plant / "server.der").write_bytes(odd.certificate.read_bytes())
    shown = await labline("opcua", "browse", "--config", configure(plant, odd.url), "--source", "plc1", "--json")
    assert shown.exit_code == 0, shown.output
    assert "/T" in {each["path"] for each in json.loads(shown.output)["variables"]}


@pytest.mark.asyncio(loop_scope="module")
async def test_first_plant_08_a_wrong_password_is_called_so(odd, plant):
    with_own_certificate(plant)
    (plant / "server.der").write_bytes(odd.certificate.read_bytes())
    (plant / "credentials" / "opcua_plc1_password").write_text("wrong", encoding="utf-8")
    (source,) = opcua_sources(read(configure(plant, odd.url))[0])
    with pytest.raises(SourceUnavailableError, match="refuses the user or its password") as told:
        await browse(source, most=5)
    assert "opcua_plc1_password" in told.value.hint


@pytest.mark.asyncio(loop_scope="module")
async def test_first_plant_08_security_that_the_server_does_not_offer_is_called_so(odd, plant):
    with_own_certificate(plant)
    (plant / "server.der").write_bytes(odd.certificate.read_bytes())
    config = configure(plant, odd.url, SECURED.replace("SignAndEncrypt", "Sign"))
    (source,) = opcua_sources(read(config)[0])
    with pytest.raises(SourceUnavailableError, match=r"does not offer Basic256Sha256/Sign; it offers .*SignAndEncrypt"):
        await browse(source, most=5)


@pytest.mark.asyncio(loop_scope="module")
async def test_first_plant_07_in_a_pipe_no_name_is_broken_and_every_one_is_on_one_line(odd):
    shown = await labline("opcua", "browse", odd.url)
    whole = (await browse(source_of(odd.url), most=500)).variables
    for node in whole:
        assert any(node.path in line and node.node in line for line in shown.output.splitlines()), node


@pytest.mark.asyncio(loop_scope="module")
async def test_first_plant_14_browse_says_5_of_how_many(odd):
    shown = await labline("opcua", "browse", odd.url, "--most", 2)
    total = (await browse(source_of(odd.url), most=1)).total
    assert shown.output.startswith(f"2 of {total} variables at {odd.url}")
    assert f"--most {total} shows them all" in shown.output


@pytest.mark.asyncio(loop_scope="module")
async def test_what_browse_prints_to_paste_is_read_by_the_configuration(odd, plant):
    pasted = (await labline("opcua", "browse", odd.url, "--toml")).output
    settings, _sha256 = read(configure(plant, security="", more=pasted.replace("[tags.t]", "[tags.u]")))
    assert settings.tags["x"].node == "nsu=urn:odd%3B100%25%3Buri;s=X;y=%25"


def test_first_plant_02_certificates_and_the_store_lie_beside_the_configuration(plant):
    with_own_certificate(plant)
    (plant / "server.der").write_bytes(b"")
    settings, _sha256 = read(configure(plant))
    (source,) = opcua_sources(settings)
    assert source.security.certificate == plant / "labline.der"
    assert source.security.server_certificate == plant / "server.der"
    assert settings.store.directory == plant / "store"


def test_the_hash_of_a_configuration_does_not_depend_on_where_it_lies(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert read(configure(tmp_path / "a"))[1] == read(configure(tmp_path / "b"))[1]


@pytest.mark.parametrize(
    ("changes", "found", "ok"),
    [
        ({"days": 10}, "expires on", True),
        ({"days": 10, "now": NOW - dt.timedelta(days=20)}, "has expired on", False),
        ({"days": 100, "now": NOW + dt.timedelta(days=20)}, "is not valid before", False),
    ],
)
def test_connections_11_a_certificate_that_has_expired_or_soon_will_is_told(plant, changes, found, ok):
    with_own_certificate(plant, **{"now": NOW, **changes})
    write_certificate(plant, "server", uri="urn:server", days=300, now=NOW)
    (finding,) = judge_certificates(read(configure(plant))[0], now_ns=NOW_NS)
    assert finding.subject == "opcua.plc1.certificate"
    assert found in finding.found
    assert finding.ok is ok


def test_connections_11_check_fails_where_the_certificate_has_expired_or_does_not_fit_its_key(plant):
    with_own_certificate(plant, days=1, now=dt.datetime.now(dt.UTC) - dt.timedelta(days=9))
    _other, key = write_certificate(plant, "other", uri="urn:other")
    key.rename(plant / "credentials" / "opcua_plc1_key.pem")
    write_certificate(plant, "server", uri="urn:server", days=300)
    told = CliRunner().invoke(app, ["check", "--config", str(configure(plant)), "--json"])
    assert told.exit_code == 1
    findings = [each["found"] for each in json.loads(told.output)["findings"]]
    assert any("has expired" in each for each in findings)
    assert any("does not fit its private key" in each for each in findings)


def test_first_plant_14_two_tags_on_one_node_are_warned_of(plant):
    more = f'[tags.copy]\nsource = "plc1"\nnode = "nsu={URI};s=T"\nequipment = "R1"\nunit = "1"\n'
    told = CliRunner().invoke(app, ["check", "--config", str(configure(plant, security="", more=more)), "--json"])
    assert f"tags t, copy are all of node nsu={URI};s=T" in json.loads(told.output)["warnings"]
    more = more.replace("unit", "index = 1\nunit")
    told = CliRunner().invoke(app, ["check", "--config", str(configure(plant, security="", more=more)), "--json"])
    assert not any("are all of node" in each for each in json.loads(told.output)["warnings"])


@pytest.mark.parametrize(
    "url", ["opc.tcp://[::1]:4840", "opc.tcp://[fd00::5]:4840/path", "opc.tcp://10.0.0.5:4840", "opc.tcp://plc"]
)
def test_connections_18_addresses_of_every_kind_are_taken(plant, url):
    assert read(configure(plant, url, security=""))[0].opcua["plc1"].url == url


@pytest.mark.parametrize("url", ["opc.tcp://::1:4840", "opc.tcp://[::1", "opc.tcp://a b:1", "http://plc:4840"])
def test_connections_18_what_is_no_address_is_refused(plant, url):
    with pytest.raises(ConfigurationError):
        read(configure(plant, url, security=""))


# --- causes


async def test_first_plant_08_a_closed_port_is_called_so():
    with pytest.raises(SourceUnavailableError, match="nothing listens at this port") as told:
        await browse(source_of("opc.tcp://127.0.0.1:1"), most=5)
    assert told.value.hint


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "the host is unknown"),
        (OSError("Multiple exceptions: [Errno 111] Connect call failed, [Errno 111] ..."), "nothing listens"),
        (TimeoutError(), "it does not answer"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "No route to host"),
    ],
)
def test_first_plant_08_what_keeps_from_a_server_is_told_by_name(error, what):
    told, hint = cause_of(error)
    assert what in told
    assert hint


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (ua.StatusCodes.BadCertificateUntrusted, "does not trust this gateway's certificate"),
        (ua.StatusCodes.BadSecurityChecksFailed, "does not trust this gateway's certificate"),
        (ua.StatusCodes.BadCertificateUriInvalid, "another application URI"),
        (ua.StatusCodes.BadUserAccessDenied, "the user or its password"),
        (ua.StatusCodes.BadSecurityModeRejected, "refuses this security"),
        (ua.StatusCodes.BadTooManySessions, "no session left"),
        (ua.StatusCodes.BadInternalError, "BadInternalError"),
    ],
)
def test_first_plant_02_08_a_refusal_is_a_sentence_whatever_asyncua_makes_of_it(code, what):
    refusal = ua.UaStatusCodeError(code)
    for error, ended_by in ((refusal, None), (AssertionError(), refusal), (ConnectionError("lost"), refusal)):
        told, hint = cause_of(error, protocol_error=ended_by)
        assert what in told
        assert hint


async def test_first_plant_08_what_speaks_another_protocol_is_no_server():
    async def serve(reader, writer):
        with suppress(OSError):
            await reader.read(1)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await writer.drain()
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        with pytest.raises(SourceUnavailableError):
            await browse(source_of(f"opc.tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"), most=5)
    finally:
        server.close()


def test_first_plant_08_connections_04_the_status_says_why_a_source_or_a_tag_is_of_no_use():
    health = Health(line=None)
    health.source("plc1", False)
    health.source_reason("plc1", "nothing listens at this port")
    health.tags("plc1", {"a": "is text, not a number"})
    assert health.degraded() == ("SOURCE_PLC1_DISCONNECTED",)
    assert health.source_reasons == {"plc1": "nothing listens at this port"}
    health.source("plc1", True)
    assert health.source_reasons == {}
    assert health.tag_reasons == {"plc1": {"a": "is text, not a number"}}
