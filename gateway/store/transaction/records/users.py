"""Users, their passwords and keys, into their tables, within the transaction that runs."""

import sqlite3
from dataclasses import asdict

from gateway.events import Event
from gateway.records.users import (
    CodeUsed,
    FailuresForgotten,
    KeyChanged,
    PasswordSet,
    SessionsEnded,
    SignInCounted,
    UserChanged,
)
from gateway.store.statements import SQL

MOST_ORIGINS = 64  # of one user


def user_changed(connection: sqlite3.Connection, event: Event, record: UserChanged) -> None:
    """Write a user as they are from now on."""
    row = {**asdict(record.user), "roles": ",".join(record.user.roles)}
    connection.execute(SQL["insert_user_version"], {**row, "at_ns": event.at_ns, "changed_by": record.changed_by})


def password_set(connection: sqlite3.Connection, event: Event, record: PasswordSet) -> None:
    """Write a user's password, as its hash; wrong ones of before no longer count."""
    connection.execute(SQL["insert_user_password"], {**asdict(record), "at_ns": event.at_ns})
    connection.execute(SQL["forget_sign_ins"], {"user_id": record.user_id})


def key_changed(connection: sqlite3.Connection, event: Event, record: KeyChanged) -> None:
    """Write that a key signs for a user, or that it does not any more."""
    connection.execute(SQL["insert_user_key"], {**asdict(record), "at_ns": event.at_ns})


def sessions_ended(connection: sqlite3.Connection, _event: Event, record: SessionsEnded) -> None:
    """Take a user's sessions out, but for one that is kept."""
    connection.execute(SQL["end_sessions_of_user"], asdict(record))


def failures_forgotten(connection: sqlite3.Connection, _event: Event, record: FailuresForgotten) -> None:
    """Count a user's wrong passwords anew, from wherever they came."""
    connection.execute(SQL["forget_failures"], asdict(record))


def sign_in_counted(connection: sqlite3.Connection, event: Event, record: SignInCounted) -> None:
    """Write how often in a row a user's password was wrong."""
    connection.execute(SQL["count_sign_in"], {**asdict(record), "at_ns": event.at_ns})
    connection.execute(SQL["prune_sign_ins"], {"user_id": record.user_id, "most": MOST_ORIGINS})


def code_used(connection: sqlite3.Connection, _event: Event, record: CodeUsed) -> None:
    """Write that a code of a second device, and those before, count no more."""
    connection.execute(SQL["note_code_used"], asdict(record))
