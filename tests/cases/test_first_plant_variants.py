"""Further variants of cases 7, 8, 9 and 14 of first-plant.md: what `check`, `try`, `import` and a terminal meet."""

import io
import json
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway import cli
from gateway.cli.check import _doubled_nodes
from gateway.config.checks import doubts
from gateway.config.reading import read, unknown_variables
from gateway.contract.payloads.status import StatusFigures, status_payload
from gateway.errors import ConfigurationError
from tests.config.test_settings import MINIMAL, written
from tests.fixtures.commands import labline

REPOSITORY = Path(__file__).parents[2]
SOURCE = '[opcua.plc1]\nurl = "opc.tcp://127.0.0.1:4840"\n'
TAG = '[tags.t1]\nsource = "plc1"\nnode = "nsu=urn:x;s=t1"\nequipment = "R1"\nunit = "degC"\n'


# --- 14: values that no run can use are refused by check, each with its key


@pytest.mark.parametrize(
    ("table", "line", "key", "said"),
    [
        ("mqtt", 'topic_root = "{line.__class__}/quality"', "mqtt.topic_root", "{line.__class__} is not known"),
        ("mqtt", 'topic_root = "{0}/quality"', "mqtt.topic_root", "{0} is not known"),
        ("mqtt", 'topic_root = "{line!r}/quality"', "mqtt.topic_root", "must have plain names"),
        ("mqtt", 'topic_root = "/"', "mqtt.topic_root", "empty level"),
        ("mqtt", 'topic_root = "a//quality"', "mqtt.topic_root", "empty level"),
        ("mqtt", 'topic_root = "a\\u0000b"', "mqtt.topic_root", "invisible characters"),
        ("mqtt", 'topic_root = "$SYS/quality"', "mqtt.topic_root", "belongs to the broker"),
        ("mqtt", f'topic_root = "{"x" * 2000}"', "mqtt.topic_root", "too long"),
        ("mqtt", 'session_expiry = "99999999d"', "mqtt.session_expiry", "at most 36500d"),
        ("store", 'history_retention = "9999999999999d"', "store.history_retention", "at most 36500d"),
        ("store", f'quota = "{"9" * 400} TiB"', "store.quota", "is too large"),
        ("lims", 'topic = "$SYS/#"', "lims.topic", "is no topic filter"),
        ("lims", 'topic = "lims/\\u0007/#"', "lims.topic", "is no topic filter"),
    ],
)
def test_first_plant_14_what_no_run_can_use_is_refused_with_its_key(tmp_path, table, line, key, said):
    text = MINIMAL if f"[{table}]" in MINIMAL else f"{MINIMAL}[{table}]\n"
    ended = labline(
        "check", "--config", written(tmp_path, text.replace(f"[{table}]\n", f"[{table}]\n{line}\n")), "--json"
    )
    problems = {problem["key"]: problem["message"] for problem in ended.document["problems"]}
    assert ended.code == 2
    assert said in problems[key]


@pytest.mark.parametrize(
    "host",
    ["mqtt://broker.local", "broker.local:8883", "127.0.0.1 ", "user@broker", "[::1]", "a b", "broker/x", "b\u200b"],
)
def test_first_plant_08_what_is_no_host_of_a_broker_is_refused(tmp_path, host):
    with pytest.raises(ConfigurationError, match=r"problem") as caught:
        read(written(tmp_path, MINIMAL.replace('host = "broker.local"', f'host = "{host}"')))
    (problem,) = caught.value.problems
    assert (problem.key, "is no host" in problem.message) == ("mqtt.host", True)


@pytest.mark.parametrize(
    "host", ["broker.local", "broker", "10.0.0.7", "::1", "fd00::7", "fe80::1%eth0", "bröker.de", "a_b"]
)
def test_first_plant_08_names_and_addresses_of_brokers_are_taken(tmp_path, host):
    settings, _ = read(written(tmp_path, MINIMAL.replace('host = "broker.local"', f'host = "{host}"')))
    assert settings.mqtt.host == host


@pytest.mark.parametrize("url", ["opc.tcp://plc:0", "opc.tcp://plc:65536/x", "opc.tcp://[fd00::5]:99999"])
def test_connections_18_a_port_that_there_is_none_of_is_refused(tmp_path, url):
    with pytest.raises(ConfigurationError) as caught:
        read(written(tmp_path, MINIMAL + SOURCE.replace("opc.tcp://127.0.0.1:4840", url)))
    (problem,) = caught.value.problems
    assert (problem.key, "is no port" in problem.message) == ("opcua.plc1.url", True)


@pytest.mark.parametrize(
    "url", ["opc.tcp://plc", "opc.tcp://plc:4840/a:99999", "opc.tcp://[fd00::5]", "opc.tcp://[::1]:1/x"]
)
def test_connections_18_endpoints_with_and_without_a_port_are_taken(tmp_path, url):
    settings, _ = read(written(tmp_path, MINIMAL + SOURCE.replace("opc.tcp://127.0.0.1:4840", url)))
    assert settings.opcua["plc1"].url == url


@pytest.mark.parametrize("identifier", ["g=notaguid", "b=***", "b=YQ", "i=99999999999"])
def test_connections_10_an_identifier_that_no_node_can_have_is_refused_before_any_server_is_asked(tmp_path, identifier):
    with pytest.raises(ConfigurationError) as caught:
        read(written(tmp_path, MINIMAL + SOURCE + TAG.replace("s=t1", identifier)))
    assert caught.value.problems[0].key == "tags.t1.node"


@pytest.mark.parametrize(
    "identifier", ["g=09087e75-8e5e-499b-954f-f2a9603db28a", "b=YQ==", "i=4294967295", "s=a;b=c%zz"]
)
def test_connections_10_identifiers_of_every_kind_are_taken(tmp_path, identifier):
    settings, _ = read(written(tmp_path, MINIMAL + SOURCE + TAG.replace("s=t1", identifier)))
    assert settings.tags["t1"].node.endswith(identifier)


def test_first_plant_14_durations_that_leave_nothing_to_work_with_are_warned_of(tmp_path):
    model = '[[model]]\nbundle = "m"\nequipment = "R1"\nevery = "5s"\nexpires_after = "1s"\n'
    settings, _ = read(written(tmp_path, MINIMAL + SOURCE + TAG + 'max_age = "100ms"\n' + model))
    said = " ".join(doubts(settings))
    assert "model[1].expires_after is shorter than every" in said
    assert "tags.t1.max_age is shorter than publishing_interval of opcua.plc1" in said


def test_first_plant_14_one_node_is_recognised_however_it_is_written(tmp_path):
    other = '[opcua.plc2]\nurl = "opc.tcp://127.0.0.1:4840/"\n'
    second = TAG.replace("[tags.t1]", "[tags.t2]").replace("urn:x", "urn%3Ax").replace("plc1", "plc2")
    settings, _ = read(written(tmp_path, MINIMAL + SOURCE + other + TAG + second))
    assert _doubled_nodes(settings) == ["tags t1, t2 are all of node nsu=urn:x;s=t1"]


def test_first_plant_08_the_password_of_a_browse_may_stand_in_the_environment_of_any_command():
    assert unknown_variables({"LABLINE_OPCUA_PASSWORD": "x"}) == ()
    assert unknown_variables({"LABLINE_OPCUA_PASSWORT": "x"})


def test_first_plant_08_a_browse_that_can_ask_nobody_for_the_password_says_where_it_belongs():
    ended = labline("opcua", "browse", "opc.tcp://127.0.0.1:1", "--username", "dora")
    assert ended.code == 2
    assert "LABLINE_OPCUA_PASSWORD" in ended.error


# --- 14: a candidate beside a model, with signatures asked for


@pytest.fixture
def signed_line(tmp_path):
    """Return a configuration with the shipped viscosity model in ``advise``, and trusted keys that signed nothing."""
    keys = tmp_path / "keys"
    keys.mkdir()
    public = Ed25519PrivateKey.generate().public_key()
    (keys / "dora.pem").write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    text = (REPOSITORY / "deploy/labline.toml").read_text()
    bundle = REPOSITORY / "models/viscosity/1.0.0"
    text = text.replace('"../models/viscosity/1.0.0"', f'"{bundle}"').replace('stage = "shadow"', 'stage = "advise"')
    return text + f'[approval]\ntrusted_keys = "{keys}"\n', bundle


def test_first_plant_14_a_candidate_beside_a_model_does_not_end_check(tmp_path, signed_line):
    text, bundle = signed_line
    config = written(tmp_path, text.replace('stage = "advise"', f'stage = "advise"\ncandidate = "{bundle}"'))
    ended = labline("check", "--config", config, "--json")
    assert ended.code == 0, ended.output
    staying = [each for each in ended.document["warnings"] if "stays in" in each]
    assert staying == ["viscosity 1.0.0 stays in shadow: no trusted key has signed it for advise"]


def test_first_plant_14_what_is_wrong_with_a_candidate_is_said_of_its_own_key(tmp_path, signed_line):
    text, _ = signed_line
    config = written(tmp_path, text.replace('stage = "advise"', 'stage = "advise"\ncandidate = "nowhere"'))
    (problem,) = labline("check", "--config", config, "--json").document["problems"]
    assert problem["key"] == "model[1].candidate"


# --- 7: a terminal that does not know every character


def test_first_plant_07_a_terminal_without_utf_8_shows_escapes_and_every_line(tmp_path, monkeypatch):
    messages = [{"sample_id": "S1", "test_name": "Trübung", "result": 7.1, "unit": "m²"},
                {"sample_id": "S2", "test_name": "pH", "result": 7.1}]  # fmt: skip
    (tmp_path / "m.json").write_text(json.dumps(messages))
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding="ascii"))
    monkeypatch.setattr(sys, "argv", ["labline", "lims", "try", "canonical", str(tmp_path / "m.json")])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    sys.stdout.flush()
    text = shown.getvalue().decode("ascii")
    assert ended.value.code == 0
    assert "S1 Tr\\xfcbung 7.1 m\\xb2" in text
    assert "2 results in" in text


# --- 14: files


def test_first_plant_14_a_file_of_messages_nested_beyond_reading_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "m.json").write_text("[" * 100_000)
    ended = labline("lims", "try", "canonical", tmp_path / "m.json")
    assert (ended.code, "nested too deeply" in ended.output) == (1, True)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04\x14\x00\x06\x00", "is a workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is a workbook"),
        (b"Datum|Wert\n", "has no column of a result, but Datum|Wert"),
    ],
)
def test_first_plant_14_a_file_that_has_no_results_to_offer_is_said_to_have_none(tmp_path, content, said):
    (tmp_path / "r.csv").write_bytes(content)
    ended = labline("lab", "import", tmp_path / "r.csv", "--config", written(tmp_path, MINIMAL), "--dry-run")
    assert ended.code == 2
    assert said in ended.error


# --- 9: counts are whole numbers


def test_first_plant_09_counts_of_the_status_are_whole_numbers():
    figures = StatusFigures(
        buffer={"guidance": 0.0, "oldest_seconds": 1.5}, models={"m": {"abstained_share": 1.0}},
        disk={"free_bytes": 81313185792.0},
    )  # fmt: skip
    encoded = status_payload(line="a/b/c/d", at_ns=0, online=True, version="1", figures=figures).encoded()
    assert b'"buffer":{"guidance":0,"oldest_seconds":1.5}' in encoded
    assert b'"free_bytes":81313185792}' in encoded


# --- 5 and 14: recipes and data that no model can be made of

RECIPE = """
name = "m"
version = "1.0.0"
intended_use = "a test"
seed = 1
[data]
file = "d.csv"
period_seconds = 60
[laboratory]
column = "y"
every_rows = 5
delay_rows = 2
[split]
train = 0.66
[output]
analyte = "y"
unit = "1"
valid = [0.0, 20.0]
coverage = 0.9
[candidates]
kinds = ["ridge"]
folds = 3
[[inputs]]
tag = "a"
unit = "1"
lags_rows = [0]
"""
ROWS = [(at * 7 % 11, at * 5 % 13) for at in range(300)]


@pytest.mark.parametrize(
    ("change", "rows", "said"),
    [
        (None, [(a, 3) for a, _ in ROWS], "there is nothing to learn"),
        (None, [("nan", y) for _, y in ROWS], "no row has every input"),
        (("folds = 3", "folds = 1000"), ROWS, "do not make 1000 folds"),
        (("period_seconds = 60", "period_seconds = 1e300"), ROWS, "data.period_seconds"),
        (('tag = "a"', 'tag = "y"'), ROWS, "is the laboratory's column"),
        (('name = "m"', 'name = "../../m"'), ROWS, "is no name"),
    ],
)
def test_first_plant_05_what_no_model_can_be_made_of_is_said_before_any_training(tmp_path, change, rows, said):
    (tmp_path / "d.csv").write_text("a,y\n" + "".join(f"{a},{y}\n" for a, y in rows))
    (tmp_path / "r.toml").write_text(RECIPE if change is None else RECIPE.replace(*change))
    ended = labline("model", "train", tmp_path / "r.toml", "--to", tmp_path / "models")
    assert ended.code == 2
    assert said in ended.error
    assert not (tmp_path / "models").exists()


def test_first_plant_14_a_file_of_numbers_with_a_byte_order_mark_has_its_columns(tmp_path):
    (tmp_path / "d.csv").write_text("a,y\n" + "".join(f"{a},3\n" for a, _ in ROWS), encoding="utf-8-sig")
    (tmp_path / "r.toml").write_text(RECIPE)
    ended = labline("model", "train", tmp_path / "r.toml", "--to", tmp_path / "models")
    assert "there is nothing to learn" in ended.error  # read as far as its values
