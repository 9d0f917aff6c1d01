"""Users, their passwords and keys, into their tables, within the transaction that runs."""

import sqlite3
from dataclasses import asdict

from gateway.events import Event
from gateway.records.users import KeyChanged, PasswordSet, SessionsEnded, SignInCounted, UserChanged
from gateway.store.statements import SQL


def user_changed(connection: sqlite3.Connection, event: Event, record: UserChanged) -> None:
    """Write a user as they are from now on."""
    row = {**asdict(record.user), "roles": ",".join(record.user.roles)}
    connection.execute(SQL["insert_user_version"], {**row, "at_ns": event.at_ns, "changed_by": record.changed_by})


def password_set(connection: sqlite3.Connection, event: Event, record: PasswordSet) -> None:
    """Write a user's password, as its hash."""
    connection.execute(SQL["insert_user_password"], {**asdict(record), "at_ns": event.at_ns})


def key_changed(connection: sqlite3.Connection, event: Event, record: KeyChanged) -> None:
    """Write that a key signs for a user, or that it does not any more."""
    connection.execute(SQL["insert_user_key"], {**asdict(record), "at_ns": event.at_ns})


def sessions_ended(connection: sqlite3.Connection, _event: Event, record: SessionsEnded) -> None:
    """Take a user's sessions out, but for one that is kept."""
    connection.execute(SQL["end_sessions_of_user"], asdict(record))


def sign_in_counted(connection: sqlite3.Connection, _event: Event, record: SignInCounted) -> None:
    """Write how often in a row a user's password was wrong."""
    connection.execute(SQL["count_sign_in"], asdict(record))
