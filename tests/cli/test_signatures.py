"""``labline lot --decide`` and ``labline signature``: both components, on the store and beside a gateway."""

import json
import subprocess
import sys
from contextlib import closing, nullcontext

import pytest

from gateway.cli.acts import PASSWORD
from gateway.cli.user import NEW_PASSWORD
from gateway.config.line_definition import define_line
from gateway.config.reading import read
from gateway.store.audit.heads import load_signer
from tests.cases.test_first_plant_lot import Plant
from tests.fixtures.acting import acting
from tests.fixtures.commands import labline
from tests.fixtures.console import quick_passwords

OWN = "a password of their own"
TWO = '\n[signatures.decide_lot]\nroles = ["quality"]\ncount = 2\n'


@pytest.fixture(params=[True, False], ids=["beside a gateway", "on the store"])
def plant(tmp_path, monkeypatch, request):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    quick_passwords(monkeypatch)
    with closing(Plant(tmp_path, more=TWO)) as plant:
        line = define_line(read(plant.file)[0], path=plant.file)
        with acting(plant.file.parent / "store", line) if request.param else nullcontext():
            for name in (NEW_PASSWORD, PASSWORD):
                (tmp_path / name).write_text(OWN + "\n")
            run(plant, "user", "add", "bert", "--name", "Bert B.", "--role", "quality")
            for command in (("password", "q.head"), ("password", "bert"), ("password", "bert", "--person", "bert")):
                assert run(plant, "user", *command).code == 0
            yield plant


def run(plant, *arguments):
    return labline(*arguments, "--config", plant.file)


def decide(plant, *arguments):
    return run(plant, "lot", "L", "--decide", "release", "--reason", "inspected", *arguments)


def test_two_people_release_a_lot_which_then_shows_names_time_and_meaning_and_is_exported(plant, tmp_path):
    plant.result("pH", 7.0)
    assert "your password" in decide(plant).error
    waiting = decide(plant, "--person", "q.head")
    assert (waiting.code, "waits for 1 signature" in waiting.output) == (0, True)
    (item,) = run(plant, "signature", "list", "--json").document["records"]
    assert (item["signatures"][0]["printed_name"], item["signatures_missing"], item["state"]) == (
        "Q. Head", 1, "waiting")  # fmt: skip
    assert "Q. Head" in run(plant, "signature", "list").output
    export = ("signature", "export", item["record_id"], "--to", tmp_path / "bundle")
    assert "is waiting, not done" in run(plant, *export).error
    assert "has signed this already" in run(plant, "signature", "sign", item["record_id"], "--person", "q.head").error
    signed = run(plant, "signature", "sign", item["record_id"], "--person", "bert")
    assert (signed.code, "verdict: release" in signed.output, "signed by Bert B., and done" in signed.output) == (
        0, True, True)  # fmt: skip
    decision = run(plant, "lot", "L", "--json").document["decision"]
    assert (decision["decision"], decision["signed_by"]) == ("release", ["Q. Head", "Bert B."])
    shown = run(plant, "lot", "L").output
    assert "decided: release by Bert B. (quality), with Q. Head, 20" in shown
    assert "meaning: approval: release of lot L" in shown
    traced = run(plant, "audit", "trace", "L").output
    assert "Bert B." in traced
    assert "release of lot L" in traced
    directory = plant.file.parent / "store"
    load_signer(line="", directory=directory, credential=None, make_key=True)
    assert run(plant, *export).code == 0
    assert "is there already" in run(plant, *export).error
    ended = subprocess.run([sys.executable, "-I", tmp_path / "bundle" / "verify.py"], capture_output=True, text=True,
                           timeout=30, check=False)  # fmt: skip
    assert (ended.returncode, "signed by Q. Head" in ended.stdout) == (0, True), ended.stdout
    assert json.loads((tmp_path / "bundle" / "record.json").read_text())["record"]["subject"] == "L"


def test_what_one_has_asked_for_one_withdraws(plant):
    plant.result("pH", 7.0)
    record_id = decide(plant, "--person", "q.head", "--json").document["record_id"]
    withdraw = ("signature", "withdraw", record_id, "--reason", "a mistake")
    assert run(plant, *withdraw).code == 0
    assert "withdrawn already" in run(plant, "signature", "sign", record_id, "--person", "bert").error
    (item,) = run(plant, "signature", "list", "--all", "--json").document["records"]
    assert (item["state"], item["why"]) == ("withdrawn", "a mistake")
    assert "no record" in run(plant, "signature", "sign", "nothing", "--person", "bert").error
    record_id = decide(plant, "--person", "q.head", "--json").document["record_id"]
    reject = ("signature", "withdraw", record_id, "--reason", "retest first", "--person", "bert")
    assert run(plant, *reject).code == 0
    items = {item["record_id"]: item for item in run(plant, "signature", "list", "--all", "--json").document["records"]}
    assert (items[record_id]["state"], items[record_id]["why"]) == ("refused", "rejected by Bert B.: retest first")


def test_a_lot_is_reviewed_by_exception_settled_and_signed_by_commands(plant, tmp_path):
    plant.result("pH", 7.0)
    shown = run(plant, "lot", "review", "L", "--json")
    exceptions = shown.document["exceptions"]
    assert (shown.code, shown.document["open"]) == (1, len(exceptions))
    assert exceptions
    sign = ("lot", "review", "L", "--sign", "--person", "q.head", "--reason", "record reviewed")
    assert "exceptions are open" in run(plant, *sign).error
    assert "give --reason" in run(plant, "lot", "review", "L", "--settle", exceptions[0]["exception_id"]).error
    for item in exceptions:
        settle = ("--settle", item["exception_id"], "--reason", "looked at", "--person", "q.head")
        settled = run(plant, "lot", "review", "L", *settle)
    assert settled.code == 0
    signed = run(plant, *sign, "--html", tmp_path / "review.html")
    assert (signed.code, "signed by Q. Head" in signed.output) == (0, True)
    assert "record reviewed" not in signed.error
    assert "Q. Head" in (tmp_path / "review.html").read_text()
    assert "is no word" in run(plant, "lot", "revue", "L").error
