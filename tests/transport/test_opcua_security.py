"""Protected connections to a real server: every policy and mode, a certificate that logs in, trust by one command."""

import json

import pytest
import pytest_asyncio
from asyncua import ua
from asyncua.crypto.permission_rules import User, UserRole
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.config.connections import opcua_sources
from gateway.config.reading import read
from gateway.errors import CertificateUntrustedError, ConfigurationError, SourceUnavailableError
from gateway.transport.opcua_certificates import sha256_of
from gateway.transport.opcua_connection import connected
from gateway.transport.opcua_rejected import keep_rejected, rejected_in
from simulator.broker import free_port
from tests.fixtures.commands import labline
from tests.fixtures.opcua_feed import PlantOfTags
from tests.fixtures.opcua_odd_server import write_certificate

POLICIES = ("Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss")
MODES = ("Sign", "SignAndEncrypt")
CONFIGURATION = """
[site]
enterprise = "acme"
site = "lyon"
area = "polymers"
line = "line-1"
[store]
directory = "store"
[mqtt]
host = "127.0.0.1"
tls = false
client_id = "labline-line-1"
[opcua.plc1]
url = "{url}"
security = "{security}"
certificate = "labline.der"
server_certificate = "trusted"
{more}
"""


class _Server:
    """A server with every policy, and who may log in by a certificate."""

    def __init__(self, folder, plant, certificate):
        self.folder, self.plant, self.certificate = folder, plant, certificate
        self.let_in = None

    @property
    def url(self):
        return self.plant.url

    def get_user(self, _server, username=None, password=None, certificate=None):  # noqa: ARG002 - asyncua's names
        """Let anybody in, or only who shows one certificate; asyncua shows the channel's where there is no other."""
        if self.let_in is None:
            return User(role=UserRole.User)
        shown = certificate if isinstance(certificate, bytes | None) else certificate.public_bytes(Encoding.DER)
        return User(role=UserRole.User) if shown == self.let_in else None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    certificate, key = write_certificate(folder, "server", uri="urn:freeopcua:python:server")
    found = _Server(folder, None, certificate)

    async def prepare(served):
        await served.load_certificate(str(certificate))
        await served.load_private_key(str(key))
        served.set_security_policy([
            getattr(ua.SecurityPolicyType, f"{policy}_{mode}") for policy in POLICIES for mode in MODES
        ])  # fmt: skip
        served.iserver.user_manager = found

    async with PlantOfTags(free_port(), prepare=prepare) as plant:
        found.plant = plant
        yield found


@pytest.fixture
def plant(tmp_path, monkeypatch, server):
    """A folder with our certificate, the server's as trusted, and credentials."""
    server.let_in = None
    (tmp_path / "store").mkdir()
    (tmp_path / "trusted").mkdir()
    (tmp_path / "trusted" / "server.der").write_bytes(server.certificate.read_bytes())
    _certificate, key = write_certificate(tmp_path, "labline", uri="urn:edge-7:labline")
    key.rename(tmp_path / "opcua_plc1_key.pem")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    return tmp_path


def configured(plant, server, *, security="Basic256Sha256/SignAndEncrypt", more=""):
    file = plant / "labline.toml"
    file.write_text(CONFIGURATION.format(url=server.url, security=security, more=more))
    return file


async def connect(file):
    (source,) = opcua_sources(read(file)[0])
    async with connected(source) as client:
        return await client.nodes.server_state.read_value() is None  # our watchdog's stand-in: any answer


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("policy", POLICIES)
async def test_every_policy_that_is_not_deprecated_connects_signed_and_encrypted(plant, server, policy, mode):
    assert await connect(configured(plant, server, security=f"{policy}/{mode}"))


@pytest.mark.asyncio(loop_scope="module")
async def test_who_logs_in_by_a_certificate_is_let_in_by_it_alone(plant, server):
    user, key = write_certificate(plant, "user", uri="urn:labline:user")
    key.rename(plant / "opcua_plc1_user_key.pem")
    server.let_in = user.read_bytes()
    assert await connect(configured(plant, server, more='user_certificate = "user.der"'))
    with pytest.raises(SourceUnavailableError):
        await connect(configured(plant, server))
    server.let_in = write_certificate(plant, "another", uri="urn:another")[0].read_bytes()
    with pytest.raises(SourceUnavailableError):
        await connect(configured(plant, server, more='user_certificate = "user.der"'))


@pytest.mark.parametrize(
    ("more", "security", "why"),
    [
        ('user_certificate = "labline.der"', "Basic256Sha256/Sign", "has no key"),
        ('user_certificate = "labline.der"\nusername = "op"', "Basic256Sha256/Sign", "stands beside username"),
        ('user_certificate = "labline.der"', "None", "needs a secured connection"),
        ('user_certificate = "none.der"', "Basic256Sha256/Sign", "is no file that can be read"),
    ],
)
def test_a_certificate_that_cannot_log_in_is_said_so(plant, server, more, security, why):
    (plant / "opcua_plc1_password").write_text("secret")
    with pytest.raises(ConfigurationError) as refused:
        opcua_sources(read(configured(plant, server, security=security, more=more))[0])
    assert why in str([problem.message for problem in refused.value.problems])


@pytest.mark.asyncio(loop_scope="module")
async def test_what_was_rejected_is_kept_listed_and_trusted_by_one_command(plant, server):
    (plant / "trusted" / "server.der").unlink()
    file = configured(plant, server)
    with pytest.raises(CertificateUntrustedError, match="not pinned"):
        await connect(file)
    presented = sha256_of(server.certificate.read_bytes())
    listed = json.loads((labline("opcua", "trust", "--config", file, "--json")).output)
    assert [(item["server"], item["sha256"]) for item in listed["rejected"]] == [("plc1", presented)]
    unasked = labline("opcua", "trust", "plc1", "--config", file)
    assert unasked.code != 0
    assert "--yes" in unasked.error
    another = labline("opcua", "trust", "plc1", "--sha256", "00" * 32, "--yes", "--config", file)
    assert another.code != 0
    assert not list((plant / "trusted").iterdir())
    trusted = labline("opcua", "trust", "plc1", "--sha256", presented[:16], "--yes", "--config", file)
    assert trusted.code == 0, trusted.error
    assert presented in trusted.output
    assert await connect(file)
    assert "no certificate was rejected" in (labline("opcua", "trust", "--config", file)).output


@pytest.mark.asyncio(loop_scope="module")
async def test_a_single_file_is_never_replaced_and_an_unknown_server_is_named(plant, server):
    file = configured(plant, server)
    keep_rejected(plant / "store" / "rejected-certificates", "plc1", server.certificate.read_bytes())
    text = file.read_text().replace('"trusted"', '"trusted/server.der"')
    file.write_text(text)
    refused = labline("opcua", "trust", "plc1", "--yes", "--config", file)
    assert refused.code != 0
    assert "single file" in refused.error
    unknown = labline("opcua", "trust", "plc9", "--yes", "--config", file)
    assert "there are: plc1" in unknown.error


def test_only_the_newest_few_of_a_server_are_kept_and_what_is_no_certificate_is_not_listed(tmp_path, server):
    folder = tmp_path / "rejected"
    for number in range(8):
        certificate, _key = write_certificate(tmp_path, f"c{number}", uri=f"urn:{number}")
        keep_rejected(folder, "plc-1", certificate.read_bytes())
    assert len(rejected_in(folder, "plc-1")) == 5
    assert rejected_in(folder, "plc") == ()
    keep_rejected(folder, "plc2", b"x" * 1_000_000)
    (folder / f"plc2-{'0' * 64}.der").write_bytes(server.certificate.read_bytes())  # under another's hash
    assert rejected_in(folder, "plc2") == ()
