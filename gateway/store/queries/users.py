"""Users, their passwords and keys, as the newest record of each says.

A newest record that does not match its hash makes its user unknown: an older one might entitle them to more.
"""

import sqlite3
from typing import NamedTuple

from gateway.records.users import Credential, CredentialKind, KeyChanged, PasswordSet, Role, SignInCounted, User
from gateway.store.statements import SQL


class SignIn(NamedTuple):
    """What signing a user in stands on; ``password``: None where the user has none."""

    user: User | None
    password: PasswordSet | None
    counted: SignInCounted


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


def sign_in_of(connection: sqlite3.Connection, user_id: str) -> SignInCounted:
    """Return how often in a row a user's password was wrong."""
    row = connection.execute(SQL["sign_in"], {"user_id": user_id}).fetchone()
    failures, last_failed_ns = (0, None) if row is None else (row["failures"], row["last_failed_ns"])
    return SignInCounted(user_id=user_id, failures=failures, last_failed_ns=last_failed_ns)


def sign_in(connection: sqlite3.Connection, user_id: str) -> SignIn:
    """Return what signing a user in stands on."""
    row = connection.execute(SQL["newest_password"], {"user_id": user_id}).fetchone()
    password = None
    if row is not None and row["holds"]:
        password = PasswordSet(
            user_id=user_id,
            password_hash=row["password_hash"],
            totp_secret=row["totp_secret"],
            must_change=bool(row["must_change"]),
        )
    user = next((user for user in users_of_all(connection) if user.user_id == user_id), None)
    return SignIn(user, password, sign_in_of(connection, user_id))


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
