"""Users, as an administrator sees them; and one's own account."""

import sqlite3

from pydantic import Field

from gateway.console.views.acts import SigningAsked
from gateway.console.views.parts import AskedFor, View, instant
from gateway.contract.times import rfc3339
from gateway.people.sign_in import is_locked, next_attempt_ns
from gateway.records.users import PasswordSet, SignInCounted, User
from gateway.store.queries.users import keys_of_all, password_of, sign_ins_of, users_of_all
from gateway.store.statements import SQL


class KeyView(View):
    """A terminal's key that signs for a user."""

    key_id: str
    label: str


class UserView(View):
    """A user: roles, state, and how they sign in."""

    user_id: str
    full_name: str
    roles: list[str]
    os_user: str | None
    disabled: bool
    locked: bool = Field(
        description="at one address at least, after too many wrong passwords; an administrator unlocks"
    )
    failures: int = Field(description="wrong passwords in a row, from the address with most")
    next_attempt_at: str | None = Field(description="before it no password is looked at from one address at least")
    last_sign_in_at: str | None
    has_password: bool
    must_change: bool = Field(description="somebody else has set the password, or a one-time link is out")
    second_device: bool
    sessions: int
    keys: list[KeyView]


class UsersView(View):
    """GET /api/users: for administrators."""

    users: list[UserView]


class OwnSessionView(View):
    """A session of one's own."""

    opened_at: str
    used_at: str
    expires_at: str
    this: bool = Field(description="whether it is the one that asks")


class AccountView(View):
    """GET /api/account."""

    user_id: str
    full_name: str
    roles: list[str]
    sessions: list[OwnSessionView]


class PasswordLinkAsked(AskedFor):
    """POST /api/users/{user}/password-link; both components are the administrator's own."""

    reason: str = Field(default="", max_length=4000)
    sign_in: SigningAsked


class PasswordLinkView(View):
    """A link by which a user sets a password of their own, once; it is shown here and kept nowhere."""

    user_id: str
    fragment: str = Field(description="to be put behind the console's own address")
    valid_until_at: str


def users_view(connection: sqlite3.Connection, *, now_ns: int, idle_ns: int) -> UsersView:
    """Return all users; one whose newest record does not hold is nobody, and not shown."""
    keys = [key for key in keys_of_all(connection) if not key.revoked]
    return UsersView(
        users=[
            _user(
                user,
                password_of(connection, user.user_id),
                sign_ins_of(connection, user.user_id),
                last_ns=_last_sign_in_ns(connection, user.user_id),
                sessions=len(_sessions(connection, user.user_id, now_ns=now_ns, idle_ns=idle_ns)),
                now_ns=now_ns,
                keys=[KeyView(key_id=key.key_id, label=key.label) for key in keys if key.user_id == user.user_id],
            )
            for user in users_of_all(connection)
        ]
    )


def account_view(
    connection: sqlite3.Connection, user: User, *, token_sha256: str, now_ns: int, idle_ns: int
) -> AccountView:
    """Return a user's own account, with where they are signed in."""
    return AccountView(
        user_id=user.user_id,
        full_name=user.full_name,
        roles=[role.value for role in user.roles],
        sessions=[
            OwnSessionView(
                opened_at=rfc3339(row["opened_ns"]),
                used_at=rfc3339(row["used_ns"]),
                expires_at=rfc3339(row["expires_ns"]),
                this=row["token_sha256"] == token_sha256,
            )
            for row in _sessions(connection, user.user_id, now_ns=now_ns, idle_ns=idle_ns)
        ],
    )


def _user(
    user: User,
    password: PasswordSet | None,
    counts: tuple[SignInCounted, ...],
    *,
    last_ns: int | None,
    sessions: int,
    now_ns: int,
    keys: list[KeyView],
) -> UserView:
    elsewhere = counts[0]
    next_ns = max(next_attempt_ns(count, elsewhere) for count in counts)
    return UserView(
        user_id=user.user_id,
        full_name=user.full_name,
        roles=[role.value for role in user.roles],
        os_user=user.os_user,
        disabled=user.disabled,
        locked=any(is_locked(count, elsewhere) for count in counts),
        failures=max(count.failures for count in counts),
        next_attempt_at=instant(next_ns if next_ns > now_ns else None),
        last_sign_in_at=instant(last_ns),
        has_password=password is not None,
        must_change=password is not None and password.must_change,
        second_device=password is not None and password.totp_secret is not None,
        sessions=sessions,
        keys=keys,
    )


def _last_sign_in_ns(connection: sqlite3.Connection, user_id: str) -> int | None:
    row = connection.execute(SQL["last_sign_in_ns"], {"user_id": user_id}).fetchone()
    return None if row is None else int(row["at_ns"])


def _sessions(connection: sqlite3.Connection, user_id: str, *, now_ns: int, idle_ns: int) -> list[sqlite3.Row]:
    parameters = {"user_id": user_id, "now_ns": now_ns, "idle_since_ns": now_ns - idle_ns}
    return connection.execute(SQL["sessions_of_user"], parameters).fetchall()
