from pathlib import Path

import pytest

from gateway.config.checks import doubts
from gateway.config.credentials import credential
from gateway.config.line_definition import define_line
from gateway.config.reading import read
from gateway.config.signature_table import policies
from gateway.errors import ConfigurationError
from gateway.line.definition import Stage
from gateway.records.act_kinds import ActKind
from gateway.records.users import Role

MODELS = Path(__file__).parents[2] / "models"
MINIMAL = """
[site]
enterprise = "acme"
site = "lyon"
area = "polymers"
line = "line-1"
[store]
directory = "/tmp/x"
[mqtt]
host = "broker.local"
client_id = "labline-line-1"
"""
WRONG = """
[site]
enterprise = "ac/me"
site = "lyon"
area = "polymers"
[store]
directory = "/tmp/x"
quota = "2 gigs"
[mqtt]
host = ""
prot = 1883
client_id = "c"
protocol = "4"
[opcua.plc1]
url = "http://x"
[tags.t]
source = "plc1"
node = "ns=2;s=t"
equipment = "R1"
unit = "degC"
validated = [95.0, 60.0]
max_age = "soon"
[[specification]]
product = "P"
analyte = "a"
lower = 5
upper = 1
[[model]]
bundle = "x"
equipment = "R1"
stage = "wild"
"""


def written(tmp_path, text):
    path = tmp_path / "labline.toml"
    path.write_text(text)
    return path


def problems(path):
    def use():
        settings, _ = read(path)
        define_line(settings, path=path)

    with pytest.raises(ConfigurationError) as caught:
        use()
    return {problem.key: problem for problem in caught.value.problems}


def test_the_smallest_configuration_has_sensible_defaults(tmp_path):
    settings, sha256 = read(written(tmp_path, MINIMAL))
    assert settings.mqtt.port == 8883
    assert settings.mqtt.tls
    assert settings.topic_root == "acme/lyon/polymers/line-1/quality"
    assert settings.store.quota == 2 * 2**30
    assert len(sha256) == 64
    assert define_line(settings, path=tmp_path / "labline.toml").models == ()


def test_every_error_is_listed_at_once_with_file_key_and_hint(tmp_path):
    path = written(tmp_path, WRONG)
    found = problems(path)
    assert set(found) == {
        "site.enterprise", "site.line", "store.quota", "mqtt.host", "mqtt.prot", "mqtt.protocol", "opcua.plc1.url",
        "tags.t.node", "tags.t.validated", "tags.t.max_age", "specification[1]", "model[1].stage",
    }  # fmt: skip
    assert all(problem.file == str(path) and problem.message and problem.hint for problem in found.values())
    assert "nsu=urn:acme:plant;s=R1.TI101" in found["tags.t.node"].message
    assert found["mqtt.prot"].hint == "did you mean port?"
    assert '"2 gigs" is not' in found["store.quota"].message.replace("'", '"')
    assert found["site.line"].hint.startswith("the production line")


def test_contradictions_between_tables_are_listed_too(tmp_path):
    text = (
        MINIMAL
        + """
[opcua.plc1]
url = "opc.tcp://10.0.0.5:4840"
security = "Basic256Sha256/SignAndEncrypt"
sampling_interval = "2s"
[tags.t]
source = "plc2"
node = "nsu=urn:x;s=t"
equipment = "R1"
unit = "degC"
[[specification]]
product = "P"
analyte = "a"
upper = 1
[[specification]]
product = "P"
analyte = "a"
upper = 2
"""
    )
    assert set(problems(written(tmp_path, text))) == {
        "tags.t.source", "opcua.plc1.security", "opcua.plc1.sampling_interval", "specification[2]",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[lims]\ntopic = "lims/results#"', "lims.topic"),
        ('[lims]\ntopic = "#"', "lims.topic"),
        ('[lims]\ntopic = "acme/lyon/+/line-1/#"', "lims.topic"),
        ('[lims]\ntopic = "mes/context/#"', "mes.topic"),
        ('[opcua.p]\nurl = "opc.tcp://"', "opcua.p.url"),
        ('[opcua.p]\nurl = "opc.tcp://h"\nsecurity = "Basic256Sha25/Sign"', "opcua.p.security"),
    ],
)
def test_what_would_fail_later_is_refused_at_once(tmp_path, text, key):
    assert key in problems(written(tmp_path, f"{MINIMAL}{text}\n"))


@pytest.mark.parametrize("root", ["{line.foo}", "{line[a]}", "{nothing}", "{"])
def test_a_topic_root_that_cannot_be_filled_in_is_told(tmp_path, root):
    text = MINIMAL.replace('client_id = "labline-line-1"', f'client_id = "c"\ntopic_root = "{root}"')
    assert "mqtt.topic_root" in problems(written(tmp_path, text))


def test_an_environment_variable_that_is_no_table_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("LABLINE_MQTT", "notjson")
    assert "LABLINE_MQTT" in problems(written(tmp_path, MINIMAL))


def test_a_specification_in_a_unit_that_is_none_of_its_models_is_refused(tmp_path):
    example = MODELS.parent / "deploy" / "labline.toml"
    text = example.read_text().replace("../models", str(MODELS)).replace('unit = "mPa.s"', 'unit = "cSt"')
    assert "specification[1].unit" in problems(written(tmp_path, text))


def stated(**fields):
    lines = "\n".join(f"{name} = {value}" for name, value in fields.items())
    return f'[[specification]]\nproduct = "FG-100"\nanalyte = "ph"\nlower = 6.5\n{lines}\n'


def test_specifications_follow_each_other_in_time_and_clients_have_their_own(tmp_path):
    change = '"2026-06-01T00:00:00+02:00"'
    text = MINIMAL + stated(effective_until=change) + stated(effective_from=change) + stated(client='"client-a"')
    text += stated(client='"client-b"', effective_from="2026-06-01T00:00:00Z", decimals=1, required="true")
    settings, _ = read(written(tmp_path, text))
    line = define_line(settings, path=tmp_path / "labline.toml")
    old, new, *_, last = line.specifications
    assert old.effective_until_ns == new.effective_from_ns
    assert (last.client_id, last.decimals, last.required) == ("client-b", 1, True)


@pytest.mark.parametrize(
    ("tables", "key"),
    [
        ([{}, {}], "specification[2]"),
        ([{"effective_from": "2026-01-01T00:00:00Z"}, {"effective_until": "2026-02-01T00:00:00Z"}], "specification[2]"),
        ([{"effective_from": '"tomorrow"'}], "specification[1].effective_from"),
        ([{"effective_from": "2026-01-01"}], "specification[1].effective_from"),
        (
            [{"effective_from": "2026-02-01T00:00:00Z", "effective_until": "2026-01-01T00:00:00Z"}],
            "specification[1]",
        ),
    ],
)
def test_specifications_that_hold_at_once_or_at_no_time_are_told(tmp_path, tables, key):
    assert key in problems(written(tmp_path, MINIMAL + "".join(stated(**each) for each in tables)))


def test_a_bundle_that_does_not_fit_the_line_is_a_problem_of_the_configuration(tmp_path):
    text = MINIMAL + f'[[model]]\nbundle = "{MODELS}/viscosity/1.0.0"\nequipment = "R1"\n'
    text += '[[model]]\nbundle = "nowhere"\nequipment = "R1"\n'
    found = problems(written(tmp_path, text))
    assert set(found) == {"model[1].bundle", "model[2].bundle"}
    assert "tags that are not configured" in found["model[1].bundle"].message


@pytest.mark.parametrize("text", ["not toml at all [", ""])
def test_a_file_that_is_no_configuration_says_so(tmp_path, text):
    assert problems(written(tmp_path, text))


def test_a_sight_of_a_name_that_no_user_can_have_is_refused_so_that_nobody_sees_all_by_a_capital_letter(tmp_path):
    file = tmp_path / "labline.toml"
    file.write_text(MINIMAL + '[[knowledge.sight]]\nusers = ["Omar"]\nclients = ["A"]\n')
    with pytest.raises(ConfigurationError) as refused:
        read(file)
    assert refused.value.problems[0].key.startswith("knowledge.sight")


def test_a_missing_file_says_so(tmp_path):
    assert "cannot be read" in problems(tmp_path / "none.toml")[""].message


def test_the_environment_overrides_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("LABLINE_MQTT__HOST", "other.local")
    monkeypatch.setenv("LABLINE_MQTT__PORT", "1884")
    settings, _ = read(written(tmp_path, MINIMAL))
    assert (settings.mqtt.host, settings.mqtt.port, settings.mqtt.client_id) == ("other.local", 1884, "labline-line-1")


def test_stages_are_given_by_name(tmp_path):
    text = MINIMAL + '[[model]]\nbundle = "x"\nequipment = "R1"\nstage = "advise"\n'
    settings, _ = read(written(tmp_path, text))
    assert settings.model[0].stage is Stage.ADVISE


def test_secrets_come_from_the_credentials_directory(tmp_path):
    (tmp_path / "mqtt_password").write_text("secret\n")
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert credential("mqtt_password", environment) == "secret"
    assert credential("other", environment) is None
    assert credential("mqtt_password", {}) is None


def test_signatures_are_asked_for_by_act_with_roles_and_a_number(tmp_path):
    text = MINIMAL + '[signatures.settle_point]\nroles = ["quality", "supervisor"]\ncount = 2\nexpires_after = "8h"\n'
    settings, _sha256 = read(written(tmp_path, text))
    policy = policies(settings.signatures)[ActKind.SETTLE_POINT]
    assert (policy.roles, policy.count, policy.expires_after_seconds) == ((Role.QUALITY, Role.SUPERVISOR), 2, 28800.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[signatures.retry_messages]\nroles = ["quality"]', "no act that can be signed"),
        ('[signatures.add_user]\nroles = ["quality"]', "author_signs = false"),
        ("[signatures.settle_point]\nroles = []", "signatures.settle_point.roles"),
        ('[signatures.settle_point]\nroles = ["boss"]', "signatures.settle_point.roles"),
        ('[signatures.settle_point]\nroles = ["quality", "quality"]', "twice"),
        ('[signatures.settle_point]\nroles = ["quality"]\ncount = -1', "signatures.settle_point.count"),
        ('[signatures.promote_model]\nroles = ["quality"]\ncount = 2', "takes effect at once"),
        ('[signatures.promote_model]\nroles = ["quality"]\nauthor_signs = false', "takes effect at once"),
    ],
)
def test_signatures_that_nobody_could_give_are_refused(tmp_path, text, said):
    with pytest.raises(ConfigurationError) as caught:
        read(written(tmp_path, MINIMAL + text + "\n"))
    assert said in " ".join(f"{problem.key} {problem.message}" for problem in caught.value.problems)


OFF = "[approval]\nsigned_stages = false\n"


@pytest.mark.parametrize(
    ("stage", "approval", "count"),
    [("advise", OFF, 0), ("approve", OFF, 1), ("automatic", OFF, 1), ("approve", "", 0)],
)
def test_a_model_that_may_write_without_a_signed_stage_is_warned_of(tmp_path, stage, approval, count):
    model = f'[[model]]\nbundle = "b"\nequipment = "R1"\nstage = "{stage}"\n'
    settings, _sha256 = read(written(tmp_path, MINIMAL + approval + model))
    assert len([doubt for doubt in doubts(settings) if "signed_stages" in doubt]) == count
