"""Every command that prints a table: on a terminal of 80 columns and in a pipe nothing is cropped or broken."""

import json
import re
from contextlib import closing
from pathlib import Path

import pytest

from gateway.cli import output as presentation
from gateway.store.statements import SQL
from tests.cases.test_first_plant_lot import Plant, unread
from tests.fixtures.commands import labline

BUNDLE = Path(__file__).parents[2] / "models" / "viscosity" / "1.0.0"
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{64}")
LONG = "LOT-2026-11-29-REACTOR-1-CAMPAIGN-0007"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A store with something for each table."""
    folder = tmp_path_factory.mktemp("tables")
    with closing(Plant(folder)) as plant:
        plant.mes("lot_started", material_lot_id=LONG, job_order_id="WO-1001", equipment_id="R1",
                  material_definition_id="FG-100")  # fmt: skip
        for number in range(3):
            plant.result("pH", 7.0 + number / 10, LONG, sample_id=f"SAMPLE-2026-11-29-{number}")
        plant.result("Viscosity", 120.0, LONG, sample_id="SAMPLE-2026-11-29-9")
        unread(plant, LONG, "SAMPLE-2026-11-29-8")
        plant.lims(b'{"material_lot": "L", "test_name": "Viscosity", "result": 120}')
        plant.result("pH", 6.0, None, supplier="Boehm Chemicals International", material="M-1", sample_id="IN-1")
        plant.mes("lot_ended", material_lot_id=LONG, equipment_id="R1", at_seconds=0)
        plant.wait()
        plant.connection.execute(SQL["park"], {"seq": 1, "reason": "not authorised for the topic " * 3})
    (folder / "messages.json").write_text(
        json.dumps({"sample_id": "SAMPLE-2026-11-29-1", "test_name": "pH", "result": "1,234", "material_lot": LONG,
                    "surprising_field": 1})
    )  # fmt: skip
    return folder


COMMANDS = {
    "lot": ("lot", LONG),
    "audit trace": ("audit", "trace", LONG),
    "buffer dead-letters": ("buffer", "dead-letters"),
    "buffer parked": ("buffer", "parked"),
    "buffer status": ("buffer", "status"),
    "deviation list": ("deviation", "list"),
    "lims queue": ("lims", "queue"),
    "lims materials": ("lims", "materials"),
    "lims controls": ("lims", "controls"),
    "trend list": ("trend", "list"),
    "check": ("check",),
}


def without_configuration(folder):
    return {
        "model inspect": ("model", "inspect", BUNDLE),
        "lims try": ("lims", "try", "canonical", folder / "messages.json"),
    }


def asked(folder, command):
    if command in COMMANDS:
        return (*COMMANDS[command], "--config", folder / "labline.toml")
    return without_configuration(folder)[command]


def terminal(monkeypatch):
    """Make standard output look like a terminal without colours, of 80 columns and 25 lines."""
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(presentation.out, "_force_terminal", True)


@pytest.mark.parametrize("command", [*COMMANDS, "model inspect", "lims try"])
def test_first_plant_07_every_table_in_a_pipe_and_at_80_columns_says_all_and_breaks_no_id(folder, monkeypatch, command):
    in_pipe = labline(*asked(folder, command))
    terminal(monkeypatch)
    on_terminal = labline(*asked(folder, command))
    assert in_pipe.code == on_terminal.code
    for told in (in_pipe, on_terminal):
        assert "…" not in told.output
        assert "..." not in told.output
        assert not re.search(r"\d\.\d{9,}", told.output)  # no number that nobody reads
        assert "\x1b" not in told.output
    assert sorted(ID.findall(in_pipe.output)) == sorted(ID.findall(on_terminal.output))
    words = re.compile(r"[\w.<>=%/-]+")
    assert set(words.findall(in_pipe.output)) - {"-", "state"} <= set(words.findall(on_terminal.output))
    assert all(len(line) <= 80 or len(line.split()) <= 2 for line in on_terminal.lines)  # a topic may be longer


@pytest.mark.parametrize(
    ("command", "key"),
    [("buffer dead-letters", "id"), ("buffer parked", "message_id"), ("deviation list", "id"), ("lot", "point_id")],
)
def test_first_plant_07_an_id_can_be_copied_from_the_table_into_the_next_command(folder, command, key):
    document = labline(*asked(folder, command), "--json").document
    rows = next(
        value for value in document.values() if isinstance(value, list) and value and isinstance(value[0], dict)
    )
    shown = labline(*asked(folder, command)).output
    for row in rows:
        assert row[key] in shown


def test_a_person_reads_the_message_that_a_point_is_about(folder):
    (letter,) = [
        row for row in labline(*asked(folder, "buffer dead-letters"), "--json").document["dead_letters"]
        if row["why"].startswith("sample_id")
    ]  # fmt: skip
    told = labline("buffer", "dead-letters", "--id", letter["id"], "--config", folder / "labline.toml")
    assert '{"material_lot": "L", "test_name": "Viscosity", "result": 120}' in told.lines
    assert "lots   L" in told.lines
    unknown = labline("buffer", "dead-letters", "--id", "nobody", "--config", folder / "labline.toml")
    assert unknown.code == 2
