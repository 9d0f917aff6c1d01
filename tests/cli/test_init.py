"""``labline init``: from a real OPC UA server and a real broker to a configuration that can be used."""

import json
import tomllib
from contextlib import contextmanager
from pathlib import Path

import pytest
from asyncua import ua
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from gateway.cli import app
from gateway.cli.new_line import broker as brokers
from gateway.cli.new_line.choosing import HELP, after, asked, begun, listed, matching
from gateway.cli.new_line.laboratory import heard, understood_best
from gateway.cli.new_line.person import Person
from gateway.cli.new_line.place import Place
from gateway.cli.new_line.writing import (
    Answers,
    analyte_names,
    configuration_text,
    slug,
    tag_tables,
    with_additions,
)
from gateway.config.reading import read
from gateway.config.toml_text import quoted
from gateway.errors import LablineError
from gateway.transport.mqtt_messages import Delivery
from gateway.transport.opcua_certificates import sha256_of
from gateway.transport.opcua_proposals import FoundVariable
from simulator.mqtt import Participant
from tests.config.test_settings import MINIMAL
from tests.fixtures.commands import labline
from tests.fixtures.plant_to_find import URI, PlantToFind
from tests.fixtures.secured_broker import certificate_pair

RESULT = {"sample_id": "S-1", "test_name": "pH", "result": 6.9, "spec_min": 6.5, "spec_max": 7.5, "material_lot": "L-1"}
TOPIC = "lims/results/qc"


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    with PlantToFind(tmp_path_factory.mktemp("init")) as running:
        yield running


def variable(path="/Mixer/TI-101", **changes):
    return FoundVariable(
        **{"path": path, "node": f"nsu={URI};s={path}", "data_type": "Double", "value": "1.0", "unit": "degC",
           "limits": (0.0, 150.0), "writable": False, "has_history": False, **changes}
    )  # fmt: skip


def init(path, plant, *options, listen="0"):
    return labline("init", "--output", path, "--opcua", plant.url, "--security", "None",
                   "--broker", f"mqtt://127.0.0.1:{plant.broker.port}", "--listen", listen, "--yes",
                   *options)  # fmt: skip


@contextmanager
def standing(plant, *messages):
    """Let results stand at the broker, retained, so that whoever listens hears them at once."""

    async def publish(payloads):
        async with Participant("lab", port=plant.broker.port, version_5=True) as sender:
            for number, payload in enumerate(payloads):
                await sender.publish(f"{TOPIC}/{number}", payload, retain=True)

    plant.call(publish([json.dumps(message).encode() for message in messages]))
    try:
        yield
    finally:
        plant.call(publish([b""] * len(messages)))


# --- at a real server and a real broker


def test_a_first_configuration_has_the_servers_units_and_ranges_and_can_be_used(tmp_path, plant):
    path = tmp_path / "labline.toml"
    with standing(plant, RESULT, {"nonsense": 1}):
        ended = init(path, plant, "--site", "acme/lyon/polymers/line-1", listen="1")
    assert ended.code == 0, ended.error
    assert "ok: it can be used" in ended.output
    settings, _ = read(path)
    tags = settings.tags
    assert (tags["ti_101"].unit, tags["ti_101"].validated) == ("degC", (0.0, 150.0))
    assert tags["ti_101"].equipment == "Mixer"
    assert (tags["li_7"].unit, tags["li_7"].validated) == ("1", None)
    assert "status" not in tags  # a text
    assert not any(name.startswith(("eurange", "engineering")) for name in tags)
    assert settings.lims.analytes == {"pH": "ph"}
    assert settings.site.area == "polymers"
    assert settings.mqtt.tls is False
    text = path.read_text()
    assert "# [[specification]]" in text
    assert "# lower = 6.5" in text
    assert "not understood" in ended.output


def test_only_the_variables_that_are_named_become_tags(tmp_path, plant):
    path = tmp_path / "labline.toml"
    assert init(path, plant, "--tags", "mixer ti-1").code == 0
    assert list(read(path)[0].tags) == ["ti_101"]
    ended = init(tmp_path / "other.toml", plant, "--tags", "nothing like it")
    assert (ended.code, (tmp_path / "other.toml").exists()) == (2, False)


def test_on_demand_it_also_tries_servers_tags_and_rights(tmp_path, plant):
    ended = init(tmp_path / "labline.toml", plant, "--tags", "ti-101", "--connect")
    assert ended.code == 0, ended.output
    assert "tags.ti_101" in ended.output
    assert ended.output.rstrip().endswith("ok")


def test_run_again_it_proposes_what_is_new_and_writes_it_only_where_that_is_asked_for(tmp_path, plant):
    path = tmp_path / "labline.toml"
    init(path, plant, "--tags", "ti-101")
    before = path.read_text()
    path.write_text(before.replace('equipment = "Mixer"', 'equipment = "R1"  # mine'))
    before = path.read_text()
    plant.call(plant.add("Tank/New.PI", 2.5, limits=(0.0, 10.0)))
    with standing(plant, RESULT):
        ended = init(path, plant, "--tags", "new.pi", listen="1")
    assert ended.code == 0
    assert path.read_text() == before
    assert "is there, and --opcua, --broker" in ended.output.replace("\n", " ")
    assert "+[tags.new_pi]" in ended.output
    assert '+"pH" = "ph"' in ended.output
    assert "nothing is written" in ended.output
    with standing(plant, RESULT):
        assert init(path, plant, "--tags", "new.pi", "--apply", listen="1").code == 0
    settings, _ = read(path)
    assert set(settings.tags) == {"ti_101", "new_pi"}
    assert settings.tags["ti_101"].equipment == "R1"
    assert settings.lims.analytes == {"pH": "ph"}
    assert (tmp_path / "labline.toml.before").read_text() == before
    again = init(path, plant, "--tags", "new.pi", "--apply")
    assert "nothing is new" in again.output


async def test_listening_takes_nothing_away_from_a_shared_subscription(monkeypatch):
    """A gateway may share its topic with others: whoever joined the group would take results away from it."""
    subscribed = []

    class Connection:
        def __init__(self, options, _generation):
            subscribed.extend(options.subscriptions)

        async def open(self):
            pass

        async def subscribe(self):
            return ()

        def close(self, *, polite):
            assert polite

    monkeypatch.setattr("gateway.cli.new_line.laboratory.ProbeConnection", Connection)
    address = brokers.address(brokers.named("mqtt://h"), username=None, password=None)
    assert await heard(address, "$share/labline/lims/results/#", seconds=0.0) == ([], False)
    assert subscribed == ["lims/results/#"]


def test_a_broker_that_is_away_costs_only_the_names_of_tests(tmp_path, plant):
    path = tmp_path / "labline.toml"
    ended = labline("init", "--output", path, "--opcua", plant.url, "--security", "None", "--broker", "mqtt://127.0.0.1:1",
                    "--listen", "1", "--yes", "--tags", "ti-101")  # fmt: skip
    assert ended.code == 0
    assert "cannot be entered" in ended.output
    assert read(path)[0].mqtt.port == 1


def test_a_server_that_is_away_is_named_and_nothing_is_written(tmp_path):
    path = tmp_path / "labline.toml"
    ended = labline(
        "init", "--output", path, "--opcua", "opc.tcp://127.0.0.1:1", "--yes", "--broker", "mqtt://localhost"
    )
    assert ended.code == 2
    assert "127.0.0.1:1" in ended.error
    assert not path.exists()


def test_on_a_terminal_it_asks_for_what_is_not_given(tmp_path, plant, monkeypatch):
    monkeypatch.setattr("gateway.cli.init.person_at_the_terminal", lambda **_options: Person(there=True))
    path = tmp_path / "labline.toml"
    typed = ["acme/lyon/polymers/line-1", plant.url, "tank", "1", "", f"mqtt://127.0.0.1:{plant.broker.port}"]
    result = CliRunner().invoke(app, ["init", "--output", str(path), "--security", "None", "--listen", "0"],
                                input="\n".join(typed) + "\n")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert list(read(path)[0].tags) == ["li_7"]
    assert "/Mixer" in result.output
    plant.call(plant.add("Tank/Newer.PI", 2.5))
    again = ["init", "--output", str(path), "--listen", "0"]
    refused = CliRunner().invoke(app, again, input="newer\n1\n\nn\n")
    assert "nothing is written" in refused.output
    agreed = CliRunner().invoke(app, again, input="newer\n1\n\ny\n")
    assert agreed.exit_code == 0, agreed.output
    assert set(read(path)[0].tags) == {"li_7", "newer_pi"}


# --- security


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("secured")
    from tests.fixtures.opcua_odd_server import write_certificate  # noqa: PLC0415 - only here

    certificate, key = write_certificate(folder, "server", uri="urn:test:server")

    async def prepare(server):
        server.set_security_policy(
            [ua.SecurityPolicyType.NoSecurity, ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt]
        )
        await server.load_certificate(str(certificate))
        await server.load_private_key(str(key))

    with PlantToFind(folder, prepare=prepare) as running:
        running.fingerprint = sha256_of(certificate.read_bytes())
        yield running


def test_the_best_security_is_chosen_and_the_server_is_trusted_by_its_fingerprint_only(tmp_path, secured):
    path = tmp_path / "labline.toml"
    options = ("init", "--output", path, "--opcua", secured.url, "--broker", f"mqtt://127.0.0.1:{secured.broker.port}",
               "--listen", "0", "--yes", "--tags", "ti-101")  # fmt: skip
    ended = labline(*options)
    assert ended.code == 2
    assert "nobody has trusted" in ended.error
    assert secured.fingerprint in ended.error
    ended = labline(*options, "--trust", "00" * 32)
    assert "another one" in ended.error
    assert not path.exists()
    assert not (tmp_path / "trusted").exists()
    spaced = ":".join(secured.fingerprint[at : at + 2] for at in range(0, 64, 2)).upper()
    ended = labline(*options, "--trust", spaced)
    assert ended.code == 0, ended.error
    settings, _ = read(path)
    assert settings.opcua["plc1"].security == "Basic256Sha256/SignAndEncrypt"
    assert settings.opcua["plc1"].server_certificate == tmp_path / "trusted" / "plc1"  # opcua trust adds to it
    key = tmp_path / "credentials" / "opcua_plc1_key.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "credentials").stat().st_mode & 0o777 == 0o700
    assert "PRIVATE KEY" not in path.read_text()


def test_a_line_that_shares_its_folder_with_others_has_files_of_its_own_and_the_broker_is_entered_by_a_certificate(
    tmp_path, secured
):
    certificate_pair(tmp_path, "given")
    path = tmp_path / "line-7.toml"
    options = ("init", "--output", path, "--opcua", secured.url, "--trust", secured.fingerprint, "--listen", "0",
               "--yes", "--broker", "broker.local", "--ca", tmp_path / "given.pem",
               "--broker-certificate", tmp_path / "given.pem")  # fmt: skip
    assert "needs its key" in labline(*options).error
    assert "cannot be used" in labline(*options, "--broker-key", tmp_path / "none.key").error
    ended = labline(*options, "--broker-key", tmp_path / "given.key")
    assert ended.code == 0, ended.error
    settings, _ = read(path)
    assert settings.store.directory == tmp_path / "store" / "line-7"
    assert settings.mqtt.certificate == tmp_path / "line-7-broker.pem"
    assert settings.mqtt.ca_certificate == tmp_path / "line-7-broker-ca.pem"
    assert settings.opcua["plc1"].certificate == tmp_path / "line-7.der"
    secrets = tmp_path / "credentials" / "line-7"
    assert {file.name for file in secrets.iterdir()} == {"mqtt_key.pem", "opcua_plc1_key.pem"}
    assert all(file.stat().st_mode & 0o077 == 0 for file in secrets.iterdir())


def test_the_place_of_a_line_of_the_service_is_where_its_unit_looks():
    place = Place.of(Path("/etc/labline/line-1.toml"))
    assert place.store == "/var/lib/labline/line-1"
    assert place.credentials == Path("/etc/labline/credentials/line-1")


# --- choosing at a prompt


VARIABLES = [variable("/Mixer/TI-101"), variable("/Mixer/TI-102"), variable("/Tank/LI-7", unit=None, limits=None)]


def typed(*lines):
    choice, shown = begun(VARIABLES), []
    for line in lines:
        choice, said = after(choice, line)
        shown += said
    return [item.name for item in choice.chosen], shown, choice.done


def test_a_search_narrows_the_list_and_numbers_take_of_it():
    assert typed("tank", "1")[0] == ["LI-7"]
    assert typed("ti-10?", "1-2", "-1")[0] == ["TI-102"]
    assert typed("mixer 102", "all")[0] == ["TI-102"]
    assert typed("all", "none")[0] == []
    assert typed("1,3")[0] == ["TI-101", "LI-7"]
    assert typed("9", "0")[0] == []
    assert typed("nothing")[1] == ["no variable has 'nothing' in its path"]
    assert typed("?")[1] == list(HELP)
    assert typed("")[2]


def test_the_list_is_a_tree_with_units_and_ranges():
    lines = listed(begun(VARIABLES), (0, 1, 2))
    assert lines[0] == "/Mixer"
    assert "1   TI-101  1.0 degC, 0 to 150" in lines[1]
    assert lines[3] == "/Tank"


def test_a_person_chooses_until_nothing_more_is_typed():
    lines, shown = iter(["tank", "1", ""]), []
    assert [item.name for item in asked(VARIABLES, lambda _question: next(lines), shown.append)] == ["LI-7"]


@given(st.lists(st.text(max_size=12), max_size=6))
def test_whatever_is_typed_only_variables_of_the_list_are_taken(lines):
    assert set(typed(*lines)[0]) <= {item.name for item in VARIABLES}


def test_words_may_stand_in_any_order():
    assert matching(VARIABLES, "102 mixer") == (1,)


# --- the text


ANYTHING = st.text(max_size=20)


@given(
    st.lists(st.tuples(ANYTHING, ANYTHING, st.one_of(st.none(), ANYTHING)), max_size=5),
    st.lists(ANYTHING, max_size=5, unique=True),
)
def test_whatever_names_a_server_and_a_laboratory_have_the_text_is_toml(found, tests):
    variables = [variable(f"/{folder}/{name}", unit=unit) for folder, name, unit in found]
    answers = Answers(site={"enterprise": "e", "site": "s", "area": "a", "line": "l"}, store="store", url="opc.tcp://h",
                      variables=variables, analytes=analyte_names(tests))  # fmt: skip
    document = tomllib.loads(configuration_text(answers))
    assert len(document.get("tags", {})) == len(variables)
    assert set(document["lims"]["analytes"]) == set(tests)
    assert len(set(document["lims"]["analytes"].values())) == len(tests)
    for tag, expected in zip(document.get("tags", {}).values(), variables, strict=True):
        assert tag["node"] == expected.node


@given(ANYTHING)
def test_a_quoted_text_is_the_text(text):
    assert tomllib.loads(f"x = {quoted(text)}")["x"] == text


def test_a_server_that_remembers_its_values_is_named():
    site = {"enterprise": "e", "site": "s", "area": "a", "line": "l"}
    for remembers in (True, False):
        found = [variable(has_history=remembers)]
        text = configuration_text(Answers(site=site, store="store", url="opc.tcp://h", variables=found))
        assert ('# history = "30d"  # 1 of these tags' in text) is remembers


def test_names_are_never_taken_twice():
    same = [variable("/A/T"), variable("/B/T"), variable("/B/T")]
    tables = tomllib.loads(tag_tables(same, Answers(site={}, store=""), taken={"t"}))
    assert set(tables["tags"]) == {"a_t", "b_t", "b_t_2"}
    assert slug("°", otherwise="tag") == "tag"


@pytest.mark.parametrize(("there", "expected"), [
    ("", {"new": "new"}),
    ("[lims]\ntopic = 't'\n[lims.analytes] # ours\n'pH' = 'ph'\n[mes]\ntopic = 'm'\n", {"new": "new", "pH": "ph"}),
    ("[lims.analytes]", {"new": "new"}),
    ("[lims]\nanalytes = {'pH' = 'ph'}\n", None),
    ("[lims]\nanalytes.'pH' = 'ph'\n", None),
])  # fmt: skip
def test_new_analytes_stand_in_their_table_wherever_that_is(there, expected):
    text = MINIMAL + there
    added = with_additions(text, (), Answers(site={}, store="", analytes={"new": "new"}), tag_names=())
    if expected is None:
        assert added.text == text
        assert '"new" = "new"' in added.by_hand[0]
    else:
        assert tomllib.loads(added.text)["lims"]["analytes"] == expected
        assert added.by_hand == ()


@pytest.mark.parametrize(("text", "expected"), [
    ("broker.local", ("broker.local", 8883, True)), ("mqtt://h", ("h", 1883, False)), ("h:1883", ("h", 1883, False)),
    ("mqtts://h:1884", ("h", 1884, True)), ("[fd00::7]:8884", ("fd00::7", 8884, True)),
])  # fmt: skip
def test_a_broker_may_be_named_in_many_ways(text, expected):
    named = brokers.named(text)
    assert (named.host, named.port, named.tls) == expected


@pytest.mark.parametrize("text", ["", "http://h", "u:p@h", "h h"])
def test_what_is_no_broker_is_refused(text):
    with pytest.raises(LablineError, match="is no broker"):
        brokers.named(text)


def test_the_mapping_is_the_one_that_understands_most():
    def delivery(document):
        return Delivery(session="s", topic="t", payload=json.dumps(document).encode(), message_number=1,
                        redelivered=False, qos=1, generation=1)  # fmt: skip

    assert understood_best([delivery(RESULT)]).mapping == "canonical"
    senaite = {"items": [{"portal_type": "Analysis", "Keyword": "pH", "Result": "6.9", "RequestID": "W-1", "Unit": ""}]}
    assert understood_best([delivery(senaite)]).messages
    assert understood_best([]).mapping == "canonical"
