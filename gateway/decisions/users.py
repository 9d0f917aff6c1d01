"""Users and keys: what an administrator changes of them."""

import re
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from gateway.contract.identity import identity_of
from gateway.contract.lims.names import normalised
from gateway.decision import Decision
from gateway.decisions.changes import audit_entry
from gateway.events import ActRequested
from gateway.facts.acts import UserFacts
from gateway.lab.lookalike_names import likeness_key
from gateway.people.passwords import problem_of_hash
from gateway.people.public_keys import problem_of_public_key
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import done, refused
from gateway.records.user_acts import AddUser, ChangeUser, EndSessions, EnrollKey, RevokeKey, UnlockUser
from gateway.records.users import (
    USER_ID,
    CredentialKind,
    FailuresForgotten,
    KeyChanged,
    PasswordSet,
    Role,
    SessionsEnded,
    User,
    UserChanged,
)

_USER_ID = re.compile(USER_ID)


def on_add_user(event: ActRequested, facts: UserFacts) -> Decision:
    """Add a user; the first one is an administrator, so that there is somebody to add others."""
    act = event.act
    assert isinstance(act, AddUser)  # noqa: S101 - its row in the table says so
    user = User(
        user_id=act.user_id,
        full_name=normalised(act.full_name),
        roles=_ordered(act.roles),
        os_user=act.os_user or None,
    )
    if not _USER_ID.fullmatch(act.user_id):
        return _refusal(ActRefusal.NOT_A_USER_ID, field="user_id", user=act.user_id)
    if any(other.user_id == act.user_id for other in facts.users):
        return _refusal(ActRefusal.USER_EXISTS, field="user_id", user=act.user_id)
    if not facts.users and Role.ADMINISTRATOR not in user.roles:
        return _refusal(ActRefusal.FIRST_IS_ADMINISTRATOR, field="roles")
    if act.password_hash is not None and event.credential.kind is not CredentialKind.SETUP_LINK:
        return _refusal(ActRefusal.PASSWORD_BY_LINK_ONLY)
    problem = None if act.password_hash is None else problem_of_hash(act.password_hash)
    if problem is not None:
        return Decision(answer=problem)
    return _no_such_user_can_be(user, facts) or _with_password(_changed("user_added", user, event), act)


def _with_password(added: Decision, act: AddUser) -> Decision:
    """Return the decision with the password that came with the user, in the same transaction."""
    if act.password_hash is None:
        return added
    password = PasswordSet(user_id=act.user_id, password_hash=act.password_hash, totp_secret=None, must_change=False)
    entry = audit_entry("password_set", act.user_id, must_change=False)
    return replace(added, records=(*added.records, password), audit=(*added.audit, entry))


def on_change_user(event: ActRequested, facts: UserFacts) -> Decision:
    """Change a user's name, roles or account, or disable one; one administrator always remains."""
    act = event.act
    assert isinstance(act, ChangeUser)  # noqa: S101 - its row in the table says so
    before = user_in(act.user_id, facts)
    if before is None:
        return unknown_user(act.user_id)
    user = replace(
        before,
        full_name=before.full_name if act.full_name is None else normalised(act.full_name),
        roles=before.roles if act.roles is None else _ordered(act.roles),
        os_user=before.os_user if act.os_user is None else act.os_user or None,
        disabled=before.disabled if act.disabled is None else act.disabled,
    )
    if facts.actor is not None and facts.actor.user_id == user.user_id and not set(user.roles) <= set(before.roles):
        return _refusal(ActRefusal.OWN_ROLE, field="roles")
    if not _is_administrator(user) and not any(_is_administrator(other) for other in facts.users
                                               if other.user_id != user.user_id):  # fmt: skip
        return _refusal(ActRefusal.LAST_ADMINISTRATOR, field="roles", user=user.user_id)
    return _no_such_user_can_be(user, facts) or _changed("user_changed", user, event)


def on_unlock_user(event: ActRequested, facts: UserFacts) -> Decision:
    """Let a user try their password again; nobody unlocks themselves, as then a lock would stop no guesses."""
    act = event.act
    assert isinstance(act, UnlockUser)  # noqa: S101 - its row in the table says so
    if user_in(act.user_id, facts) is None:
        return unknown_user(act.user_id)
    if facts.actor is not None and facts.actor.user_id == act.user_id:
        return _refusal(ActRefusal.NOT_UNLOCKED_BY_ONESELF)
    entry = audit_entry("user_unlocked", act.user_id, person=event.person, reason=event.reason)
    return Decision(records=(FailuresForgotten(user_id=act.user_id),), audit=(entry,), answer=done())


def on_end_sessions(event: ActRequested, facts: UserFacts) -> Decision:
    """End the sessions of a user: oneself, but for the one that asks, or an administrator."""
    act, actor = event.act, facts.actor
    assert isinstance(act, EndSessions)  # noqa: S101 - its row in the table says so
    if user_in(act.user_id, facts) is None:
        return unknown_user(act.user_id)
    own = actor is not None and actor.user_id == act.user_id
    if not own and (actor is None or Role.ADMINISTRATOR not in actor.roles):
        return _refusal(ActRefusal.NOT_YOUR_SESSIONS, user=act.user_id)
    entry = audit_entry("sessions_ended", act.user_id, person=event.person, reason=event.reason)
    ended = SessionsEnded(user_id=act.user_id, kept=event.credential.session if own else None)
    return Decision(records=(ended,), audit=(entry,), answer=done())


def on_enroll_key(event: ActRequested, facts: UserFacts) -> Decision:
    """Let a key sign for a user; one key signs for one user only."""
    act = event.act
    assert isinstance(act, EnrollKey)  # noqa: S101 - its row in the table says so
    if user_in(act.user_id, facts) is None:
        return unknown_user(act.user_id)
    problem = problem_of_public_key(act.public_key)
    if problem is not None:
        return Decision(answer=problem)
    if any(key.public_key == act.public_key for key in facts.keys):
        return _refusal(ActRefusal.KEY_ENROLLED_BEFORE)
    key = KeyChanged(
        key_id=identity_of("enrolled-key", act.public_key),
        user_id=act.user_id,
        public_key=act.public_key,
        label=normalised(act.label),
    )
    return _key_changed("key_enrolled", key, event)


def on_revoke_key(event: ActRequested, facts: UserFacts) -> Decision:
    """Let a key sign nothing any more."""
    act = event.act
    assert isinstance(act, RevokeKey)  # noqa: S101 - its row in the table says so
    key = next((key for key in facts.keys if key.key_id == act.key_id and not key.revoked), None)
    if key is None:
        return _refusal(ActRefusal.NO_SUCH_KEY, key=act.key_id)
    return _key_changed("key_revoked", replace(key, revoked=True), event)


def user_in(user_id: str, facts: UserFacts) -> User | None:
    """Return a user of the line, None where there is none."""
    return next((user for user in facts.users if user.user_id == user_id), None)


def _is_administrator(user: User) -> bool:
    return Role.ADMINISTRATOR in user.roles and not user.disabled


def _ordered(roles: Iterable[Role]) -> tuple[Role, ...]:
    return tuple(role for role in Role if role in frozenset(roles))


def _no_such_user_can_be(user: User, facts: UserFacts) -> Decision | None:
    if not user.full_name:
        return _refusal(ActRefusal.NO_FULL_NAME, field="full_name")
    if not user.roles:
        return _refusal(ActRefusal.NO_ROLE, field="roles", needs=[role.value for role in Role])
    alike = next((other for other in facts.users if other.user_id != user.user_id
                  and likeness_key(other.full_name) == likeness_key(user.full_name)), None)  # fmt: skip
    if alike is not None:
        return _refusal(ActRefusal.NAME_LOOKS_THE_SAME, field="full_name", user=alike.user_id, name=alike.full_name)
    taken = next((other for other in facts.users
                  if other.os_user is not None and other.os_user == user.os_user and other.user_id != user.user_id),
                 None)  # fmt: skip
    if taken is not None:
        return _refusal(ActRefusal.ACCOUNT_TAKEN, field="os_user", account=user.os_user, user=taken.user_id)
    return None


def _changed(kind: str, user: User, event: ActRequested) -> Decision:
    body = {name: value for name, value in asdict(user).items() if name != "user_id"}
    return Decision(
        records=(UserChanged(user=user, changed_by=event.person),),
        audit=(audit_entry(kind, user.user_id, **body, person=event.person, reason=event.reason),),
        answer=done(),
    )


def _key_changed(kind: str, key: KeyChanged, event: ActRequested) -> Decision:
    entry = audit_entry(kind, key.key_id, of=key.user_id, public_key=key.public_key, label=key.label,
                        person=event.person)  # fmt: skip
    return Decision(records=(key,), audit=(entry,), answer=done(key_id=key.key_id))


def unknown_user(user_id: str) -> Decision:
    """Return the refusal of an act on a user who is not there."""
    return _refusal(ActRefusal.NO_SUCH_USER, user=user_id)


def _refusal(code: ActRefusal, *, field: str = "", **parameters: Any) -> Decision:
    """Return the refusal; ``field``: the parameter that is wrong, so that a page says so beside it."""
    return Decision(answer=refused(code, details={"field": field} if field else {}, **parameters))
