"""Cases 8 and 14 of first-plant.md and 19 of attacks.md: what is mistyped, missing or odd is said."""

import json
import os

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from gateway.cli import app
from gateway.config.assigned_models import trusted_keys
from gateway.config.checks import doubts
from gateway.config.connections import broker_address, opcua_sources
from gateway.config.credentials import unused_credentials
from gateway.config.reading import read, unknown_variables
from gateway.config.tables import Settings
from gateway.errors import ConfigurationError
from tests.config.test_settings import MINIMAL, written

SOURCE = '[opcua.plc1]\nurl = "opc.tcp://127.0.0.1:4840"\n'
TAG = '[tags.t1]\nsource = "plc1"\nnode = "nsu=urn:x;s=t1"\nequipment = "R1"\nunit = "degC"\n'


@pytest.fixture
def checked(tmp_path, monkeypatch):
    """Run plain ``check``; returns (exit code, its JSON)."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    def check(text):
        told = CliRunner().invoke(app, ["check", "--config", str(written(tmp_path, text)), "--json"])
        return told.exit_code, json.loads(told.output)

    return check


def with_keys(keys, table="mqtt"):
    return MINIMAL.replace(f"[{table}]\n", f"[{table}]\n{keys}\n")


# --- 8: a user without a password


def test_first_plant_08_a_user_without_its_credential_is_found_by_plain_check(tmp_path, checked):
    code, told = checked(with_keys('username = "labline"'))
    (problem,) = told["problems"]
    assert (code, problem["key"]) == (2, "mqtt_password")
    assert "mqtt.username" in problem["message"]
    assert "LoadCredential" in problem["hint"]
    (tmp_path / "mqtt_password").write_text("")  # a user that has none, on purpose
    assert checked(with_keys('username = "labline"'))[0] == 0


def test_first_plant_08_a_user_of_an_opc_ua_server_without_its_credential_is_found_too(tmp_path, checked):
    text = f'{MINIMAL}{SOURCE}username = "operator"\n'
    code, told = checked(text)
    assert (code, told["problems"][0]["key"]) == (2, "opcua_plc1_password")
    (tmp_path / "opcua_plc1_password").write_text("secret\n")
    assert checked(text)[0] == 0
    settings, _ = read(written(tmp_path, text))
    assert opcua_sources(settings)[0].password == "secret"


def test_first_plant_08_without_a_user_no_credential_is_asked_for(tmp_path):
    settings, _ = read(written(tmp_path, MINIMAL))
    assert broker_address(settings).password is None


# --- 14: a mistyped override


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("LABLINE_MQTT_HOST", "LABLINE_MQTT__HOST"),
        ("LABLINE_MQQT__HOST", "LABLINE_MQTT__HOST"),
        ("LABLINE_MQTT__HOTS", "LABLINE_MQTT__HOST"),
        ("LABLINE_STORE__QOUTA", "LABLINE_STORE__QUOTA"),
        ("LABLINE_OPCUA__PLC1__ULR", "LABLINE_OPCUA__PLC1__URL"),
        ("LABLINE_MQTT__HOST__NAME", "LABLINE_MQTT__HOST"),
        ("LABLINE_TAGS__T1__MAXAGE", "LABLINE_TAGS__T1__MAX_AGE"),
        ("LABLINE_CONFIGURATION_FILE", None),
    ],
)
def test_first_plant_14_a_mistyped_override_is_an_error_with_what_was_meant(tmp_path, monkeypatch, variable, meant):
    monkeypatch.setenv(variable, "x")
    with pytest.raises(ConfigurationError) as told:
        read(written(tmp_path, MINIMAL + SOURCE + TAG))
    (problem,) = [each for each in told.value.problems if each.key == variable]
    assert problem.file == "environment"
    assert problem.hint == f"did you mean {meant}?" if meant else "LABLINE_MQTT__HOST" in problem.hint


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LABLINE_MQTT__HOST", "other"),
        ("LABLINE_MQTT", '{"host": "other"}'),
        ("LABLINE_OPCUA__PLC1__URL", "opc.tcp://10.0.0.9:4840"),
        ("LABLINE_LIMS__ANALYTES__PH", "ph"),
        ("LABLINE_TREND", '[{"analyte": "ph"}]'),
        ("LABLINE_LIMS__MAPPING", "senaite"),
        ("LABLINE_TAGS__T1__MAX_AGE", "20s"),
        ("LABLINEX", "no prefix of ours"),
    ],
)
def test_first_plant_14_an_override_that_is_right_passes(tmp_path, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    read(written(tmp_path, MINIMAL + SOURCE + TAG))


def test_first_plant_14_a_wrong_value_of_an_override_names_the_variable_and_not_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("LABLINE_MQTT__PORT", "many")
    with pytest.raises(ConfigurationError) as told:
        read(written(tmp_path, MINIMAL))
    assert [(each.file, each.key) for each in told.value.problems] == [("environment", "LABLINE_MQTT__PORT")]


PLAIN_TABLES = [
    (name, field)
    for name, info in Settings.model_fields.items()
    if hasattr(info.annotation, "model_fields")
    for field in info.annotation.model_fields
]


@given(st.sampled_from(PLAIN_TABLES), st.integers(0, 30), st.sampled_from("QXZ"))
def test_first_plant_14_each_setting_is_known_and_with_a_wrong_letter_it_is_not(setting, at, letter):
    right = "__".join(setting).upper()
    assert unknown_variables({f"LABLINE_{right}": ""}) == ()
    at %= len(right)
    wrong = right[:at] + letter + right[at + 1 :]
    if wrong != right:
        (problem,) = unknown_variables({f"LABLINE_{wrong}": ""})
        assert problem.hint


def test_first_plant_14_the_environment_of_this_run_has_no_variable_that_is_none():
    assert [each for each in unknown_variables(os.environ) if each.key != "LABLINE_EXAMPLES"] == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("mqtt_pasword", "mqtt_password"),
        ("opcua_plc_password", "opcua_plc1_password"),
        ("lims_webhook_tokn", "lims_webhook_token"),
        ("mqtt_password", None),
        ("opcua_plc1_key.pem", None),
        ("somebody_elses", None),
    ],
)
def test_first_plant_14_a_mistyped_credential_is_said_with_what_was_meant(tmp_path, name, meant):
    settings, _ = read(written(tmp_path, MINIMAL + SOURCE))
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / name).write_text("secret")
    told = unused_credentials(settings, {"CREDENTIALS_DIRECTORY": str(folder)})
    assert told == ([] if meant is None else [f"credential {name} is read by nothing; did you mean {meant}?"])


# --- 14: keys of approvers


def key_files(folder, *names):
    keys = folder / "trusted"
    keys.mkdir(exist_ok=True)
    for name in names:
        public = Ed25519PrivateKey.generate().public_key()
        form = (Encoding.OpenSSH, PublicFormat.OpenSSH) if name.startswith("ssh") else (
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)  # fmt: skip
        (keys / name).write_bytes(public.public_bytes(*form))
    return keys


def trusted(tmp_path):
    settings, _ = read(written(tmp_path, f'{MINIMAL}[approval]\ntrusted_keys = "trusted"\n'))
    return trusted_keys(settings, folder=tmp_path)


def test_first_plant_14_a_pub_key_counts_like_a_pem_key_in_either_form(tmp_path):
    key_files(tmp_path, "anna.pem", "bert.pub", "ssh-carl.pub")
    assert sorted(trusted(tmp_path).values()) == ["anna", "bert", "ssh-carl"]


@pytest.mark.parametrize("name", ["dora.key", "dora.der", "dora", "dora.PEM.old"])
def test_first_plant_14_a_file_that_may_be_a_key_is_never_ignored_in_silence(tmp_path, name):
    key_files(tmp_path, "anna.pem", name)
    with pytest.raises(ConfigurationError) as told:
        trusted(tmp_path)
    assert name in told.value.problems[0].message


def test_first_plant_14_notes_and_hidden_files_may_stand_beside_the_keys(tmp_path):
    keys = key_files(tmp_path, "anna.pem")
    (keys / "README.md").write_text("who is who")
    (keys / ".gitignore").write_text("")
    assert list(trusted(tmp_path).values()) == ["anna"]


# --- 14: a model on equipment that no tag has


@pytest.mark.parametrize(
    ("equipment", "said"), [("r1", "did you mean R1?"), ("MIXER", "tags are on: R1"), ("R1", None)]
)
def test_first_plant_14_a_model_on_equipment_that_no_tag_has_is_said(tmp_path, equipment, said):
    model = f'[[model]]\nbundle = "b"\nequipment = "{equipment}"\n'
    settings, _ = read(written(tmp_path, MINIMAL + SOURCE + TAG + model))
    told = [each for each in doubts(settings) if each.startswith("model[1].equipment")]
    assert len(told) == (said is not None)
    assert said is None or said in told[0]


# --- attacks 19, connections 13: what a version of MQTT or a shared subscription means


def test_attacks_19_check_warns_of_expired_advice_on_mqtt_3_1_1(checked):
    code, told = checked(with_keys('protocol = "3.1.1"'))
    assert code == 0
    assert any("persistent session" in each and "expired" in each for each in told["warnings"])
    assert not any("persistent session" in each for each in checked(MINIMAL)[1]["warnings"])


def test_connections_13_check_says_what_a_shared_subscription_of_results_means(checked):
    _code, told = checked(f'{MINIMAL}[lims]\ntopic = "$share/g/lims/#"\n')
    assert any(each.startswith("lims.topic is a shared subscription") for each in told["warnings"])


def test_problems_of_the_line_of_servers_and_of_all_that_is_served_are_listed_together(checked):
    text = MINIMAL + (
        '[opcua.plc2]\nurl = "opc.tcp://h:4840"\nsecurity = "None"\nusername = "u"\n'
        '[opcua.plc3]\nurl = "opc.tcp://h:4841"\nsecurity = "None"\nusername = "u"\n'
        '[webhook]\nhost = "0.0.0.0"\nport = 8443\n[monitoring]\nlisten = "0.0.0.0:9100"\n'
        '[console]\nlisten = "0.0.0.0:8080"\n[[model]]\nbundle = "nowhere"\nequipment = "R1"\n'
    )
    keys = " ".join(problem["key"] for problem in checked(text)[1]["problems"])
    for key in ("model", "opcua_plc2_password", "opcua_plc3_password", "webhook.host", "monitoring.listen",
                "console.listen"):  # fmt: skip
        assert key in keys
