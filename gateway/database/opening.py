"""Opening a database file: SQLite's settings, migrations by number, read-only connections.

Errors of SQLite become ours here and in the writer: what is corrupt is told apart from what is only unavailable,
as waiting mends the second and never the first.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import methodcaller
from pathlib import Path
from typing import Any

from gateway.database.file_permissions import make_file
from gateway.errors import LablineError, StoreCorruptError, StoreUnavailableError

BUSY_TIMEOUT_SECONDS = 5.0
_READING = (
    "PRAGMA query_only = ON",
    "PRAGMA cache_size = -256",
    "PRAGMA busy_timeout = 5000",
)
_WRITING = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 5000",
    "PRAGMA cache_size = -512",  # KiB; the system keeps the file, and more would only fill, and look like a leak
    "PRAGMA wal_autocheckpoint = 4000",  # pages: what a commit waits for, but only once in a few seconds
    "PRAGMA journal_size_limit = 67108864",
)
# damaged text is read as it is: a row's hash shows the damage, and reading does not fail on it
_READABLE = methodcaller("decode", "utf-8", "replace")
# what a savepoint may have to undo: else a file elsewhere, made for every decision. Migrations may need that file
_AT_WORK = "PRAGMA temp_store = MEMORY"
_LOOK_AGAIN_SECONDS = (0.2, 1.0)
_CORRUPT = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
# a damaged schema is quoted in the error's text, which then is no text
SQLITE_ERRORS = (sqlite3.Error, UnicodeDecodeError)


@dataclass(frozen=True, kw_only=True)
class Schema:
    """What a database file must look like: its migrations, and the functions that its SQL calls."""

    migrations: tuple[str, ...]
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)


def translated(error: sqlite3.Error | UnicodeDecodeError, what: str) -> StoreUnavailableError | StoreCorruptError:
    """Return our error for one of SQLite's: corrupt, or not available for now."""
    kind = getattr(error, "sqlite_errorname", None) or ""
    if kind.startswith(_CORRUPT) or isinstance(error, UnicodeDecodeError):
        return StoreCorruptError(f"{what}: {error}", hint="the file is set aside at the next start; see operations.md")
    return StoreUnavailableError(f"{what}: {error}", hint="check the disk's space, health and rights")


def is_of_the_file(error: Exception) -> bool:
    """Return whether the file or its disk has failed, and not the statement."""
    kind = getattr(error, "sqlite_errorname", None) or ""
    return isinstance(error, sqlite3.OperationalError) or kind.startswith(_CORRUPT)


def still_wrong(look: Callable[[], str | None]) -> str | None:
    """Return what is wrong with a file, or None, where looking again does not show it to be sound.

    SQLite calls a file malformed, too, where a read has failed once; a file that is only hard to read is not set aside.
    """
    why = look()
    for seconds in _LOOK_AGAIN_SECONDS:
        if why is None:
            return None
        time.sleep(seconds)
        why = look()
    return why


def open_for_writing(path: Path, schema: Schema) -> sqlite3.Connection:
    """Return a connection for the one writer, migrated.

    Raises StoreCorruptError where the file is no sound database, StoreUnavailableError where it cannot be used.
    """
    connection = None
    try:
        if path.parent.is_dir():
            make_file(path)  # what SQLite puts beside it gets its mode and owner
        connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_SECONDS, cached_statements=256)
        _prepare(connection, schema)
        for pragma in _WRITING:
            connection.execute(pragma)
        _migrate(connection, schema.migrations)
        connection.execute(_AT_WORK)
    except SQLITE_ERRORS as error:
        if connection is not None:
            connection.close()
        raise translated(error, f"the database {path} cannot be opened") from error
    except OSError as error:
        raise StoreUnavailableError(
            f"the database {path} cannot be opened: {error.strerror}",
            hint="run the command as the service's user, and check the disk's space, health and rights",
        ) from error
    return connection


def _prepare(connection: sqlite3.Connection, schema: Schema) -> None:
    connection.row_factory = sqlite3.Row
    connection.text_factory = _READABLE
    for name, function in schema.functions.items():
        connection.create_function(name, -1, function, deterministic=True)


def _migrate(connection: sqlite3.Connection, migrations: tuple[str, ...]) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(migrations):
        raise StoreUnavailableError(
            f"the store has schema {version}, this Labline knows {len(migrations)}",
            hint="it was written by a newer version; start that one, or use another directory",
        )
    for number, script in enumerate(migrations[version:], start=version + 1):
        connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")


@contextmanager
def one_state(connection: sqlite3.Connection) -> Iterator[None]:
    """Read what was there at one instant, however much is written meanwhile; for short reads, as the WAL grows."""
    ours = not connection.in_transaction
    if ours:
        connection.execute("BEGIN")
    try:
        yield
    finally:
        if ours and connection.in_transaction:
            connection.execute("ROLLBACK")


def open_for_reading(path: Path, schema: Schema) -> sqlite3.Connection:
    """Return a read-only connection; raises LablineError where there is no such database."""
    try:
        if not path.is_file():
            raise LablineError(
                f"there is no store in {path.parent} ({path.name} is missing)",
                hint="has the gateway run with this configuration yet?",
            )
        connection = sqlite3.connect(
            read_only_uri(path), uri=True, timeout=BUSY_TIMEOUT_SECONDS, check_same_thread=False
        )
        _prepare(connection, schema)
        for pragma in _READING:
            connection.execute(pragma)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    except (OSError, *SQLITE_ERRORS) as error:
        raise LablineError(f"{path} cannot be read: {error}", hint="run the command as the service's user") from error
    if version != len(schema.migrations):
        connection.close()
        raise LablineError(
            f"{path} has schema {version}, this Labline reads {len(schema.migrations)}",
            hint="start the gateway once with this configuration and this version",
        )
    return connection


def read_only_uri(path: Path) -> str:
    """Return the URI that opens a database read-only, whatever characters its path has."""
    return f"{path.resolve().as_uri()}?mode=ro"
