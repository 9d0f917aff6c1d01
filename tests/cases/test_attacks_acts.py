"""Acts of people on the command line: who did it and why is legible, or nothing is done; odd files are told."""

import json
import os
import stat
import sys
from contextlib import closing

import pytest

from gateway import cli
from gateway.contract.responses import response
from gateway.database.opening import open_for_writing
from gateway.history.file.statements import HISTORY, HISTORY_FILE
from tests.cases.test_first_plant_lot import Plant
from tests.config.test_settings import MINIMAL, written
from tests.fixtures.building import NOW_NS
from tests.fixtures.commands import labline

BLANK = ["", " ", "\u200b", "\t\n", "\x00"]
ACTS = {
    "acknowledge": ("audit", "acknowledge", "STORE_DAMAGED"),
    "promote": ("model", "promote", "bundle"),
    "rollback": ("model", "rollback", "viscosity"),
    "settle": ("lot", "LOT-1", "--settle", "POINT"),
}


@pytest.mark.parametrize("blank", BLANK)
@pytest.mark.parametrize("act", ACTS)
def test_attacks_09_no_act_goes_on_record_without_a_legible_person_and_reason(tmp_path, act, blank):
    command = (*ACTS[act], "--config", written(tmp_path, MINIMAL))
    for person, reason in ((blank, "looked at it"), ("Dora", blank)):
        ended = labline(*command, "--person", person, "--reason", reason)
        assert ended.code == 2
        assert "blank" in ended.error


@pytest.mark.parametrize("blank", BLANK)
def test_attacks_09_no_signature_has_a_blank_name_or_meaning(tmp_path, blank):
    for approver, meaning in ((blank, "validated"), ("Dora", blank)):
        ended = labline("model", "sign", tmp_path, "--key", tmp_path / "k.pem", "--stage", "advise",
                        "--approver", approver, "--meaning", meaning)  # fmt: skip
        assert ended.code == 2
        assert "blank" in ended.error


def test_attacks_09_a_retry_asks_for_a_legible_person(tmp_path):
    ended = labline("buffer", "retry", "ID", "--config", written(tmp_path, MINIMAL), "--person", " ")
    assert (ended.code, "blank" in ended.error) == (2, True)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"[" * 100_000, "nested too deeply"),
        (b"{}", "seq is missing"),
        (b"\xff\xfe{", "not UTF-8"),
        (b"7", "right structure"),
        (None, "No such file"),
    ],
)
def test_attacks_13_a_file_that_holds_no_witnesses_is_said_to_be_what_it_is(tmp_path, content, why):
    file = tmp_path / "heads"
    if content is not None:
        file.write_bytes(content)
    ended = labline("audit", "verify", "--config", written(tmp_path, MINIMAL), "--witness", file)
    assert ended.code == 2
    assert why in ended.error
    assert "Error(" not in ended.error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileNotFoundError(2, "No such file or directory", "a/b.csv"), "a/b.csv: No such file or directory"),
        (NotADirectoryError(20, "Not a directory", "a/b"), "a/b: Not a directory"),
        (OSError(28, "No space left on device"), "No space left on device"),
    ],
)
def test_first_plant_14_a_place_that_cannot_be_written_is_a_sentence_whatever_command_it_is(
    monkeypatch, capsys, error, said
):
    def refused(**_options):
        raise error

    monkeypatch.setattr(cli, "app", refused)
    monkeypatch.setattr(sys, "argv", ["labline"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert said in told
    assert "->" in told


@pytest.mark.parametrize(
    ("flag", "value"), [("--uri", "not a uri"), ("--uri", "urn"), ("--uri", "urn:a b"), ("--host", "a b")]
)
def test_connections_11_a_certificate_that_no_server_takes_is_not_made(tmp_path, flag, value):
    ended = labline("opcua", "certificate", "--out", tmp_path, flag, value)
    assert ended.code == 2
    assert value in ended.error
    assert not list(tmp_path.iterdir())


def test_first_plant_14_an_export_of_no_time_at_all_is_refused(tmp_path):
    ended = labline("history", "export", "--config", written(tmp_path, MINIMAL), "--to", tmp_path / "h.csv",
                    "--from", "2030-01-01T00:00:00Z", "--until", "2020-01-01T00:00:00Z")  # fmt: skip
    assert (ended.code, "--from must be before --until" in " ".join(ended.output.split())) == (2, True)


def test_attacks_11_a_day_before_every_line_archives_nothing(tmp_path):
    ended = labline(
        "audit", "archive", "--config", written(tmp_path, MINIMAL), "--to", tmp_path / "a", "--before", "0001-01-01"
    )
    assert (ended.code, "is no store" in ended.error) == (2, True)  # and no number that a database cannot hold


def test_attacks_17_what_commands_write_of_a_store_is_closed_to_others(tmp_path):
    with closing(Plant(tmp_path)) as plant:
        plant.result("pH", 9.8, sample_id="S-1")
        open_for_writing(tmp_path / "store" / HISTORY_FILE, HISTORY).close()
        written_to = {name: tmp_path / name for name in ("history.csv", "buffer.jsonl")}
        before = os.umask(0)
        try:
            ended = [
                labline("history", "export", "--config", plant.file, "--to", written_to["history.csv"]),
                labline("buffer", "export", "--config", plant.file, "--to", written_to["buffer.jsonl"]),
            ]
            assert os.umask(0) == 0  # and nothing else of the process has changed
        finally:
            os.umask(before)
    assert [each.code for each in ended] == [0, 0], [each.error for each in ended]
    assert {stat.S_IMODE(path.stat().st_mode) & 0o027 for path in written_to.values()} == {0}


@pytest.mark.parametrize("blank", [*BLANK, "\u200b\u202e", "\u00ad", "\u2060 \ufeff"])
def test_attacks_09_a_name_that_nobody_can_see_is_nobodys_in_a_response(blank):
    answer = response(json.dumps({"id": "A-1", "guidance_id": "G-1", "act": "acknowledge", "terminal": "t1",
                                  "person": blank}).encode(), now_ns=NOW_NS)  # fmt: skip
    assert answer.person is None


def test_attacks_09_a_name_in_a_response_is_kept_as_people_read_it():
    stated = {"id": "A-1", "guidance_id": "G-1", "act": "reject", "terminal": "t1", "person": " Zoë\u200b  Müller "}
    assert response(json.dumps(stated).encode(), now_ns=NOW_NS).person == "Zoë Müller"
