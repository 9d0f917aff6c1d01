"""Opening the state database: the lock, the settings of SQLite, the migrations."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.errors import LablineError, StoreLockedError, StoreUnavailableError
from gateway.store.statements import migrations

STATE_FILE = "state.db"
LOCK_FILE = "labline.lock"
_BUSY_TIMEOUT_SECONDS = 5.0
_READING = (
    "PRAGMA query_only = ON",
    "PRAGMA busy_timeout = 5000",
)
_WRITING = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 5000",
    "PRAGMA cache_size = -16384",
)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the store's lock; raises StoreLockedError where another process holds it.

    The kernel releases it with the process, however that ends: no stale lock can stay behind.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise StoreUnavailableError(
            f"the store's directory {directory} cannot be used: {error.strerror}",
            hint="set [store] directory to a folder that the service may write",
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
            raise StoreLockedError(
                f"the store in {directory} is in use by process {holder}",
                hint="one gateway per store: stop the other one, or give this line a directory of its own",
            ) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def open_for_writing(directory: Path) -> sqlite3.Connection:
    """Return the writer's connection, migrated; raises StoreUnavailableError with a hint."""
    path = directory / STATE_FILE
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_TIMEOUT_SECONDS, cached_statements=256)
        connection.row_factory = sqlite3.Row
        for pragma in _WRITING:
            connection.execute(pragma)
        _migrate(connection)
    except sqlite3.Error as error:
        raise StoreUnavailableError(
            f"the database {path} cannot be opened: {error}",
            hint="check the disk and the file's rights; the file is kept as it is",
        ) from error
    return connection


def _migrate(connection: sqlite3.Connection) -> None:
    scripts = migrations()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(scripts):
        raise StoreUnavailableError(
            f"the store has schema {version}, this Labline knows {len(scripts)}",
            hint="it was written by a newer version; start that one, or use another directory",
        )
    for number, script in enumerate(scripts[version:], start=version + 1):
        connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")


def open_for_reading(directory: Path) -> sqlite3.Connection:
    """Return a read-only connection for a command; raises LablineError where there is no store."""
    path = directory / STATE_FILE
    try:
        if not path.is_file():
            raise LablineError(
                f"there is no store in {directory}", hint="has the gateway run with this configuration yet?"
            )
        connection = sqlite3.connect(read_only_uri(path), uri=True, timeout=_BUSY_TIMEOUT_SECONDS)
        connection.row_factory = sqlite3.Row
        for pragma in _READING:
            connection.execute(pragma)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    except (OSError, sqlite3.Error) as error:
        raise LablineError(
            f"the store in {directory} cannot be read: {error}", hint="run the command as the service's user or as root"
        ) from error
    if not version:
        connection.close()
        raise LablineError(f"{path} holds no store yet", hint="start the gateway once with this configuration")
    return connection


def read_only_uri(path: Path) -> str:
    """Return the URI that opens a database read-only, whatever characters its path has."""
    return f"{path.resolve().as_uri()}?mode=ro"
