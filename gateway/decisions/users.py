"""Users and keys: what an administrator changes of them."""

import re
from collections.abc import Iterable
from dataclasses import asdict, replace

from gateway.contract.identity import identity_of
from gateway.contract.lims.names import normalised
from gateway.decision import Decision
from gateway.decisions.changes import audit_entry
from gateway.events import ActRequested
from gateway.facts.acts import UserFacts
from gateway.lab.lookalike_names import likeness_key
from gateway.people.passwords import problem_of_hash
from gateway.people.public_keys import problem_of_public_key
from gateway.records.acts import Answer, done, refused
from gateway.records.user_acts import AddUser, ChangeUser, EndSessions, EnrollKey, RevokeKey, UnlockUser
from gateway.records.users import (
    CredentialKind,
    FailuresForgotten,
    KeyChanged,
    PasswordSet,
    Role,
    SessionsEnded,
    User,
    UserChanged,
)

_USER_ID = re.compile(r"[a-z][a-z0-9._-]{0,31}")
_USERS = "labline user list shows the users"
MAKE_A_HASH = "labline user password, the console and the set-up link make it"


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
        return _refusal(f"{act.user_id} is no user's id", hint="small letters, digits, dot, dash, at most 32",
                        field="user_id")  # fmt: skip
    if any(other.user_id == act.user_id for other in facts.users):
        return _refusal(f"there is a user {act.user_id} already", hint="labline user change changes a user",
                        field="user_id")  # fmt: skip
    if not facts.users and Role.ADMINISTRATOR not in user.roles:
        return _refusal("the first user must be an administrator", hint="give --role administrator", field="roles")
    if act.password_hash is not None and event.credential.kind is not CredentialKind.SETUP_LINK:
        return _refusal("a password comes with the set-up link only", hint="labline user password sets one")
    problem = None if act.password_hash is None else problem_of_hash(act.password_hash)
    if problem is not None:
        return _refusal(problem, hint=MAKE_A_HASH)
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
        return _refusal("nobody gives themselves a role", hint="another administrator gives it", field="roles")
    if not _is_administrator(user) and not any(_is_administrator(other) for other in facts.users
                                               if other.user_id != user.user_id):  # fmt: skip
        return _refusal(f"{user.user_id} is the last administrator", hint="make somebody else one first", field="roles")
    return _no_such_user_can_be(user, facts) or _changed("user_changed", user, event)


def on_unlock_user(event: ActRequested, facts: UserFacts) -> Decision:
    """Let a user try their password again; nobody unlocks themselves, as then a lock would stop no guesses."""
    act = event.act
    assert isinstance(act, UnlockUser)  # noqa: S101 - its row in the table says so
    if user_in(act.user_id, facts) is None:
        return unknown_user(act.user_id)
    if facts.actor is not None and facts.actor.user_id == act.user_id:
        return _refusal("nobody unlocks themselves", hint="another administrator does it, or sets a new password")
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
        return _refusal(f"the sessions of {act.user_id} are not yours", hint="an administrator can end them")
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
        return _refusal(problem, hint="make one with openssl; it is 32 bytes as 64 hexadecimal digits")
    if any(key.public_key == act.public_key for key in facts.keys):
        return _refusal("this key is enrolled, or was", hint="make a new key for each user and terminal")
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
        return _refusal(f"no key {act.key_id} is enrolled", hint=_USERS)
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
        return _refusal("a user needs a name that can be read", hint="give --name", field="full_name")
    if not user.roles:
        return _refusal("a user needs a role", hint=f"one of {', '.join(Role)}", field="roles")
    alike = next((other for other in facts.users if other.user_id != user.user_id
                  and likeness_key(other.full_name) == likeness_key(user.full_name)), None)  # fmt: skip
    if alike is not None:
        return _refusal(f"{alike.user_id} is printed as {alike.full_name}: that looks the same",
                        hint="a printed name is one person's (21 CFR 11.100 a): add what tells them apart",
                        field="full_name")  # fmt: skip
    taken = next((other for other in facts.users
                  if other.os_user is not None and other.os_user == user.os_user and other.user_id != user.user_id),
                 None)  # fmt: skip
    if taken is not None:
        return _refusal(f"the account {user.os_user} is {taken.user_id}'s", hint="an account acts for one user",
                        field="os_user")  # fmt: skip
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
    return _refusal(f"there is no user {user_id}", hint=_USERS)


def _refusal(why: str, *, hint: str, field: str = "") -> Decision:
    """Return the refusal; ``field``: the parameter that is wrong, so that a page says so beside it."""
    answer: Answer = refused(why, hint=hint, **({"field": field} if field else {}))
    return Decision(answer=answer)
