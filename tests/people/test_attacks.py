"""Attacks on who is who: locked out by strangers, printed like somebody else, keys that anybody signs for, edits."""

import sqlite3
from contextlib import closing

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.contract.acts import SignInRequest
from gateway.events import ActRequested
from gateway.people import passwords
from gateway.people.public_keys import problem_of_public_key
from gateway.records.user_acts import AddUser, ChangeUser, EnrollKey, RevokeKey, SetPassword
from gateway.records.users import Credential, CredentialKind, Role
from gateway.runtime.identification import check
from gateway.store.audit.evidence import evidence_hash
from gateway.store.audit.verifying import verify
from gateway.store.database import STATE_FILE
from gateway.store.queries.users import sign_in_of
from tests.fixtures.building import moment
from tests.fixtures.people import A_HASH
from tests.fixtures.store_bench import Bench
from tests.people.test_users import by, tried

ROOT = Credential(kind=CredentialKind.OS_USER, subject="nobody-on-this-line", owns_store=True)
GUEST = Credential(kind=CredentialKind.OS_USER, subject="nobody-on-this-line", owns_store=False)


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    with closing(bench.connection):
        bench.with_users()
        yield bench


# --- locked out ------------------------------------------------------------------------------------------------


def test_the_owner_of_the_store_gives_a_locked_administrator_a_password_and_nobody_else_one(bench):
    bench.act(AddUser(user_id="adam", full_name="Adam A.", roles=(Role.ADMINISTRATOR,)))
    bench.act(AddUser(user_id="quin", full_name="Quin Q.", roles=(Role.QUALITY,)))
    for _ in range(10):
        tried(bench, "adam", succeeded=False)
    assert sign_in_of(bench.connection, "adam", "").failures == 10
    new = SetPassword(user_id="adam", password_hash=A_HASH)
    assert bench.act(new, credential=GUEST).outcome == "refused"
    assert bench.act(new, credential=ROOT).outcome == "done"
    assert sign_in_of(bench.connection, "adam", "").failures == 0
    assert bench.rows("SELECT must_change FROM user_password") == [(1,)]
    assert "is not yours" in bench.act(SetPassword(user_id="quin", password_hash=A_HASH), credential=ROOT).why
    assert "is no user" in bench.act(ChangeUser(user_id="adam", disabled=True), credential=ROOT).why
    (line,) = bench.rows("SELECT json_extract(body, '$.person', '$.credential') FROM audit WHERE kind = 'password_set'")
    assert line == ('["owner of the store","os_user"]',)


def test_a_disabled_users_password_takes_as_long_as_any_and_is_on_record(bench, monkeypatch):
    bench.act(AddUser(user_id="dora", full_name="Dora D.", roles=(Role.QUALITY,)))
    bench.act(SetPassword(user_id="dora", password_hash=passwords.hashed("correct horse")))
    bench.act(ChangeUser(user_id="dora", disabled=True))
    looked_at = []
    matches = passwords.matches
    monkeypatch.setattr("gateway.runtime.identification.matches",
                        lambda password, kept: looked_at.append(kept) or matches(password, kept))  # fmt: skip
    checked = [check(bench.directory, SignInRequest(user_id=user, password="correct horse"), now_ns=bench.now_ns)
               for user in ("dora", "nobody")]  # fmt: skip
    assert checked[0] == checked[1]
    assert (checked[0].succeeded, checked[0].refusal, len(looked_at)) == (False, None, 2)


# --- printed like somebody else --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Anna Quality", "anna  quality", "Anna\u200b Quality", "\u202eAnna Quality",
                                  "\u0410nna Qu\u0430lity", "Ann\uff41 Quality", "Anna\u00a0Quality"])  # fmt: skip
def test_nobody_is_printed_like_somebody_else(bench, name):
    bench.act(AddUser(user_id="anna", full_name="Anna Quality", roles=(Role.QUALITY,)))
    assert "looks the same" in bench.act(AddUser(user_id="eve", full_name=name, roles=(Role.QUALITY,))).why
    bench.act(AddUser(user_id="eve", full_name="Eve E.", roles=(Role.QUALITY,)))
    assert "looks the same" in bench.act(ChangeUser(user_id="eve", full_name=name)).why
    bench.act(ChangeUser(user_id="anna", disabled=True))  # what she has signed still shows her name
    assert "looks the same" in bench.act(ChangeUser(user_id="eve", full_name=name)).why
    assert bench.act(ChangeUser(user_id="anna", full_name="Anna Quality-Meier")).outcome == "done"


@pytest.mark.parametrize("user_id", ["ANNA", "anna\u200b", "\u0430nna", "anna\n", "anna ", "", "-anna", "a" * 33,
                                     "anna'--", "anna\0", "\u2024anna", "../anna"])  # fmt: skip
def test_a_users_id_is_plain(bench, user_id):
    act = AddUser(user_id=user_id, full_name="Eve E.", roles=(Role.VIEWER,))
    assert bench.act(act).outcome == "refused"


# --- keys ------------------------------------------------------------------------------------------------------

_IDENTITY = (1).to_bytes(32, "little")
_SMALL = [
    "00" * 32, _IDENTITY.hex(), "00" * 31 + "80", "01" + "00" * 30 + "80",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    *(f"{low}{'ff' * 30}{high}" for low in ("ec", "ed", "ee", "ef", "ff") for high in ("7f", "ff")),
]  # fmt: skip


def test_there_are_keys_for_which_anybody_signs_anything():
    Ed25519PublicKey.from_public_bytes(_IDENTITY).verify(_IDENTITY + b"\0" * 32, b"whatever")


@pytest.mark.parametrize("key", _SMALL)
def test_a_key_for_which_anybody_can_sign_signs_for_nobody(bench, key):
    refused = bench.act(EnrollKey(user_id="q.head", public_key=key, label="T1"))
    assert (refused.outcome, refused.why) == ("refused", "anybody can sign for this key")
    assert bench.rows("SELECT count(*) FROM user_key") == [(0,)]


def test_other_keys_are_taken():
    assert problem_of_public_key("19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1") is None


def test_who_takes_all_users_out_by_hand_does_not_become_the_first_one(bench):
    edited(bench.directory, "DELETE FROM user_version; DELETE FROM user_password")
    mine = AddUser(user_id="eve", full_name="Eve E.", roles=tuple(Role))
    for credential in (ROOT, Credential(kind=CredentialKind.SETUP_LINK, subject="set-up link")):
        answer = asked_for_as_it_is(bench, mine, credential)
        assert (answer.outcome, "is no user" in answer.why) == ("refused", True)


def asked_for_as_it_is(bench, act, credential):
    event = ActRequested(event_id=f"e-{credential.kind}", at=moment(bench.now_ns), act=act, credential=credential,
                         reason="r")  # fmt: skip
    return bench.commit(event).answers[event.event_id]


# --- rows that were edited ---------------------------------------------------------------------------------------


def edited(directory, script):
    with closing(sqlite3.connect(directory / STATE_FILE)) as connection:
        connection.create_function("evidence_hash", -1, evidence_hash, deterministic=True)
        connection.executescript(script)


@pytest.mark.parametrize("script", [
    "UPDATE user_version SET roles = 'quality,administrator' WHERE user_id = 'eve'",
    "INSERT INTO user_version (user_id,full_name,roles,disabled,at_ns,changed_by) SELECT 'eve','E','quality',0,1,'x'",
    "DELETE FROM user_version WHERE disabled = 1",
    "UPDATE user_password SET password_hash = 'mine'",
    "INSERT INTO user_password (user_id, password_hash, must_change, at_ns) VALUES ('q.head', 'mine', 0, 1)",
    "DELETE FROM user_password WHERE seq = (SELECT max(seq) FROM user_password)",
    "UPDATE user_key SET user_id = 'q.head'",
    "INSERT INTO user_key (key_id, user_id, public_key, label, revoked, at_ns) VALUES ('k', 'q.head', 'p', 'T', 0, 1)",
    "DELETE FROM user_key WHERE revoked = 1",
    "DROP TRIGGER audit_is_append_only_delete; DELETE FROM audit WHERE kind = 'user_added'",
    "DROP TRIGGER audit_is_append_only_delete; DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)",
    "DROP TRIGGER audit_is_append_only_update; UPDATE audit SET body = replace(body, 'os_user', 'session')",
])  # fmt: skip
def test_what_is_edited_of_users_passwords_and_keys_is_found(bench, script):
    bench.act(AddUser(user_id="eve", full_name="Eve E.", roles=(Role.VIEWER,)))
    bench.act(SetPassword(user_id="eve", password_hash=A_HASH), credential=by("q.head"))
    key = bench.act(EnrollKey(user_id="eve", public_key="ab" * 32, label="T1")).details["key_id"]
    bench.act(RevokeKey(key_id=key))
    bench.act(ChangeUser(user_id="eve", disabled=True))
    assert verify(bench.directory, line=bench.line.path, own_key=None).wrong == []
    edited(bench.directory, script)
    assert verify(bench.directory, line=bench.line.path, own_key=None).wrong != []
