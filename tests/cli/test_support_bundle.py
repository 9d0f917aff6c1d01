"""``labline support-bundle``: what others need to help, and no secret, result or name, wherever one may stand."""

import datetime as dt
import hashlib
import json
import stat
import tarfile
from contextlib import closing
from urllib.parse import quote

import pytest

from gateway.cli.bundle_log import entry_line, shown_lines
from gateway.cli.bundle_parts import PARTS
from gateway.store.database import open_state
from gateway.transport.opcua_certificates import make_certificate
from tests.config.test_settings import MINIMAL, written
from tests.fixtures.commands import labline

SECRETS = {
    "password in a URL": "hunter2-in-url", "token in a URL": "hunter3-token", "webhook's path": "hunter4/hook/path",
    "credential": 'hunter5 "quoted" \\ é', "variable": "hunter6-variable", "in the log": "hunter7-log",
    "in an alarm": "hunter8-alarm", "webhook's token": "hunter9-0123456789abcdef", "demo's link": "ab" * 32,
}  # fmt: skip
PEOPLE = ["alice.smith", "alice@example.com", "Bob Jones"]
RESULTS = ["LOT-0005", "4.297", "moisture"]


@pytest.fixture
def line(tmp_path, monkeypatch):
    """A line with secrets, people and results in every place that a bundle is made from."""
    key, certificate = make_certificate(uri="urn:e:l", hosts=["e"], days=365, now=dt.datetime.now(dt.UTC))
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    for name, content in {
        "mqtt_password": SECRETS["credential"].encode(), "opcua_plc1_key.pem": key, "other": b"hunter10-unknown",
        "lims_webhook_token": SECRETS["webhook's token"].encode(), "mqtt_key.pem": key, "audit_key": key,
    }.items():  # fmt: skip
        (credentials / name).write_bytes(content)
    (tmp_path / "labline.der").write_bytes(certificate)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    monkeypatch.setenv("LABLINE_OPCUA_PASSWORD", SECRETS["variable"])
    monkeypatch.setenv("GRAFANA_TOKEN", "hunter11-variable")
    text = MINIMAL.replace("/tmp/x", "store")  # noqa: S108
    text = text.replace('host = "broker.local"', 'host = "127.0.0.1"\nport = 1\nusername = "alice.smith"')
    text += f"""
[opcua.plc1]
url = "opc.tcp://user@127.0.0.1:1/x?token={SECRETS["token in a URL"]}"
security = "Basic256Sha256/SignAndEncrypt"
certificate = "labline.der"
server_certificate = "labline.der"
[notify.chat]
kind = "slack"
url = "https://u:{SECRETS["password in a URL"]}@chat.example.com/{SECRETS["webhook's path"]}"
[notify.shift]
kind = "email"
to = ["alice@example.com"]
host = "mail.example.com"
[console]
demo_link_sha256 = "{SECRETS["demo's link"]}"
"""
    path = written(tmp_path, text)
    (tmp_path / "store").mkdir(mode=0o750)
    (tmp_path / "store" / "audit_key.pem").write_bytes(key)
    with closing(open_state(tmp_path / "store")) as connection:
        body = json.dumps({"why": f"password={SECRETS['in an alarm']}", "person": "Bob Jones"})
        connection.execute("INSERT INTO latch (code, at_ns, body) VALUES ('STORE_DAMAGED', 1, ?)", (body,))
    log = tmp_path / "log.jsonl"
    log.write_text("\n".join([
        json.dumps({"event": "a connection is lost", "level": "warning", "source": "plc1",
                    "error": f"opc.tcp://u:{SECRETS['password in a URL']}@h: password={SECRETS['in the log']}"}),
        json.dumps({"event": "Hold lot LOT-0005: moisture 4.297 is above", "lot": "LOT-0005", "level": "info"}),
        json.dumps({"event": "an act was asked for", "by": "Bob Jones"}),
        f"Traceback: {SECRETS['credential']} of Bob Jones",
    ]))  # fmt: skip
    return path, log, key


def bundle(path, log, output, *options):
    ended = labline("support-bundle", "--config", path, "--output", output, "--log", log, "--offline", *options)
    assert ended.code == 0, ended.error
    with tarfile.open(output) as archive:
        return {member.name.removeprefix("labline-support/"): archive.extractfile(member).read() for member in archive}


def spellings(secret):
    return {secret.encode(), json.dumps(secret)[1:-1].encode(), quote(secret, safe="").encode()}


def test_no_secret_stands_in_the_bundle_wherever_it_was(tmp_path, line):
    path, log, key = line
    for options in ((), ("--with-names",)):
        files = bundle(path, log, tmp_path / f"{len(options)}.tar.gz", *options)
        whole = b"\n".join([*files.values(), *(name.encode() for name in files)])
        for name, secret in SECRETS.items():
            for spelling in spellings(secret):
                assert spelling not in whole, name
        assert b"hunter" not in whole
        for key_line in key.splitlines()[1:-1]:
            assert key_line not in whole
        assert b"PRIVATE KEY" not in whole


def test_without_with_names_no_person_and_no_result_stands_in_it(tmp_path, line):
    path, log, _key = line
    whole = b"\n".join(bundle(path, log, tmp_path / "b.tar.gz").values())
    for text in (*PEOPLE, *RESULTS):
        assert text.encode() not in whole
    whole = b"\n".join(bundle(path, log, tmp_path / "named.tar.gz", "--with-names").values())
    assert b"alice.smith" in whole
    assert b"LOT-0005" in whole


def test_entries_of_the_journal_are_lines_of_the_log():
    ours = {"MESSAGE": "a source is lost source=plc1", "LABLINE_EVENT": "a source is lost", "LABLINE_SOURCE": "plc1",
            "PRIORITY": "4", "__REALTIME_TIMESTAMP": "1", "_HOSTNAME": "alices-laptop"}  # fmt: skip
    held = {"MESSAGE": "Hold lot LOT-0005", "LABLINE_EVENT": "hold", "LABLINE_LOT": "LOT-0005"}
    systemd = {"MESSAGE": "Started labline@line-1.service", "SYSLOG_IDENTIFIER": "systemd"}
    other = {"MESSAGE": "Traceback of Bob Jones", "SYSLOG_IDENTIFIER": "labline"}
    entries = [entry_line(json.dumps(entry)) for entry in (ours, held, systemd, other)]
    shown, left_out = shown_lines([*entries, "no JSON", "[1]"], with_names=False, secrets=())
    assert [json.loads(line)["event"] for line in shown] == ["a source is lost", "Started labline@line-1.service"]
    assert left_out == 4
    assert "alices" not in "".join(shown)


def test_the_manifest_lists_what_is_inside_with_its_hash(tmp_path, line):
    path, log, _key = line
    files = bundle(path, log, tmp_path / "b.tar.gz")
    manifest = json.loads(files["manifest.json"])
    assert {file["name"] for file in manifest["files"]} == files.keys() - {"manifest.json"}
    assert {part.name for part in PARTS} == files.keys() - {"manifest.json"}
    for file in manifest["files"]:
        assert hashlib.sha256(files[file["name"]]).hexdigest() == file["sha256"]
        assert file["holds"]


def test_what_helps_is_in_it(tmp_path, line):
    path, log, _key = line
    files = {name: json.loads(content) for name, content in bundle(path, log, tmp_path / "b.tar.gz").items()}
    assert files["log.json"]["lines"][0].startswith('{"event": "a connection is lost"')
    assert files["log.json"]["left_out"] == 3
    assert files["alarms.json"]["latched"] == ["STORE_DAMAGED"]
    assert files["store.json"]["readable"]
    assert files["store.json"]["rows"]["latch"] == 1
    assert {row["key"] for row in files["configuration.json"]["keys"]} >= {"mqtt.port", "credential mqtt_password"}
    assert any(check["check"] == "folder" for check in files["doctor.json"]["checks"])
    assert files["status.json"]["running"] is False
    assert files["versions.json"]["python"]
    assert all("failed" not in document for document in files.values())


def test_it_is_its_owners_alone_and_replaces_nothing(tmp_path, line):
    path, log, _key = line
    output = tmp_path / "b.tar.gz"
    bundle(path, log, output)
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    ended = labline("support-bundle", "--config", path, "--output", output, "--offline")
    assert ended.code == 2
    assert "cannot be written" in ended.error


def test_where_the_configuration_cannot_be_used_the_bundle_says_what_is_wrong(tmp_path, line):
    path, log, _key = line
    path.write_text(path.read_text() + '[opcua.bad]\nurl = "opc.tcp://u:hunter2-in-url@h"\npassword = "hunter12"\n')
    files = bundle(path, log, tmp_path / "b.tar.gz")
    assert files.keys() == {"manifest.json", "problems.json", "versions.json"}
    assert b"opcua.bad" in files["problems.json"]
    assert b"hunter" not in b"".join(files.values())


def test_one_part_that_fails_leaves_the_others(tmp_path, line, monkeypatch):
    path, log, _key = line
    monkeypatch.setattr("gateway.cli.bundle_parts.standing_alarms", lambda _store: (_ for _ in ()).throw(OSError("no")))
    files = bundle(path, log, tmp_path / "b.tar.gz")
    assert json.loads(files["alarms.json"]) == {"failed": "no"}
    assert json.loads(files["store.json"])["readable"]
