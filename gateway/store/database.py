"""The state database's file, its schema, and the lock of the store's directory."""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

from gateway.contract.identity import identity_of
from gateway.database.file_permissions import make_file, make_folder
from gateway.database.opening import Schema, open_for_reading, open_for_writing
from gateway.database.statements import read_migrations
from gateway.errors import StoreLockedError, StoreUnavailableError
from gateway.store.audit.evidence import evidence_hash
from gateway.store.audit.governed import answer_all, answer_on
from gateway.store.audit.vouching import watch
from gateway.store.statements import SQL

STATE_FILE = "state.db"
LOCK_FILE = "labline.lock"
_LOOK_SECONDS = 0.05
STATE = Schema(
    migrations=read_migrations("gateway.store"),
    functions={"evidence_hash": evidence_hash, "identity_of": identity_of},
)


@contextmanager
def locked(directory: Path, *, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the store's lock; raises StoreLockedError where another process holds it for longer than is waited.

    The kernel releases it with the process, however that ends: no stale lock can stay behind.
    """
    try:
        make_folder(directory, exist_ok=True)
        make_file(directory / LOCK_FILE)
        handle = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise StoreUnavailableError(
            f"the store's directory {directory} cannot be used: {error.strerror}",
            hint="set [store] directory to a folder that the service may write",
        ) from error
    try:
        until = time.monotonic() + wait_seconds
        while not _taken(handle):
            if time.monotonic() >= until:
                holder = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
                raise StoreLockedError(
                    f"the store in {directory} is in use by process {holder}",
                    hint="one gateway per store: stop the other one, or give this line a directory of its own",
                )
            time.sleep(_LOOK_SECONDS)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_in_use(directory: Path) -> bool:
    """Return whether a gateway runs with the store in a directory."""
    try:
        handle = os.open(directory / LOCK_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def open_state(directory: Path, *, vouching: bool = True) -> sqlite3.Connection:
    """Return the writer's connection to the state database, migrated; raises as ``open_for_writing``.

    ``vouching``: whether the trail is to vouch for what is written; a replay has no trail.
    """
    connection = open_for_writing(directory / STATE_FILE, STATE)
    if vouching:
        watch(connection, STATE)
        answer_on(connection, directory, writes=True)
    else:
        answer_all(connection)
    return connection


def schema_problems(connection: sqlite3.Connection) -> list[str]:
    """Return in which tables, triggers, views and indexes a database differs from what this version makes."""
    present, expected = _objects(connection), _expected_objects()
    names = sorted({name for name, _sql in present ^ expected})
    known, there = dict(expected), dict(present)
    return [
        f"the schema: {name} is missing" if name not in there
        else f"the schema: {name} is not what this version makes" if name in known
        else f"the schema: {name} is not of this version"
        for name in names
    ]  # fmt: skip


def _objects(connection: sqlite3.Connection) -> frozenset[tuple[str, str]]:
    return frozenset((row["name"], row["sql"]) for row in connection.execute(SQL["schema"]))


def checked_tables() -> tuple[str, ...]:
    """Return the tables whose rows carry a hash that is checked when they are read: those with a view ``*_checked``."""
    names = sorted(name for name, _sql in _expected_objects())
    return tuple(name.removesuffix("_checked") for name in names if name.endswith("_checked"))


@cache
def _expected_objects() -> frozenset[tuple[str, str]]:
    with closing(sqlite3.connect(":memory:")) as fresh:
        fresh.row_factory = sqlite3.Row
        for name, function in STATE.functions.items():
            fresh.create_function(name, -1, function, deterministic=True)
        for script in STATE.migrations:
            fresh.executescript(script)
        return _objects(fresh)


def read_state(directory: Path) -> sqlite3.Connection:
    """Return a read-only connection for a command; raises LablineError where there is no store."""
    connection = open_for_reading(directory / STATE_FILE, STATE)
    answer_on(connection, directory, writes=False)
    return connection
