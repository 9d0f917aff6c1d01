"""Who issues somebody's password decides nothing by it: a third person asks its user and confirms it."""

import json
from contextlib import closing

import pytest

from gateway.contract.lot_decisions import basis_sha256
from gateway.people.second_person import BEFORE_CONFIRMED
from gateway.records.act_kinds import ActKind
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import ActOutcome, StopWrites
from gateway.records.lot_decisions import Verdict
from gateway.records.user_acts import AddUser, ChangeUser, ConfirmPassword, SetPassword
from gateway.records.users import Credential, CredentialKind, Role
from gateway.store.queries.users import password_of, passwords_to_confirm
from tests.fixtures.deciding import Deciding
from tests.fixtures.people import A_HASH
from tests.fixtures.store_bench import viscosity
from tests.people.test_users import ACTS, by

MALLORY, ANNA, BERT, OLGA = "mallory", "anna", "bert", "olga"
OWN_HASH = A_HASH.replace("$AA", "$CC")
ROOT = Credential(kind=CredentialKind.OS_USER, subject="nobody-on-this-line", owns_store=True)


def password(user_id):
    return by(user_id, CredentialKind.PASSWORD)


@pytest.fixture
def bench(tmp_path):
    """Two people of quality who have set their own passwords, an operator, and an administrator who is an attacker."""
    bench = Deciding(tmp_path)
    with closing(bench.connection):
        bench.act(AddUser(user_id=MALLORY, full_name="Mal Lory", roles=(Role.ADMINISTRATOR,)))
        for user in (MALLORY, ANNA, BERT, OLGA):
            bench.act(SetPassword(user_id=user, password_hash=A_HASH), credential=by(user))
        bench.act(ChangeUser(user_id="q.head", disabled=True))
        bench.result(viscosity(100.0))
        yield bench


def issue(bench, user_id, *, by_whom=MALLORY, opened=True):
    """Make a link for a user as somebody, and open it: an attacker does both."""
    set_first = SetPassword(user_id=user_id, password_hash=A_HASH)
    assert bench.act(set_first, credential=password(by_whom)).outcome is ActOutcome.DONE
    if opened:
        own = SetPassword(user_id=user_id, password_hash=OWN_HASH)
        assert bench.act(own, credential=password(user_id)).outcome is ActOutcome.DONE


def confirm(bench, user_id, credential):
    return bench.act(ConfirmPassword(user_id=user_id), credential=credential, reason="asked at the desk")


def test_an_administrator_who_opens_the_link_of_quality_releases_no_lot(bench):
    issue(bench, ANNA)
    refusal = bench.decide(Verdict.RELEASE, ANNA)
    assert (refusal.code, bench.decision()) == (ActRefusal.PASSWORD_UNCONFIRMED, None)
    assert bench.decide(Verdict.RELEASE, BERT, basis=basis_sha256(bench.basis())).outcome is ActOutcome.DONE


@pytest.mark.parametrize("kind", [kind for kind in ActKind if kind not in BEFORE_CONFIRMED])
def test_by_a_password_that_nobody_has_confirmed_nothing_is_decided_whatever_the_act_and_the_door(bench, kind):
    issue(bench, ANNA)
    for door in (CredentialKind.PASSWORD, CredentialKind.SESSION):
        refusal = bench.act(ACTS[kind], credential=by(ANNA, door), reason="because")
        assert refusal.code is ActRefusal.PASSWORD_UNCONFIRMED


def test_writing_is_stopped_by_whoever_sees_a_danger_also_before_the_password_is_confirmed(bench):
    issue(bench, ANNA)
    assert bench.act(StopWrites(), credential=by(ANNA), reason="danger").outcome is ActOutcome.DONE


def test_a_third_person_confirms_and_from_then_on_the_user_decides(bench):
    issue(bench, ANNA)
    assert [user.user_id for user, _password in passwords_to_confirm(bench.connection)] == [ANNA]
    assert confirm(bench, ANNA, password(BERT)).outcome is ActOutcome.DONE
    (line,) = bench.rows("SELECT body FROM audit WHERE kind = 'password_confirmed'")
    body = json.loads(line[0])
    assert (body["issued_by"], body["person"], body["reason"]) == (MALLORY, "Bert Q.", "asked at the desk")
    assert password_of(bench.connection, ANNA).password_hash == OWN_HASH
    assert bench.decide(Verdict.RELEASE, ANNA).outcome is ActOutcome.DONE
    again = confirm(bench, ANNA, password(BERT))
    assert again.code is ActRefusal.PASSWORD_NEEDS_NO_CONFIRMATION


@pytest.mark.parametrize(
    ("who", "code"),
    [
        (password(MALLORY), ActRefusal.CONFIRMED_BY_A_THIRD),  # who has issued it
        (password(ANNA), ActRefusal.PASSWORD_UNCONFIRMED),  # as the user whose link was opened
        (password(OLGA), ActRefusal.ROLE_NOT_ENTITLED),
        (by(BERT), ActRefusal.BOTH_COMPONENTS_NEEDED),  # a session that was left open
    ],
    ids=["issuer", "user", "operator", "session"],
)
def test_nobody_confirms_who_could_be_the_attacker(bench, who, code):
    issue(bench, ANNA)
    assert confirm(bench, ANNA, who).code is code
    assert bench.decide(Verdict.RELEASE, ANNA).code is ActRefusal.PASSWORD_UNCONFIRMED


def test_two_people_whose_links_were_opened_do_not_confirm_one_another(bench):
    issue(bench, ANNA)
    issue(bench, BERT)
    assert confirm(bench, ANNA, password(BERT)).code is ActRefusal.PASSWORD_UNCONFIRMED
    assert confirm(bench, BERT, password(ANNA)).code is ActRefusal.PASSWORD_UNCONFIRMED
    assert confirm(bench, BERT, ROOT).outcome is ActOutcome.DONE  # the owner of the machine, where nobody else is left
    assert confirm(bench, ANNA, password(BERT)).outcome is ActOutcome.DONE


def test_disabling_the_third_person_first_gains_nothing(bench):
    bench.act(ChangeUser(user_id=BERT, disabled=True), credential=by(MALLORY))
    issue(bench, ANNA)
    assert bench.decide(Verdict.RELEASE, ANNA).code is ActRefusal.PASSWORD_UNCONFIRMED


def test_what_was_not_replaced_yet_is_not_confirmed_and_replacing_it_once_more_confirms_nothing(bench):
    issue(bench, ANNA, opened=False)
    assert confirm(bench, ANNA, password(BERT)).code is ActRefusal.PASSWORD_NOT_REPLACED_YET
    for _ in range(2):
        bench.act(SetPassword(user_id=ANNA, password_hash=OWN_HASH), credential=password(ANNA))
    assert bench.decide(Verdict.RELEASE, ANNA).code is ActRefusal.PASSWORD_UNCONFIRMED


def test_an_operators_password_needs_nobody_until_the_operator_decides_on_quality(bench):
    issue(bench, OLGA)
    assert passwords_to_confirm(bench.connection) == []
    raised = bench.act(ChangeUser(user_id=OLGA, roles=(Role.QUALITY,)), credential=by(MALLORY))
    assert raised.outcome is ActOutcome.PENDING
    assert password_of(bench.connection, OLGA).issued_by == MALLORY


def test_in_a_line_of_two_people_there_is_nobody_to_confirm_and_quality_is_called(tmp_path):
    bench = Deciding(tmp_path)
    with closing(bench.connection):
        bench.act(ChangeUser(user_id="bert", disabled=True))
        bench.act(ChangeUser(user_id="q.head", disabled=True), credential=by("q.head"))
        bench.act(AddUser(user_id=MALLORY, full_name="Mal Lory", roles=(Role.ADMINISTRATOR,)))
        bench.act(SetPassword(user_id=ANNA, password_hash=A_HASH), credential=by("q.head"))
        assert password_of(bench.connection, ANNA).issued_by is None
        assert bench.rows("SELECT alarm_id FROM alarm_event") == [("gateway/PASSWORD_SET_ANNA",)]


def test_a_row_that_says_a_password_is_confirmed_and_was_written_by_hand_gives_nothing(bench):
    issue(bench, ANNA)
    bench.connection.execute("UPDATE user_password SET issued_by = NULL")
    assert password_of(bench.connection, ANNA) is None
