"""The console's table in the configuration, and what is done about it at the machine."""

import asyncio
import ssl
import subprocess
import sys

import pytest

from gateway.config.connections import console_options
from gateway.config.reading import read
from gateway.console import setup_link
from gateway.contract.console_links import link_hash
from gateway.errors import ConfigurationError
from tests.fixtures.building import line, new_state
from tests.fixtures.commands import labline
from tests.fixtures.console import PASSWORD, console_at_work, new_store_with_users, quick_passwords, users_of_each_role

BASE = """
[site]
enterprise = "acme"
site = "lyon"
area = "polymers"
line = "line-1"
[store]
directory = "store"
[mqtt]
host = "127.0.0.1"
port = 1883
tls = false
client_id = "labline-test"
"""


@pytest.fixture
def configured(tmp_path):
    """Write a configuration with these lines of [console], and return its file."""
    (tmp_path / "store").mkdir()

    def write(*lines):
        file = tmp_path / "labline.toml"
        file.write_text("\n".join((BASE, *(("[console]", *lines) if lines else ()))))
        return file

    return write


def options(file):
    return console_options(read(file)[0])


def problem_of(file):
    """Why a configuration has no console."""
    with pytest.raises(ConfigurationError) as refused:
        options(file)
    return str([problem.message for problem in refused.value.problems])


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    """A certificate whose key is a credential."""
    key = tmp_path / "console_key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", str(key), "-out", str(tmp_path / "console.pem"), "-subj", "/CN=console", "-days", "2"],
                   check=True, capture_output=True)  # fmt: skip
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    return tmp_path / "console.pem"


def test_without_the_table_there_is_no_console(configured):
    assert options(configured()) is None


@pytest.mark.parametrize(("listen", "expected"), [
    ('"127.0.0.1:9000"', ("127.0.0.1", 9000)), ("9000", ("127.0.0.1", 9000)), ('"[::1]:9000"', ("::1", 9000)),
    ('"localhost:9000"', ("localhost", 9000)),
])  # fmt: skip
def test_it_listens_on_this_machine_without_a_certificate(configured, listen, expected):
    chosen = options(configured(f"listen = {listen}"))
    assert (chosen.host, chosen.port) == expected
    assert chosen.address.startswith("http://")


@pytest.mark.parametrize("listen", ['"0.0.0.0:8443"', '"10.0.0.5:8443"', '"plant.local:443"', '"[::]:8443"'])
def test_other_addresses_need_a_certificate(configured, listen):
    assert "needs TLS" in problem_of(configured(f"listen = {listen}"))


@pytest.mark.parametrize("listen", ['"127.0.0.1"', '"127.0.0.1:0"', '"127.0.0.1:99999"', "0", "70000", '"a b:1"', '""'])
def test_what_is_no_address_is_refused(configured, listen):
    with pytest.raises(ConfigurationError):
        options(configured(f"listen = {listen}"))


def test_with_a_certificate_and_its_key_it_is_served_by_tls(configured, certificate):
    chosen = options(configured('listen = "0.0.0.0:8443"', f'tls_certificate = "{certificate}"'))
    assert (chosen.certificate, chosen.address) == (certificate, "https://0.0.0.0:8443/")


def test_a_certificate_without_its_key_is_refused(configured, certificate):
    (certificate.parent / "console_key.pem").unlink()
    assert "no private key" in problem_of(configured('listen = "0.0.0.0:8443"', f'tls_certificate = "{certificate}"'))


def test_the_demos_link_is_for_this_machine_only(configured, certificate):
    link = f'demo_link_sha256 = "{link_hash("x")}"'
    assert options(configured(link)).demo_link_sha256 == link_hash("x")
    assert "nobody signs in by a link" in problem_of(
        configured('listen = "0.0.0.0:8443"', f'tls_certificate = "{certificate}"', link)
    )


def test_a_new_set_up_link_is_made_by_the_stores_owner_while_there_are_no_users(configured, tmp_path):
    file = configured("listen = 9000")
    new_state(tmp_path / "store").close()
    made = labline("console", "setup-link", "--config", file, "--json")
    document = made.document
    assert document["link"].startswith("http://127.0.0.1:9000/#set-up=")
    secret = document["link"].partition("=")[2]
    kept = (tmp_path / "store" / setup_link.FILE).read_text()
    assert secret not in kept
    assert link_hash(secret) in kept
    users_of_each_role(tmp_path / "store")
    refused = labline("console", "setup-link", "--config", file)
    assert (refused.code, "has users already" in refused.error) == (2, True)


def test_a_line_without_a_console_has_no_link(configured, tmp_path):
    new_state(tmp_path / "store").close()
    refused = labline("console", "setup-link", "--config", configured())
    assert (refused.code, "has no console" in refused.error) == (2, True)


def test_a_line_without_console_and_opcua_server_loads_nothing_of_them():
    code = (
        "import gateway.runtime.wiring, sys; own = ('starlette', 'uvicorn', 'gateway.console.application', "
        "'gateway.console.views', 'gateway.interfaces', 'gateway.transport.opcua_server', 'asyncua.server'); "
        "print([name for name in sys.modules if name.startswith(own)])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


async def test_health_shows_the_certificates_with_the_days_that_are_left(tmp_path, monkeypatch, certificate):
    quick_passwords(monkeypatch)
    new_store_with_users(tmp_path)
    files = {"console": certificate, "mqtt": tmp_path / "missing.pem"}
    async with console_at_work(tmp_path, line(), certificates=files) as served:
        browser = served.browser()
        await browser.sign_in("viewer")
        (shown,) = (await browser.get("/api/health")).document["certificates"]
    assert (shown["name"], shown["subject"], shown["days_left"] in {1, 2}) == ("console", "CN=console", True)


async def test_over_tls_the_cookie_is_bound_to_this_host_and_browsers_stay_with_tls(tmp_path, monkeypatch, certificate):
    quick_passwords(monkeypatch)
    new_store_with_users(tmp_path)
    key = certificate.parent / "console_key.pem"
    async with console_at_work(tmp_path, line(), certificate=certificate, key=key) as served:
        context = ssl.create_default_context(cafile=certificate)
        context.check_hostname = False
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port, ssl=context)
        body = f'{{"user": "viewer", "password": "{PASSWORD}"}}'
        host = f"127.0.0.1:{served.port}"
        for scheme in ("http", "https"):
            writer.write(
                f"POST /session HTTP/1.1\r\nhost: {host}\r\norigin: {scheme}://{host}\r\n"
                f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()
            )
            head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)).decode().lower()
            if scheme == "http":  # a page that came without TLS
                assert " 403 " in head
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", served.port, ssl=context)
        assert " 200 " in head
        assert f"set-cookie: __host-labline-{served.port}=" in head
        assert "; secure" in head
        assert "strict-transport-security: max-age=" in head
        writer.close()
