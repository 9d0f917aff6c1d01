"""The commands that find and answer: on a store that no gateway has open, with the plant's procedures."""

import json
import os
import pwd
from contextlib import closing

import pytest

from gateway.cli import deviation
from gateway.cli.acts import PASSWORD
from gateway.cli.user import NEW_PASSWORD
from gateway.config.line_definition import procedures_of
from gateway.config.reading import read
from gateway.errors import ConfigurationError
from gateway.store.database import read_state
from gateway.store.queries.closings_to_check import ClosingToCheck
from gateway.store.queries.corrective_actions import actions_of
from gateway.store.queries.deviation_states import closing_of
from tests.decisions.test_deviations import Plant
from tests.fixtures.acting import acting
from tests.fixtures.building import line as at_line
from tests.fixtures.commands import labline
from tests.fixtures.console import quick_passwords
from tests.fixtures.people import ADDED_BY_COMMAND

PROCEDURE = "---\ntitle: Viscosity out\nanalyte: viscosity\n---\n1. Take a second sample\n2. Tell the shift lead\n"
CONFIGURATION = """
[site]
enterprise = "acme"
site = "north"
area = "mixing"
line = "line-1"

[store]
directory = "store"

[mqtt]
host = "127.0.0.1"
port = 9
tls = false
client_id = "bare"

[procedures]
folder = "procedures"

[lims.analytes]
Viscosity = "viscosity"

[[specification]]
product = "FG-100"
analyte = "viscosity"
lower = 95
upper = 105
unit = "mPa.s"

[copilot]
contacts = {line = "the shift lead, 4711"}
"""


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    folder = tmp_path_factory.mktemp("line")
    (folder / "store").mkdir()
    plant = Plant(folder / "store")
    with closing(plant.connection):
        for number in range(3):
            plant.lot(f"LOT-{number}")
        plant.lot("BAD-1", 110.0, supplier="Bolt")
        plant.lot("BAD-2", 111.0, supplier="Bolt")
    (folder / "procedures").mkdir()
    (folder / "procedures" / "oos.md").write_text(PROCEDURE, encoding="utf-8")
    (folder / "labline.toml").write_text(CONFIGURATION, encoding="utf-8")
    return folder


def run(line, *arguments):
    done = labline(*arguments, "--config", str(line / "labline.toml"))
    return done.code, done.output or done.error


def test_records_are_found_and_exported_as_json(line):
    code, said = run(line, "search", "Viskosität", "BAD-1")
    assert (code, "BAD-1" in said) == (0, True)
    code, said = run(line, "search", "supplier:bolt", "--kind", "lot", "--json")
    found = json.loads(said)
    assert [item["id"] for item in found["findings"]] == ["BAD-2", "BAD-1"]
    assert found["behind"] == {"lines": 0, "building": False, "dropped": 0, "damaged": 0}
    assert run(line, "search", "elephant")[0] == 1
    assert run(line, "search", "x", "--kind", "secret")[0] == 2


def test_a_question_is_answered_with_its_sources_and_one_without_answer_says_whom_to_ask(line):
    code, said = run(line, "ask", "Why is lot BAD-1 on hold?")
    assert (code, "lot BAD-1" in said, "is on hold" in said) == (0, True, True)
    code, said = run(line, "ask", "What is the weather?", "--json")
    assert (code, json.loads(said)["contact"]) == (1, "the shift lead, 4711")
    assert "Take a second sample" in run(line, "ask", "procedure for viscosity")[1]


def test_a_question_is_put_on_record_by_the_running_gateway_and_where_none_runs_it_is_said_so(line):
    code, said = run(line, "ask", "status of lot BAD-1")
    assert (code, "not put on record: no gateway runs" in said) == (0, True)
    assert json.loads(run(line, "ask", "status of lot BAD-1", "--json")[1])["on_record"] is False
    with acting(line / "store", at_line()):
        assert json.loads(run(line, "ask", "status of lot BAD-1", "--json")[1])["on_record"] is True
    with closing(read_state(line / "store")) as state:
        ((subject, body),) = state.execute("SELECT subject, body FROM audit WHERE kind = 'question_answered'")
    asked = json.loads(body)
    assert (subject, asked["who"], asked["known"]) == ("command", pwd.getpwuid(os.geteuid()).pw_name, True)
    assert (asked["question"], asked["sources"][0]) == ("status of lot BAD-1", "lot BAD-1")


def test_events_like_a_deviation_and_suppliers_are_shown(line):
    code, said = run(line, "deviation", "similar", "BAD-2", "--json")
    (event,) = json.loads(said)["similar"]
    assert (code, event["came_back"]["failed"]) == (0, 1)
    cards = json.loads(run(line, "suppliers", "--json")[1])["suppliers"]
    assert [(card["supplier"], card["used_in"], card["open_deviations"]) for card in cards] == [
        ("Bolt", 2, 2),
        ("Acme", 3, 0),
    ]
    assert json.loads(run(line, "action", "list", "--json")[1]) == {"actions": []}


def test_a_procedure_with_a_broken_head_is_named_and_nothing_else_is_searched(line):
    broken = line / "procedures" / "broken.md"
    broken.write_text("---\nanalyte viscosity\n---\n1. Do it\n", encoding="utf-8")
    try:
        for command in (("search", "viscosity"), ("ask", "procedure for viscosity")):
            assert run(line, *command)[0] == 2
        settings, _sha256 = read(line / "labline.toml")
        with pytest.raises(ConfigurationError) as refused:
            procedures_of(settings, line / "labline.toml")
        (problem,) = refused.value.problems
        assert (problem.file, "analyte viscosity" in problem.message) == (str(broken), True)
    finally:
        broken.unlink()


def test_a_deviation_is_closed_with_a_password_and_its_draft_says_so(line, tmp_path, monkeypatch):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    quick_passwords(monkeypatch)
    for name in (NEW_PASSWORD, PASSWORD):
        (tmp_path / name).write_text("a password of their own\n")
    run(line, *ADDED_BY_COMMAND)
    assert run(line, "user", "password", "q.head")[0] == 0
    close = ("deviation", "close", "BAD-1", "--reason", "the sample was mixed up", "--person", "q.head")
    code, said = run(line, *close)
    assert (code, "say why none is needed" in said) == (2, True)
    code, said = run(line, *close, "--no-action", "a single sample")
    assert (code, "is closed" in said) == (0, True), said
    assert run(line, *close, "--no-action", "again")[0] == 2
    listed = json.loads(run(line, "deviation", "list", "--json")[1])["deviations"]
    assert {item["lot"]: (item["state"], item["closed_by"]) for item in listed} == {
        "BAD-1": ("closed", ["Q. Head"]), "BAD-2": ("open", None),
    }  # fmt: skip
    draft = run(line, "deviation", "show", "BAD-1")[1]
    assert "the sample was mixed up" in draft
    assert "a single sample" in draft
    (other,) = (item["id"] for item in listed if item["lot"] == "BAD-2")
    recorded = run(line, "action", "record", other, "--action", "clean", "--owner", "q", "--person", "q.head")
    action = recorded[1].split()[-1]
    assert run(line, "action", "done", action, "--reason", "cleaned", "--person", "q.head")[0] == 0
    assert json.loads(run(line, "deviation", "list", "--json")[1])["to_check"] == []
    with closing(read_state(line / "store")) as state:
        (closed,) = (closing_of(state, item["id"]) for item in listed if item["lot"] == "BAD-1")
        due = ClosingToCheck(closed=closed, check_by="2026-12-24", last=actions_of(state, other)[0])
    monkeypatch.setattr(deviation, "closings_to_check", lambda _connection, _today: (due,))
    (shown,) = json.loads(run(line, "deviation", "list", "--json")[1])["to_check"]
    assert (shown["lot"], shown["check_by"], shown["action"], shown["effect"]) == (
        "BAD-1", "2026-12-24", "clean", "not effective",
    )  # fmt: skip
    assert run(line, "deviation", "list")[1].startswith("closed, effect to be checked now")


def test_the_load_of_the_laboratory_is_forecast_without_a_model(line):
    model = '[[model]]\nbundle = "nowhere"\nequipment = "R1"\nevery = "5s"\nstage = "shadow"\nexpires_after = "10m"\n'
    (line / "modelled.toml").write_text(f"{CONFIGURATION}\n{model}", encoding="utf-8")
    made = labline("lab", "load", "--json", "--config", str(line / "modelled.toml"))
    assert (made.code, len(made.document["days"]), made.document["approved_by"]) == (0, 28, None), made.error
