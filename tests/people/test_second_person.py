"""Nobody makes a second self that decides on quality: another person confirms who gets such a role."""

import json
from contextlib import closing
from dataclasses import replace

import pytest

from gateway.people.passwords import hashed
from gateway.records.act_kinds import ActKind
from gateway.records.acts import ActOutcome, SignPending
from gateway.records.signatures import SignaturePolicy
from gateway.records.user_acts import AddUser, ChangeUser, EnrollKey, SetPassword
from gateway.records.users import CredentialKind, Role
from gateway.store.queries.users import users_of_all
from tests.fixtures.people import A_HASH
from tests.fixtures.store_bench import Bench
from tests.people.test_users import by

ADAM, QUIN, EVE = "adam", "quin", "eve"


@pytest.fixture
def bench(tmp_path):
    """An administrator, a person of quality, and a viewer whom the administrator has made."""
    bench = Bench(tmp_path)
    with closing(bench.connection):
        bench.act(AddUser(user_id=ADAM, full_name="Adam A.", roles=(Role.ADMINISTRATOR,)))
        bench.act(AddUser(user_id=QUIN, full_name="Quin Q.", roles=(Role.QUALITY,)))
        bench.act(ChangeUser(user_id="q.head", disabled=True), credential=by(ADAM))
        for user in (ADAM, QUIN):
            bench.act(SetPassword(user_id=user, password_hash=A_HASH), credential=by(user))
        bench.act(AddUser(user_id=EVE, full_name="Eve E.", roles=(Role.VIEWER,)), credential=by(ADAM))
        bench.act(SetPassword(user_id=EVE, password_hash=A_HASH), credential=by(EVE))
        yield bench


def roles_of(bench, user_id):
    return next((user.roles for user in users_of_all(bench.connection) if user.user_id == user_id), None)


def sign(bench, pending, user_id):
    act = SignPending(record_id=pending.details["record_id"], sha256=pending.details["sha256"])
    return bench.act(act, credential=by(user_id, CredentialKind.PASSWORD))


DOORS = [
    AddUser(user_id="puppet", full_name="Pup Pet", roles=(Role.QUALITY,)),
    AddUser(user_id="puppet", full_name="Pup Pet", roles=(Role.VIEWER, Role.ADMINISTRATOR)),
    ChangeUser(user_id=EVE, roles=(Role.VIEWER, Role.QUALITY)),
    ChangeUser(user_id=EVE, roles=(Role.ADMINISTRATOR,)),
    ChangeUser(user_id=QUIN, os_user="adams-account"),
    ChangeUser(user_id=QUIN, roles=(Role.QUALITY, Role.ADMINISTRATOR)),
    EnrollKey(user_id=QUIN, public_key="ab" * 32, label="T1"),
]


@pytest.mark.parametrize("act", DOORS, ids=lambda act: f"{act.kind} {act.user_id}")
def test_whoever_runs_the_users_opens_no_door_to_quality_alone(bench, act):
    bench.act(AddUser(user_id="olga", full_name="Olga O.", roles=(Role.QUALITY,)), credential=by(ADAM))
    before = users_of_all(bench.connection)
    pending = bench.act(act, credential=by(ADAM))
    subject_alone = act.user_id == QUIN  # nobody else of these roles has a password
    assert pending.outcome is (ActOutcome.DONE if subject_alone else ActOutcome.PENDING)
    if subject_alone:
        return
    assert users_of_all(bench.connection) == before
    for user, why in ((ADAM, "does not sign it"), (EVE, "sign")):
        assert why in sign(bench, pending, user).why
    assert sign(bench, pending, QUIN).outcome is ActOutcome.DONE
    assert users_of_all(bench.connection) != before
    lines = bench.rows("SELECT body FROM audit WHERE kind IN ('user_added', 'user_changed') ORDER BY seq DESC LIMIT 1")
    body = json.loads(lines[0][0])
    assert (body["person"], body["signed_by"]) == ("Adam A.", ["Quin Q."])


@pytest.mark.parametrize("act", [act for act in DOORS if act.user_id == QUIN], ids=lambda act: act.kind)
def test_what_is_about_one_person_of_quality_another_one_confirms(bench, act):
    added = bench.act(AddUser(user_id="olga", full_name="Olga O.", roles=(Role.QUALITY,)), credential=by(ADAM))
    assert sign(bench, added, QUIN).outcome is ActOutcome.DONE
    bench.act(SetPassword(user_id="olga", password_hash=A_HASH), credential=by("olga"))
    bench.now_ns += 1
    pending = bench.act(act, credential=by(ADAM))
    assert pending.outcome is ActOutcome.PENDING
    assert "is about quin" in sign(bench, pending, QUIN).why
    assert sign(bench, pending, "olga").outcome is ActOutcome.DONE


@pytest.mark.parametrize("change", [{"disabled": True}, {"roles": (Role.VIEWER,)}], ids=["disabled", "role taken"])
def test_who_takes_the_second_person_away_first_gains_nothing(bench, change):
    first = ChangeUser(user_id=QUIN, **change)
    assert bench.act(first, credential=by(ADAM)).outcome is ActOutcome.DONE  # it is not held up
    pending = bench.act(ChangeUser(user_id=EVE, roles=(Role.QUALITY,)), credential=by(ADAM))
    assert pending.outcome is ActOutcome.PENDING
    assert sign(bench, pending, QUIN).outcome is ActOutcome.REFUSED
    assert roles_of(bench, EVE) == (Role.VIEWER,)


def test_what_nobody_gains_by_is_done_at_once(bench):
    for act in (AddUser(user_id="olga", full_name="Olga O.", roles=(Role.OPERATOR, Role.SUPERVISOR, Role.ENGINEER)),
                ChangeUser(user_id=QUIN, full_name="Quin Quality"), ChangeUser(user_id=QUIN, disabled=True),
                ChangeUser(user_id=EVE, roles=(Role.OPERATOR,)),
                EnrollKey(user_id=EVE, public_key="cd" * 32, label="T")):  # fmt: skip
        assert bench.act(act, credential=by(ADAM)).outcome is ActOutcome.DONE, act


def test_a_change_that_waits_is_of_the_user_as_they_were(bench):
    pending = bench.act(ChangeUser(user_id=EVE, roles=(Role.QUALITY,)), credential=by(ADAM))
    bench.act(ChangeUser(user_id=EVE, full_name="Somebody Else"), credential=by(ADAM))
    assert "has changed since" in sign(bench, pending, QUIN).why
    assert roles_of(bench, EVE) == (Role.VIEWER,)


def test_a_plant_can_do_without_and_can_ask_for_more(bench):
    bench.line = replace(bench.line, signatures={
        ActKind.ADD_USER: SignaturePolicy(roles=(Role.QUALITY,), count=0),
        ActKind.CHANGE_USER: SignaturePolicy(roles=(Role.ADMINISTRATOR,), count=1, author_signs=False),
    })  # fmt: skip
    assert bench.act(DOORS[0], credential=by(ADAM)).outcome is ActOutcome.DONE
    pending = bench.act(ChangeUser(user_id=EVE, roles=(Role.QUALITY,)), credential=by(ADAM))
    assert "may not sign" in sign(bench, pending, QUIN).why


def test_a_line_is_set_up_by_one_person(tmp_path):
    bench = Bench(tmp_path)
    with closing(bench.connection):
        bench.act(SetPassword(user_id="q.head", password_hash=hashed("a password of one person")))
        for name, role in ((QUIN, Role.QUALITY), (ADAM, Role.ADMINISTRATOR)):
            added = bench.act(AddUser(user_id=name, full_name=f"{name} {name}", roles=(role,)))
            assert added.outcome is ActOutcome.DONE


def test_people_are_called_when_an_administrator_sets_the_password_of_one_who_confirms(bench):
    bench.act(SetPassword(user_id=EVE, password_hash=A_HASH), credential=by(ADAM))
    bench.act(SetPassword(user_id=QUIN, password_hash=A_HASH), credential=by(QUIN))
    assert bench.rows("SELECT alarm_id FROM alarm_event") == []
    bench.act(SetPassword(user_id=QUIN, password_hash=A_HASH), credential=by(ADAM))
    assert bench.rows("SELECT alarm_id, position FROM alarm_event") == [("gateway/PASSWORD_SET_QUIN", "quality")]
