"""Signing in for one act, through the command and a running gateway, and on the store where none runs."""

import json
import time
from base64 import b32decode
from contextlib import closing, nullcontext
from dataclasses import replace
from functools import partial

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from gateway.cli.acts import PASSWORD
from gateway.cli.user import FIRST_CODE, NEW_PASSWORD, NEW_SECOND_DEVICE
from gateway.config.reading import read
from gateway.contract.acts import LONGEST_ANSWER_BYTES, ActRequest, SignInRequest, read_answer, request_line
from gateway.decisions import passwords
from gateway.errors import LablineError
from gateway.people.rights import WITH_REASON
from gateway.people.second_device import step_of_code
from gateway.records.act_kinds import ActKind
from gateway.records.acts import SettlePoint
from gateway.records.signatures import SignaturePolicy
from gateway.records.user_acts import SetPassword, SetSecondDevice
from gateway.records.users import Role
from gateway.runtime import identification
from gateway.runtime.act_requests import perform
from gateway.time_units import SECOND_NS
from gateway.transport.unix_line_client import ask_line
from tests.cases.test_first_plant_lot import Plant
from tests.fixtures.acting import acting
from tests.fixtures.commands import labline
from tests.fixtures.console import quick_passwords
from tests.fixtures.people import A_HASH
from tests.people.test_users import ACTS

OWN, OTHER = "a password of her own", "another password of hers"


@pytest.fixture
def plant(tmp_path, monkeypatch):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with closing(Plant(tmp_path)) as plant:
        plant.connection.execute("INSERT INTO latch (code, at_ns, body) VALUES ('X', 1, '{}')")
        yield plant


@pytest.fixture
def quick(monkeypatch):
    quick_passwords(monkeypatch)


def where(plant, runs):
    return acting(plant.file.parent / "store", plant.line) if runs else nullcontext()


def user(plant, *arguments):
    return labline("user", *arguments, "--config", plant.file)


def written(tmp_path, name, text):
    (tmp_path / name).write_text(f"{text}\n")


def acknowledged(plant, *arguments):
    return labline("audit", "acknowledge", "X", "--reason", "looked", *arguments, "--config", plant.file)


@pytest.mark.usefixtures("quick")
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


def test_a_hundred_wrong_passwords_lock_a_user_until_an_administrator_sets_another_one(plant, tmp_path):
    user(plant, "add", "dora", "--name", "Dora D.", "--role", "supervisor")
    written(tmp_path, NEW_PASSWORD, OWN)
    user(plant, "password", "dora")
    plant.connection.execute("INSERT INTO sign_in VALUES ('dora', '', 100, 1, 0, 1)")
    written(tmp_path, PASSWORD, OWN)
    assert "dora is locked" in acknowledged(plant, "--person", "dora").error
    assert user(plant, "password", "dora").code == 0  # an administrator's, by the account
    assert "set by somebody else" in acknowledged(plant, "--person", "dora").error


# --- a second device -------------------------------------------------------------------------------------------------

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def code_at(seconds):
    return TOTP(b32decode(SECRET), 6, SHA1(), 30).generate(seconds).decode()  # noqa: S303 - RFC 6238


def step_at(now, secret, code, *, now_ns):
    return step_of_code(secret, code, now_ns=now * SECOND_NS)


def second_device(plant, tmp_path, code, *arguments):
    written(tmp_path, NEW_SECOND_DEVICE, SECRET)
    written(tmp_path, FIRST_CODE, code)
    return user(plant, "second-device", "dora", *arguments)


@pytest.fixture
def with_dora(quick, plant, tmp_path):
    """A supervisor with a password of her own."""
    user(plant, "add", "dora", "--name", "Dora D.", "--role", "supervisor")
    written(tmp_path, NEW_PASSWORD, OTHER)
    user(plant, "password", "dora")
    written(tmp_path, PASSWORD, OTHER)
    written(tmp_path, NEW_PASSWORD, OWN)
    user(plant, "password", "dora", "--person", "dora")
    written(tmp_path, PASSWORD, OWN)
    return plant


@pytest.mark.parametrize("runs", [True, False], ids=["beside a gateway", "on the store"])
def test_a_code_of_the_second_device_is_asked_for_with_each_password_and_counts_once(
    with_dora, tmp_path, runs, monkeypatch
):
    plant = with_dora
    now = int(time.time())
    for module in (identification, passwords):  # the step in time stays, however long the test takes
        monkeypatch.setattr(module, "step_of_code", partial(step_at, now))
    with where(plant, runs):
        assert "not the present code" in second_device(plant, tmp_path, "000000").error
        shown = second_device(plant, tmp_path, code_at(now - 30))
        assert shown.code == 0
        assert f"otpauth://totp/Labline%20{plant.line.path.split('/')[-1]}%3Adora?secret={SECRET}" in shown.output
        assert "user or password is wrong" in acknowledged(plant, "--person", "dora").error
        for used in (now - 30, now - 60):  # it was used to set the device, and an earlier one is over with it
            written(tmp_path, PASSWORD, f"{OWN}\n{code_at(used)}")
            assert acknowledged(plant, "--person", "dora").error
        plant.connection.execute("DELETE FROM sign_in")
        written(tmp_path, PASSWORD, f"{OWN}\n{code_at(now)}")
        assert acknowledged(plant, "--person", "dora").code == 0
        assert "this code was used" in acknowledged(plant, "--person", "dora").error
        assert user(plant, "password", "dora").code == 0  # by an administrator: the device stays
        assert user(plant, "second-device", "dora", "--remove").code == 0
    rows = plant.connection.execute("SELECT kind, body FROM audit WHERE kind LIKE 'second_device%' ORDER BY seq")
    trail = [tuple(row) for row in rows]
    assert [kind for kind, _body in trail] == ["second_device_set", "second_device_removed"]
    assert SECRET not in str(trail)
    assert [row[0] for row in plant.connection.execute("SELECT totp_secret FROM user_password ORDER BY seq")] == [
        None, None, SECRET, SECRET, None,
    ]  # fmt: skip


def test_nobody_sets_a_second_device_for_another_and_none_is_set_without_the_password(with_dora, tmp_path):
    plant = with_dora
    settings, _sha256 = read(plant.file)
    for act, why in ((SetSecondDevice(user_id="dora", totp_secret=SECRET, code=code_at(time.time())), "is not yours"),
                     (SetSecondDevice(user_id="q.head", totp_secret=SECRET, code="1"), "your password"),
                     (SetSecondDevice(user_id="q.head"), "your password"),
                     (SetSecondDevice(user_id="dora"), "has no second device")):  # fmt: skip
        with pytest.raises(LablineError, match=why):
            perform(settings, act, path=plant.file, sign_in=None, reason="")
    for secret, why in (("MFRGGZDF", "20 to 64 bytes"), ("not base32 1!", "base32"), ("A" * 400, "20 to 64 bytes")):
        act = SetSecondDevice(user_id="dora", totp_secret=secret, code="123456")
        with pytest.raises(LablineError, match=why):
            perform(settings, act, path=plant.file, sign_in=SignInRequest(user_id="dora", password=OWN), reason="")


# --- what comes by the socket itself ---------------------------------------------------------------------------------

WEAK = [
    "h", "", "$2b$12$" + "a" * 53, A_HASH.replace("argon2id", "argon2i"), A_HASH.replace("m=65536", "m=8"),
    A_HASH.replace("t=3", "t=1"), A_HASH.replace("p=4", "p=1"), A_HASH.replace("v=19", "v=16"),
    A_HASH.replace("m=65536", "m=99999999"), A_HASH.replace("t=3", "t=9999"), A_HASH.replace("p=4", "p=99"),
    A_HASH + "\n", A_HASH.replace("$" + "A" * 22, "$AAAA"), A_HASH[:-10], A_HASH.replace("m=65536", "m=٦٥٥٣٦"),
]  # fmt: skip


def by_the_socket(plant, act, reason=""):
    directory = plant.file.parent / "store"
    line = request_line(ActRequest(act=act, sign_in=None, reason=reason, read_before_boot_ns=2**62))
    return read_answer(
        ask_line(directory, line, taken_within=5.0, answered_within=20.0, longest_bytes=LONGEST_ANSWER_BYTES)
    )


def test_no_weak_hash_of_a_password_comes_by_the_socket(plant):
    with where(plant, True):
        for weak in WEAK:
            answer = by_the_socket(plant, SetPassword(user_id="q.head", password_hash=weak))
            assert (answer.outcome, "hash" in answer.why) == ("refused", True), weak
        assert by_the_socket(plant, SetPassword(user_id="q.head", password_hash=A_HASH)).outcome == "done"
    assert plant.connection.execute("SELECT count(*) FROM user_password").fetchone()[0] == 1


def test_an_act_that_needs_a_reason_needs_it_by_the_socket_too(plant):
    with where(plant, True):
        for kind in WITH_REASON:
            for reason in ("", " \t", "\u200b\u2060"):
                answer = by_the_socket(plant, ACTS[kind], reason)
                assert answer.outcome == "refused", kind
                # a version is loaded before its promotion is decided on: tests/people/test_users.py
                assert "a reason is needed" in answer.why or kind is ActKind.PROMOTE_MODEL, kind


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
