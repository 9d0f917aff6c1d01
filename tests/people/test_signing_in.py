"""Signing in for one act, through the command and a running gateway, and on the store where none runs."""

import json
from contextlib import closing, nullcontext
from dataclasses import replace

import pytest

from gateway.cli.acts import PASSWORD
from gateway.cli.user import NEW_PASSWORD
from gateway.config.reading import read
from gateway.errors import LablineError
from gateway.records.act_kinds import ActKind
from gateway.records.acts import SettlePoint
from gateway.records.signatures import SignaturePolicy
from gateway.records.users import Role
from gateway.runtime.act_requests import perform
from tests.cases.test_first_plant_lot import Plant
from tests.fixtures.acting import acting
from tests.fixtures.commands import labline

OWN, OTHER = "a password of her own", "another password of hers"


@pytest.fixture
def plant(tmp_path, monkeypatch):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with closing(Plant(tmp_path)) as plant:
        plant.connection.execute("INSERT INTO latch (code, at_ns, body) VALUES ('X', 1, '{}')")
        yield plant


def where(plant, runs):
    return acting(plant.file.parent / "store", plant.line) if runs else nullcontext()


def user(plant, *arguments):
    return labline("user", *arguments, "--config", plant.file)


def written(tmp_path, name, text):
    (tmp_path / name).write_text(f"{text}\n")


def acknowledged(plant, *arguments):
    return labline("audit", "acknowledge", "X", "--reason", "looked", *arguments, "--config", plant.file)


@pytest.mark.parametrize("runs", [True, False], ids=["beside a gateway", "on the store"])
def test_a_user_signs_in_for_one_act_with_a_password_of_their_own(plant, tmp_path, runs):
    with where(plant, runs):
        assert user(plant, "add", "dora", "--name", "Dora D.", "--role", "supervisor").code == 0
        written(tmp_path, NEW_PASSWORD, OTHER)
        assert user(plant, "password", "dora").code == 0
        written(tmp_path, PASSWORD, "a wrong password")
        assert "user or password is wrong" in acknowledged(plant, "--person", "dora").error
        assert "user or password is wrong" in acknowledged(plant, "--person", "nobody").error
        written(tmp_path, PASSWORD, OTHER)
        assert "set by somebody else" in acknowledged(plant, "--person", "dora").error
        written(tmp_path, NEW_PASSWORD, OWN)
        assert user(plant, "password", "dora", "--person", "dora").code == 0
        written(tmp_path, PASSWORD, OWN)
        assert acknowledged(plant, "--person", "dora").code == 0
    rows = plant.connection.execute("SELECT body FROM audit WHERE kind = 'alarm_acknowledged'").fetchall()
    (line,) = [json.loads(body) for (body,) in rows]
    assert (line["user"], line["person"], line["credential"]) == ("dora", "Dora D.", "password")
    kinds = [
        kind for (kind,) in plant.connection.execute("SELECT kind FROM audit WHERE kind LIKE 'sign_in%' ORDER BY seq")
    ]
    assert kinds == ["sign_in_failed", "sign_in_failed", "sign_in", "sign_in", "sign_in"]


def test_ten_wrong_passwords_lock_a_user_whatever_comes_after(plant, tmp_path):
    user(plant, "add", "dora", "--name", "Dora D.", "--role", "supervisor")
    written(tmp_path, NEW_PASSWORD, OWN)
    user(plant, "password", "dora")
    plant.connection.execute("INSERT INTO sign_in (user_id, failures, last_failed_ns) VALUES ('dora', 10, 1) "
                             "ON CONFLICT (user_id) DO UPDATE SET failures = 10, last_failed_ns = 1")  # fmt: skip
    written(tmp_path, PASSWORD, OWN)
    assert "dora is locked" in acknowledged(plant, "--person", "dora").error
    assert user(plant, "password", "dora").code == 0  # an administrator's, by the account
    assert "set by somebody else" in acknowledged(plant, "--person", "dora").error


def test_without_a_terminal_a_password_is_not_asked_for_and_the_command_says_what_to_do(plant):
    ended = acknowledged(plant, "--person", "q.head")
    assert (ended.code, PASSWORD in ended.error) == (2, True)


def test_users_are_listed_with_their_roles_and_keys(plant, tmp_path):
    key = tmp_path / "key.pem"
    key.write_text("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
                   "-----END PUBLIC KEY-----\n")  # fmt: skip
    assert user(plant, "enroll", "q.head", "--key", key, "--terminal", "hall 3").code == 0
    (listed,) = user(plant, "list", "--json").document["users"]
    assert (listed["user"], listed["name"], listed["keys"][0]["label"]) == ("q.head", "Q. Head", "hall 3")
    assert "hall 3" in user(plant, "list").output
    assert user(plant, "revoke", listed["keys"][0]["key"]).code == 0
    assert user(plant, "list", "--json").document["users"][0]["keys"] == []
    key.write_text("no key")
    assert "no public key" in user(plant, "enroll", "q.head", "--key", key, "--terminal", "hall 3").error
    assert user(plant, "disable", "q.head").code == 2  # the last administrator
    assert user(plant, "change", "q.head").code == 2
    assert user(plant, "role", "q.head", "administrator").code == 0
    assert user(plant, "list", "--json").document["users"][0]["roles"] == ["administrator"]


@pytest.mark.parametrize("runs", [True, False], ids=["beside a gateway", "on the store"])
def test_an_act_that_the_plant_has_signed_is_not_done_by_the_account_alone(plant, runs):
    with plant.file.open("a", encoding="utf-8") as file:
        file.write('\n[signatures.settle_point]\nroles = ["quality"]\ncount = 1\n')
    plant.line = replace(
        plant.line,
        signatures={ActKind.SETTLE_POINT: SignaturePolicy(roles=(Role.QUALITY,), count=1)},
    )
    settings, _sha256 = read(plant.file)
    act = SettlePoint(material_lot_id="L", point_id="P")
    with where(plant, runs), pytest.raises(LablineError, match="your password"):
        perform(settings, act, path=plant.file, sign_in=None, reason="looked")
