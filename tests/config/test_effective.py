"""``labline check --show``: every key with its value and its place, and no secret anywhere."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from gateway.config.credentials import known_credentials
from gateway.config.effective import Origin, effective_keys
from gateway.config.measures import duration_text, rate_text, size_text
from gateway.config.positions import lines_of_keys
from gateway.config.reading import read
from gateway.config.redaction import REDACTED, redacted, redacted_address, redacted_lines
from gateway.config.tables import Settings
from tests.config.test_settings import MINIMAL, written
from tests.fixtures.commands import labline

EXAMPLE = Path(__file__).parents[2] / "deploy" / "labline.toml"
HOOK = "https://chat.example.com/hooks/T0123/verysecretpath?sig=abc"
LINK = "ab" * 32


def rows(path):
    return {row.key: row for row in effective_keys(path, read(path)[0])}


def test_every_key_has_its_value_and_the_line_it_stands_on():
    text = EXAMPLE.read_text(encoding="utf-8").splitlines()
    shown = rows(EXAMPLE)
    for row in shown.values():
        if row.origin is Origin.FILE:
            last = row.key.replace('"', "").rpartition(".")[2].partition("[")[0]
            assert last in text[row.line - 1]
    assert shown["mqtt.host"].value == "broker.local"
    assert shown["store.quota"].value == "2 GiB"
    assert shown["specification[1].lower"].value == 95.0
    assert shown["mqtt.ca_certificate"].origin is Origin.DEFAULT


def test_a_variable_of_the_environment_is_named_as_the_place_of_what_it_sets(tmp_path, monkeypatch):
    path = written(tmp_path, MINIMAL)
    monkeypatch.setenv("LABLINE_MQTT__PORT", "1884")
    monkeypatch.setenv("LABLINE_LIMS", '{"decimal_comma": true}')
    shown = rows(path)
    assert (shown["mqtt.port"].value, shown["mqtt.port"].place) == (1884, "LABLINE_MQTT__PORT")
    assert (shown["lims.decimal_comma"].value, shown["lims.decimal_comma"].place) == (True, "LABLINE_LIMS")
    assert shown["lims.topic"].origin is Origin.DEFAULT
    assert shown["mqtt.host"].origin is Origin.FILE


def test_no_secret_is_shown_wherever_it_stands(tmp_path, monkeypatch):
    extra = f'[opcua.p]\nurl = "opc.tcp://user@10.0.0.5:4840"\n[notify.chat]\nkind = "slack"\nurl = "{HOOK}"\n'
    path = written(tmp_path, f'{MINIMAL}{extra}[console]\ndemo_link_sha256 = "{LINK}"\n')
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "mqtt_password").write_text("hunter2-of-the-broker")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    monkeypatch.setenv("LABLINE_OPCUA_PASSWORD", "hunter2-of-the-server")
    for options in ((), ("--json",)):
        ended = labline("check", "--config", path, "--show", *options)
        assert ended.code == 0
        for secret in ("hunter2", "verysecretpath", "abc", LINK, "user@"):
            assert secret not in ended.output.replace(str(path), "")
    shown = {row["key"]: row for row in ended.document["keys"]}
    assert shown["credential mqtt_password"]["origin"] == "credential"
    assert shown["credential mqtt_password"]["place"] == str(credentials / "mqtt_password")
    assert shown["credential audit_key"]["origin"] == "not set"
    assert shown["notify.chat.url"]["value"] == f"https://chat.example.com/{REDACTED}"


def test_a_configuration_that_cannot_be_used_is_refused_as_ever(tmp_path):
    ended = labline("check", "--config", written(tmp_path, MINIMAL + "prot = 1\n"), "--show")
    assert ended.code == 2


def test_every_credential_that_is_read_is_known(tmp_path):
    tables = '[opcua.name]\nurl = "opc.tcp://h"\n[notify.name]\nkind = "email"\n[opcua_server]\nusers = ["name"]\n'
    tables += '[i3x]\nclients = ["name"]\n'
    settings, _ = read(written(tmp_path, MINIMAL + tables))
    sources = "".join(
        file.read_text(encoding="utf-8") for file in (Path(__file__).parents[2] / "gateway").rglob("*.py")
    )
    read_somewhere = re.findall(r"\bcredential(?:_path)?\(f?\"([\w.{}]+)\"\)", sources)
    assert {re.sub(r"{(name|user|client)}", "name", name) for name in read_somewhere} <= set(
        known_credentials(settings)
    )
    assert len(read_somewhere) > 5


def test_keys_that_may_hold_secrets_are_marked():
    """A new key with such a name is marked as a secret, or named here with the reason why it is none."""
    # public keys; addresses whose users are taken out, or that may have none; a header's name; a number; a time; a file
    no_secrets = {"trusted_keys", "url", "api_key_header", "token_url", "max_tokens", "token_lasts", "tokenizer",
                  "tokenizer_sha256"}  # fmt: skip

    def names(table, seen):
        for name, info in table.model_fields.items():
            marked = isinstance(info.json_schema_extra, dict) and "secret" in info.json_schema_extra
            if not marked and any(word in name for word in ("password", "token", "secret", "key", "link", "url")):
                yield name
            for inner in _tables(info.annotation):
                if inner not in seen:
                    yield from names(inner, seen | {inner})

    assert set(names(Settings, {Settings})) <= no_secrets


def _tables(annotation):
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _tables(argument)


@pytest.mark.parametrize("secret", [
    "opc.tcp://user:hunter2@10.0.0.5:4840/path", "mqtts://u:p%40hunter2@broker", "https://h/x?access_token=hunter2&a=1",
    "https://u:pa/hunter2@h/x", "Authorization: Bearer hunter2hunter2",
    "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----",
    "-----BEGIN EC PRIVATE KEY-----\nhunter2 cut short",
])  # fmt: skip
def test_what_looks_like_a_secret_is_taken_out_of_any_text(secret):
    assert "hunter2" not in redacted(f"could not reach {secret} (timeout)")


@pytest.mark.parametrize(
    "line", ["password=hunter2", 'password: "hunter2"', "mqtt_token = 'hunter2'", '{"pwd":"hunter2"}']
)
def test_lines_of_a_log_lose_their_passwords(line):
    assert "hunter2" not in redacted_lines(line)


@pytest.mark.parametrize("plain", ["opc.tcp://10.0.0.5:4840/a", "nsu=http://acme.com/UA/;s=Tag@1", "lims/results/#"])
def test_what_is_no_secret_stays(plain):
    assert redacted(plain) == plain


def test_of_an_address_that_is_a_secret_only_the_host_stays():
    assert redacted_address(HOOK) == f"https://chat.example.com/{REDACTED}"


_names = st.text(alphabet="ab-_1", min_size=1, max_size=3)
_values = st.sampled_from(
    ["1", '"x # no comment"', "'''two\nlines'''", '"""a = 1\n[b]\n"""', "[\n 1,\n 2, # c\n]", "{ a = 1 }"]
)


@given(st.dictionaries(_names, st.dictionaries(_names, _values, max_size=4), max_size=4), st.integers(0, 3))
def test_each_key_is_found_on_its_line(tables, blank_lines):
    text = ("\n" * blank_lines).join(
        f"[t{name}] # a table\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
        for name, keys in tables.items()
    )
    tomllib.loads(text)
    positions, written_lines = lines_of_keys(text), text.splitlines()
    for name, keys in tables.items():
        assert written_lines[positions[f"t{name}",] - 1].startswith(f"[t{name}]")
        for key in keys:
            assert written_lines[positions[f"t{name}", key] - 1].startswith(f"{key} = ")


def test_keys_of_lists_of_tables_and_within_values_have_their_lines():
    text = 'a.b = 1\n[[s]]\nx = 1\n[[s]]\n[s.bands]\nlow = 2\n[[s.inner]]\nz = { y = 1 }\n"q r" = 3\n'
    assert lines_of_keys(text) == {
        ("a",): 1, ("a", "b"): 1, ("s", 0): 2, ("s", 0, "x"): 3, ("s", 1): 4, ("s", 1, "bands"): 5,
        ("s", 1, "bands", "low"): 6, ("s", 1, "inner", 0): 7, ("s", 1, "inner", 0, "z"): 8,
        ("s", 1, "inner", 0, "z", "y"): 8, ("s", 1, "inner", 0, "q r"): 9,
    }  # fmt: skip


def test_measures_are_shown_as_they_are_written():
    assert [duration_text(seconds) for seconds in (0.5, 10, 90, 3600, 7 * 86400, 0.0015, 0)] == [
        "500ms", "10s", "90s", "1h", "7d", "0.0015s", "0s",
    ]  # fmt: skip
    assert [size_text(size) for size in (2 * 2**30, 1.5 * 2**30, 7)] == ["2 GiB", "1536 MiB", "7 B"]
    assert rate_text(5 / 60) == "0.0833333333333/s"


def test_nothing_is_cropped_in_a_pipe_and_the_lines_fit_80_columns_of_a_terminal(tmp_path, monkeypatch):
    path = written(tmp_path, MINIMAL + f'topic_root = "{"plant/" * 10}quality"\n')
    piped = labline("check", "--config", path, "--show").lines
    assert len(piped) == len(rows(path)) + 1
    monkeypatch.setattr("gateway.cli.output.out._force_terminal", True)
    monkeypatch.setattr("gateway.cli.output.out._width", 80)
    shown = labline("check", "--config", path, "--show").lines
    assert all(len(line) <= 80 for line in shown if "  # labline.toml" in line or "  # default" in line)
    assert any(line.startswith("    # ") for line in shown)  # a long value has its place below it
