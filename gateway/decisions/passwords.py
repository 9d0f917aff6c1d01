"""Passwords and second devices: who sets them, and of what kind they are."""

from dataclasses import replace
from typing import Any

from gateway.advice.alarm_states import after
from gateway.advice.gateway_alarms import gateway_alarm, password_set_of
from gateway.decision import Decision
from gateway.decisions.changes import audit_entry
from gateway.decisions.users import unknown_user, user_in
from gateway.events import ActRequested
from gateway.facts.acts import PasswordFacts
from gateway.people.passwords import problem_of_hash
from gateway.people.second_device import problem_of_secret, step_of_code
from gateway.people.second_person import CONFIRMED, issued_by
from gateway.people.signing import not_by_both_components
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import done, refused
from gateway.records.alarms import AlarmChange, AlarmChanged
from gateway.records.record import Record
from gateway.records.user_acts import ConfirmPassword, SetPassword, SetSecondDevice
from gateway.records.users import CodeUsed, PasswordSet, Role, User


def on_set_password(event: ActRequested, facts: PasswordFacts) -> Decision:
    """Give a user a password: oneself, or an administrator, whose choice the user has to replace.

    Administrators get one from the store's owner, too: guesses of a stranger lock the last one, and nobody else could.
    """
    act = event.act
    assert isinstance(act, SetPassword)  # noqa: S101 - its row in the table says so
    user = user_in(act.user_id, facts)
    if user is None:
        return unknown_user(act.user_id)
    if not _may_set(user, event, facts):
        return _refusal(ActRefusal.NOT_YOUR_PASSWORD, user=act.user_id)
    problem = problem_of_hash(act.password_hash)
    if problem is not None:
        return Decision(answer=problem)
    own = _is_own(act.user_id, facts)
    password = PasswordSet(
        user_id=act.user_id,
        password_hash=act.password_hash,
        totp_secret=None if facts.password is None else facts.password.totp_secret,
        must_change=not own,
        issued_by=_issued_by(user, facts),
    )
    called = () if own or CONFIRMED.isdisjoint(user.roles) else _called(user, event, facts)
    entry = audit_entry("password_set", act.user_id, must_change=not own, person=event.person,
                        unconfirmed=password.issued_by is not None)  # fmt: skip
    return Decision(records=(password, *called), audit=(entry,), answer=done())


def _issued_by(user: User, facts: PasswordFacts) -> str | None:
    """Return who has issued a password: who sets another's; of one's own it stays so until somebody confirms it."""
    if facts.actor is None:  # the owner of the store
        return None
    if not _is_own(user.user_id, facts):
        return issued_by(facts.actor.user_id, user.user_id, facts.confirmers)
    return None if facts.password is None else facts.password.issued_by


def on_confirm_password(event: ActRequested, facts: PasswordFacts) -> Decision:
    """Confirm that a user has set their own password: by whom it is not, and who has not issued it.

    The owner of the store confirms, too: where everybody who could is gone or waits for the same.
    """
    act, actor = event.act, facts.actor
    assert isinstance(act, ConfirmPassword)  # noqa: S101 - its row in the table says so
    user, password = user_in(act.user_id, facts), facts.password
    if user is None:
        return unknown_user(act.user_id)
    if password is None or password.issued_by is None:
        return _refusal(ActRefusal.PASSWORD_NEEDS_NO_CONFIRMATION, user=act.user_id)
    if password.must_change:
        return _refusal(ActRefusal.PASSWORD_NOT_REPLACED_YET, user=act.user_id)
    if actor is not None:
        if actor.user_id in {act.user_id, password.issued_by}:
            return _refusal(ActRefusal.CONFIRMED_BY_A_THIRD, user=act.user_id)
        missing = not_by_both_components(event.credential)
        if missing is not None:
            return Decision(answer=missing)
    entry = audit_entry("password_confirmed", act.user_id, issued_by=password.issued_by, person=event.person,
                        reason=event.reason)  # fmt: skip
    return Decision(records=(replace(password, issued_by=None),), audit=(entry,), answer=done())


def _called(user: User, event: ActRequested, facts: PasswordFacts) -> tuple[Record, ...]:
    """Call people: whoever sets the password of one who decides on quality could sign in as that one."""
    alarm = facts.alarm or gateway_alarm(password_set_of(user.user_id), latched=False)
    raised = after(alarm, AlarmChange.RAISED, at_ns=event.at_ns)
    return () if raised is None else (AlarmChanged(alarm=raised, change=AlarmChange.RAISED),)


def on_set_second_device(event: ActRequested, facts: PasswordFacts) -> Decision:
    """Have a code asked for with each password of a user, or no longer; where one is lost, an administrator's act."""
    act = event.act
    assert isinstance(act, SetSecondDevice)  # noqa: S101 - its row in the table says so
    user = user_in(act.user_id, facts)
    if user is None:
        return unknown_user(act.user_id)
    own = _is_own(act.user_id, facts)
    if not own and (act.totp_secret is not None or not _may_set(user, event, facts)):
        return _refusal(ActRefusal.NOT_YOUR_SECOND_DEVICE, user=act.user_id)
    missing = not_by_both_components(event.credential) if own else None
    if missing is not None:
        return Decision(answer=missing)
    password = facts.password
    if password is None:
        return _refusal(ActRefusal.NO_PASSWORD_YET, user=act.user_id)
    return _taken_away(password, event) if act.totp_secret is None else _added(password, act, event)


def _added(password: PasswordSet, act: SetSecondDevice, event: ActRequested) -> Decision:
    secret = act.totp_secret or ""
    problem = problem_of_secret(secret)
    if problem is not None:
        return Decision(answer=problem)
    step = step_of_code(secret, act.code, now_ns=event.at_ns)
    if step is None:
        return _refusal(ActRefusal.NOT_THE_PRESENT_CODE)
    return Decision(
        records=(replace(password, totp_secret=secret), CodeUsed(user_id=act.user_id, step=step)),
        audit=(audit_entry("second_device_set", act.user_id, person=event.person, reason=event.reason),),
        answer=done(),
    )


def _taken_away(password: PasswordSet, event: ActRequested) -> Decision:
    if password.totp_secret is None:
        return _refusal(ActRefusal.NO_SECOND_DEVICE, user=password.user_id)
    entry = audit_entry("second_device_removed", password.user_id, person=event.person, reason=event.reason)
    return Decision(records=(replace(password, totp_secret=None),), audit=(entry,), answer=done())


def _is_own(user_id: str, facts: PasswordFacts) -> bool:
    return facts.actor is not None and facts.actor.user_id == user_id


def _may_set(user: User, event: ActRequested, facts: PasswordFacts) -> bool:
    """Return whether a person may set what another signs in with, or their own."""
    by_owner = event.credential.owns_store and Role.ADMINISTRATOR in user.roles
    by_administrator = facts.actor is not None and Role.ADMINISTRATOR in facts.actor.roles
    return _is_own(user.user_id, facts) or by_owner or by_administrator


def _refusal(code: ActRefusal, **parameters: Any) -> Decision:
    return Decision(answer=refused(code, **parameters))
