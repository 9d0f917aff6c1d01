"""``[sinks.<name>]``: what is wrong is named, and secrets come from credentials."""

from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from gateway.config.credentials import known_credentials
from gateway.config.reading import read
from gateway.config.sink_tables import SinkTable
from gateway.config.sinks import sink_targets, sinks_of
from gateway.errors import ConfigurationError
from tests.config.test_effective import MINIMAL

PLEX = {"url": "https://connect.plex.com", "template": "plex", "messages": ["hold", "release"]}
GENERIC = {"url": "https://qms.example.com/labline", "messages": ["deviation"]}


def settings(**tables):
    return SimpleNamespace(sinks={name: SinkTable.model_validate(table) for name, table in tables.items()})


@pytest.mark.parametrize(
    ("table", "what"),
    [({**GENERIC, "url": "https://user:pw@qms.example.com"}, "credentials are files"),
     ({**GENERIC, "url": "https://qms.example.com/?key=1"}, "without"), ({**GENERIC, "messages": []}, "at least 1"),
     ({**GENERIC, "messages": ["guidance"]}, "hold"), ({**PLEX, "messages": ["control"]}, "plex is not told of"),
     ({**PLEX, "options": {"tennant_id": "x"}}, "did you mean tenant_id"),
     ({**GENERIC, "template": "sap", "messages": ["hold"]}, "options.plant is missing"),
     ({**GENERIC, "networks": ["0.0.0.0/0"]}, "every address"), ({**GENERIC, "calls_per_minute": 0}, "greater than"),
     ({**GENERIC, "url": "http://qms.example.com", "certificate": "c.pem"}, "protect nothing")],
)  # fmt: skip
def test_what_is_wrong_is_named(table, what):
    with pytest.raises(ValidationError, match=what):
        SinkTable.model_validate(table)


def test_keys_come_from_credentials_and_a_missing_one_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(ConfigurationError) as refused:
        sink_targets(settings(plex=PLEX))
    assert "sink_plex_api_key" in str(refused.value.problems)
    for part, secret in (("api_key", "key-1234567"), ("api_secret", "secret-1234567"), ("hmac", "h" * 32)):
        (tmp_path / f"sink_plex_{part}").write_text(f"{secret}\n")
    (target,) = sink_targets(settings(plex={**PLEX, "options": {"customer_id": 340}}))
    assert target.endpoint.headers == {
        "X-Plex-Connect-Api-Key": "key-1234567", "X-Plex-Connect-Api-Secret": "secret-1234567",
        "X-Plex-Connect-Customer-Id": "340",
    }  # fmt: skip
    assert (target.calls_per_minute, target.signing_key) == (200, b"h" * 32)
    assert "1234567" not in repr(target)
    assert set(target.endpoint.secrets) == {"key-1234567", "secret-1234567", "h" * 32}


@pytest.mark.parametrize(
    ("table", "credentials", "header"),
    [(GENERIC, {"token": "tok-12345678"}, ("Authorization", "Bearer tok-12345678")),
     ({**GENERIC, "user": "u"}, {"password": "pw"}, ("Authorization", "Basic dTpwdw==")),
     ({**GENERIC, "api_key_header": "X-Key"}, {"api_key": "k-1234567"}, ("X-Key", "k-1234567"))],
)  # fmt: skip
def test_a_sink_signs_in_as_the_system_wants(tmp_path, monkeypatch, table, credentials, header):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    for part, secret in credentials.items():
        (tmp_path / f"sink_qms_{part}").write_text(secret)
    (target,) = sink_targets(settings(qms=table))
    assert dict([header]) == target.endpoint.headers


@pytest.mark.parametrize(
    ("table", "credentials", "what"),
    [({**GENERIC, "user": "u"}, {}, "sink_qms_password"),
     ({**GENERIC, "api_key_header": "X-K"}, {}, "sink_qms_api_key"),
     ({**GENERIC, "token_url": "https://t.example.com/oauth/token"}, {"client_id": "c"}, "sink_qms_client_secret"),
     (GENERIC, {"hmac": "short"}, "fewer than 16"), (GENERIC, {"token": "a\nX-Evil: 1"}, "no header has"),
     ({**GENERIC, "ca_certificate": "missing.pem"}, {}, "cannot be used")],
)  # fmt: skip
def test_a_credential_that_cannot_be_used_is_named(tmp_path, monkeypatch, table, credentials, what):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    for part, secret in credentials.items():
        (tmp_path / f"sink_qms_{part}").write_text(secret)
    with pytest.raises(ConfigurationError) as refused:
        sink_targets(settings(qms=table))
    assert what in str(refused.value.problems)


def test_the_line_knows_no_secret_of_a_sink(tmp_path, monkeypatch):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "sink_qms_token").write_text("tok-12345678")
    assert "tok-" not in repr(sinks_of(settings(qms=GENERIC)))


def test_every_credential_of_a_sink_is_known(tmp_path):
    file = tmp_path / "labline.toml"
    file.write_text(f"""{MINIMAL}[sinks.qms]\nurl = "https://qms.example.com"\nmessages = ["hold"]\n""")
    read_settings, _sha256 = read(file)
    known = known_credentials(read_settings)
    assert {f"sink_qms_{part}" for part in ("token", "password", "api_key", "api_secret", "hmac", "key.pem")} <= set(
        known
    )
