"""Users, their passwords and keys, as the newest record of each says.

A newest record that does not match its hash makes its user unknown: an older one might entitle them to more.
"""

import sqlite3
from typing import NamedTuple

from gateway.people.second_person import CONFIRMED
from gateway.records.users import Credential, CredentialKind, KeyChanged, PasswordSet, Role, SignInCounted, User
from gateway.store.statements import SQL


class SignIn(NamedTuple):
    """What signing a user in stands on; ``password``: None where the user has none.

    ``here``, ``elsewhere``: wrong passwords from the address, and from all from where the user has not signed in yet.
    ``newest_step``: of the newest code of the second device that was used, -1 where none was.
    """

    user: User | None
    password: PasswordSet | None
    here: SignInCounted
    elsewhere: SignInCounted
    newest_step: int


def users_of_all(connection: sqlite3.Connection) -> tuple[User, ...]:
    """Return all users, disabled ones too, by their ids."""
    return tuple(_user(row) for row in connection.execute(SQL["users"]) if row["holds"])


def keys_of_all(connection: sqlite3.Connection) -> tuple[KeyChanged, ...]:
    """Return all enrolled keys, revoked ones too, the oldest first."""
    return tuple(_key(row) for row in connection.execute(SQL["user_keys"]) if row["holds"])


def user_of(connection: sqlite3.Connection, credential: Credential) -> User | None:
    """Return the user of whom a credential is, None where there is none."""
    if credential.kind is CredentialKind.OS_USER:
        return next((user for user in users_of_all(connection) if user.os_user == credential.subject), None)
    if credential.session is not None and not _stands(connection, credential):
        return None
    return next((user for user in users_of_all(connection) if user.user_id == credential.subject), None)


def _stands(connection: sqlite3.Connection, credential: Credential) -> bool:
    """Return whether a session is on record and of its user, whose password is the one it began with."""
    row = connection.execute(SQL["console_session"], {"token_sha256": credential.session}).fetchone()
    return (
        row is not None
        and bool(row["holds"])
        and row["user_id"] == credential.subject
        and row["password_seq"] == row["newest_password_seq"]
    )


def user_named(connection: sqlite3.Connection, user_id: str) -> User | None:
    """Return a user by their id, None where there is none whose newest record holds."""
    row = connection.execute(SQL["user"], {"user_id": user_id}).fetchone()
    return _user(row) if row is not None and row["holds"] else None


def sign_in_of(connection: sqlite3.Connection, user_id: str, origin: str) -> SignInCounted:
    """Return how often in a row a user's password was wrong, from an address."""
    row = connection.execute(SQL["sign_in"], {"user_id": user_id, "origin": origin}).fetchone()
    if row is None:
        return SignInCounted(user_id=user_id, origin=origin, failures=0, last_failed_ns=None)
    return SignInCounted(
        user_id=user_id,
        origin=origin,
        failures=row["failures"],
        last_failed_ns=row["last_failed_ns"],
        known=bool(row["known"]),
    )


def sign_ins_of(connection: sqlite3.Connection, user_id: str) -> tuple[SignInCounted, ...]:
    """Return the counts of a user's wrong passwords, by address; that of all unknown addresses together first."""
    rows = connection.execute(SQL["origins_of_sign_ins"], {"user_id": user_id}).fetchall()
    origins = ["", *(row["origin"] for row in rows if row["origin"])]
    return tuple(sign_in_of(connection, user_id, origin) for origin in origins)


def password_of(connection: sqlite3.Connection, user_id: str) -> PasswordSet | None:
    """Return a user's password, None where there is none whose newest record holds."""
    row = connection.execute(SQL["newest_password"], {"user_id": user_id}).fetchone()
    if row is None or not row["holds"]:
        return None
    return PasswordSet(
        user_id=user_id,
        password_hash=row["password_hash"],
        totp_secret=row["totp_secret"],
        must_change=bool(row["must_change"]),
        issued_by=row["issued_by"],
    )


def passwords_to_confirm(connection: sqlite3.Connection) -> list[tuple[User, PasswordSet]]:
    """Return the users who decide nothing until a third person has confirmed their password, with the password."""
    waiting = []
    for row in connection.execute(SQL["passwords_to_confirm"]).fetchall():
        user, password = user_named(connection, row["user_id"]), password_of(connection, row["user_id"])
        if user is not None and password is not None and not (user.disabled or CONFIRMED.isdisjoint(user.roles)):
            waiting.append((user, password))
    return waiting


def sign_in(connection: sqlite3.Connection, user_id: str, origin: str) -> SignIn:
    """Return what signing a user in from an address stands on."""
    step = connection.execute(SQL["code_used"], {"user_id": user_id}).fetchone()
    return SignIn(
        user=next((user for user in users_of_all(connection) if user.user_id == user_id), None),
        password=password_of(connection, user_id),
        here=sign_in_of(connection, user_id, origin),
        elsewhere=sign_in_of(connection, user_id, ""),
        newest_step=-1 if step is None else step["step"],
    )


def _user(row: sqlite3.Row) -> User:
    return User(
        user_id=row["user_id"],
        full_name=row["full_name"],
        roles=tuple(Role(role) for role in row["roles"].split(",")),
        os_user=row["os_user"],
        disabled=bool(row["disabled"]),
    )


def _key(row: sqlite3.Row) -> KeyChanged:
    return KeyChanged(
        key_id=row["key_id"],
        user_id=row["user_id"],
        public_key=row["public_key"],
        label=row["label"],
        revoked=bool(row["revoked"]),
    )
