"""Opening the store at start: a sound file is used, a damaged one set aside, one that went back in time is noticed.

At open only what can be checked at once is: header, write-ahead log, schema, the audit chain since the last signed
head, and that the chain contains the head witnessed next to it. The full check follows in the background.
"""

import hashlib
import json
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from gateway.contract.identity import identity_of
from gateway.database.file_permissions import make_file, make_folder
from gateway.database.opening import SQLITE_ERRORS, still_wrong, translated
from gateway.decisions.housekeeping import STORE_UNCHECKED
from gateway.errors import EvidenceDamagedError, StoreCorruptError, StoreUnavailableError
from gateway.records.outgoing import AuditEntry
from gateway.store.audit import trail as audit
from gateway.store.audit.governed import foreign_lines
from gateway.store.audit.heads import HEAD_FILE, contains, head_of, read_head_file
from gateway.store.audit.reconciling import vouch_after_migration
from gateway.store.database import STATE, STATE_FILE, open_state, schema_problems
from gateway.store.statements import SQL

log = structlog.get_logger()

SUSPECT_FILE = "suspect"
QUARANTINE = "quarantine"
RESTORED_FILE = "restored.json"
RESTORING = ".restoring"
INTENT_FILE = "quarantine.json"
QUARANTINED = "STORE_QUARANTINED"
ROLLED_BACK = "STORE_ROLLED_BACK"
RESTORED = "STORE_RESTORED"
_BLOCK = 1024 * 1024
_FILE_SUFFIXES = ("", "-wal", "-shm")


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """The state of the store at start: the latest wall time it has seen, and whether a full check is due."""

    latest_wall_ns: int
    unchecked: bool


def suspect(directory: Path, why: str) -> None:
    """Leave a note that the database was corrupt while in use, so that the next start sets it aside."""
    make_file(directory / SUSPECT_FILE)
    (directory / SUSPECT_FILE).write_text(f"{why}\n", encoding="utf-8")


def prepare(directory: Path, *, at_ns: int) -> Prepared:
    """Return the store made ready for use, quarantining a corrupt one; the lock must be held.

    Raises StoreUnavailableError where the disk does not serve, StoreCorruptError where even a new file is corrupt.
    """
    finish_restore(directory)
    unfinished, suspected = (directory / INTENT_FILE).exists(), (directory / SUSPECT_FILE).exists()
    why = "a quarantine was not finished" if unfinished else still_wrong(lambda: _why_unsound(directory))
    if why is not None:
        _begin_new_store(directory, why, at_ns=at_ns)
        suspected = False
    (directory / SUSPECT_FILE).unlink(missing_ok=True)
    with closing(open_state(directory)) as connection:
        _find_time_travel(connection, directory, at_ns=at_ns)
        _find_foreign_lines(connection, directory, at_ns=at_ns)
        row = connection.execute(SQL["store"]).fetchone()
        unchecked = (suspected or not row["stopped_clean"]) and head_of(connection) is not None
        if not unchecked:  # a check that was due may not have come to its end
            unchecked = STORE_UNCHECKED in {code for (code,) in connection.execute(SQL["latches"])}
        else:
            _latch_with_line(connection, STORE_UNCHECKED, at_ns, {"why": "the last run did not stop in order"})
        vouch_after_migration(connection, len(STATE.migrations), at_ns=at_ns)
        connection.execute(SQL["started"])
        return Prepared(latest_wall_ns=row["latest_wall_ns"], unchecked=unchecked)


def _why_unsound(directory: Path) -> str | None:
    """Return why the database cannot be used, or None; raises StoreUnavailableError where the disk does not serve."""
    try:
        with closing(open_state(directory)) as connection:
            if (directory / SUSPECT_FILE).exists():  # SQLite has called it malformed in use: so all of it is read
                (finding,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
                if finding != "ok":
                    return str(finding)
            if schema_problems(connection):
                return "its schema is not what this version made"
            audit.verify_tail(connection)
            for statement in ("latches_with_bodies", "signed_heads", "archives"):
                connection.execute(SQL[statement]).fetchall()
            if connection.execute(SQL["store"]).fetchone() is None:
                return "its row about itself is missing"
    except (StoreCorruptError, EvidenceDamagedError) as error:
        return str(error)
    except SQLITE_ERRORS as error:
        problem = translated(error, "it cannot be read")
        if isinstance(problem, StoreUnavailableError):
            raise problem from error
        return str(problem)
    return None


# --- quarantine ----------------------------------------------------------------------------------------


def _begin_new_store(directory: Path, why: str, *, at_ns: int) -> None:
    """Set the file aside, whole; the new chain opens with its hash and the last head known of it.

    What is to be done is written down and synced first, so that a start after a crash in the middle goes on with it.
    """
    intent = directory / INTENT_FILE
    if not intent.exists():
        last, file = read_head_file(directory), f"{QUARANTINE}/{at_ns}/{STATE_FILE}"
        about = {"why": why, "file": file, "sha256": _sha256(directory / STATE_FILE),
                 "last_seq": last.seq if last else None, "last_hash": last.hash if last else None}  # fmt: skip
        write_synced(intent, json.dumps(about))
    about = json.loads(intent.read_text(encoding="utf-8"))
    folder = (directory / about["file"]).parent
    make_folder(folder, exist_ok=True)
    if not (folder / "why.txt").exists():  # written last: what has the database's name after it is the new one
        for name in (*(f"{STATE_FILE}{suffix}" for suffix in _FILE_SUFFIXES), HEAD_FILE):
            if (directory / name).exists():
                (directory / name).rename(folder / name)
        write_synced(folder / "why.txt", f"{about['why']}\n")
    log.critical("the store is corrupt and was set aside; a new one begins, all models in shadow", **about)
    _first_line(directory, about, at_ns=at_ns)
    intent.unlink()
    sync_folder(directory)


def _first_line(directory: Path, about: dict[str, Any], *, at_ns: int) -> None:
    """Begin the new chain with what became of the old one, unless that was done before a crash."""
    with closing(open_state(directory)) as connection:
        if head_of(connection) is not None:
            return
        connection.execute("BEGIN IMMEDIATE")
        entry = AuditEntry(kind="store_quarantined", subject=about["sha256"], body=about)
        _latch(connection, QUARANTINED, at_ns, about)
        audit.append(connection, (entry,), at_ns=at_ns)
        connection.execute(SQL["new_epoch"], {"epoch": identity_of("epoch", about["file"], about["sha256"])})
        connection.execute("COMMIT")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        return f"unreadable: {error.strerror}"
    return digest.hexdigest()


def write_synced(path: Path, content: str) -> None:
    """Write a small file so that it is there whole after a power cut, or not at all."""
    new_file = path.with_name(f"{path.name}.new")
    make_file(new_file)
    with new_file.open("w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new_file.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Let a file, or what was renamed in a folder, survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def finish_restore(directory: Path) -> None:
    """Put the present files aside and the restored ones in their places, as far as that is not done yet.

    Where a restored file still waits, what has its name is of the replaced store, and so is its log: SQLite would take
    the log for the new file's.
    """
    if not (directory / RESTORED_FILE).exists():
        return
    replaced = json.loads((directory / RESTORED_FILE).read_text(encoding="utf-8"))["replaced"]
    waiting = sorted(directory.glob(f"*{RESTORING}"))
    for file in waiting if replaced is not None else ():
        name = file.name.removesuffix(RESTORING)
        place = directory / replaced
        make_folder(place, exist_ok=True)
        for file_name in (
            *(f"{name}{suffix}" for suffix in _FILE_SUFFIXES),
            *((HEAD_FILE,) if name == STATE_FILE else ()),
        ):
            if (directory / file_name).exists():
                (directory / file_name).rename(place / file_name)
        sync_folder(place)
    for file in waiting:
        file.rename(file.with_name(file.name.removesuffix(RESTORING)))
    (directory / SUSPECT_FILE).unlink(missing_ok=True)  # it was about the store that was replaced
    sync_folder(directory)


# --- back in time --------------------------------------------------------------------------------------


def _find_time_travel(connection: sqlite3.Connection, directory: Path, *, at_ns: int) -> None:
    """Latch an alarm where the database is older than what was once committed, by restore or by loss.

    Ids from here on have a new salt: decisions and messages of the lost stretch keep theirs.
    """
    restored = directory / RESTORED_FILE
    if restored.exists():
        body = json.loads(restored.read_text(encoding="utf-8"))
        _go_on_from(connection, RESTORED, "store_restored", body, at_ns=at_ns)
        restored.unlink()
        return
    witnessed = read_head_file(directory)
    if witnessed is None or contains(connection, witnessed):
        return
    present = head_of(connection)
    body = {
        "witnessed_seq": witnessed.seq,
        "witnessed_hash": witnessed.hash,
        "present_seq": present.seq if present else 0,
        "lines_lost": witnessed.seq - (present.seq if present else 0),
    }
    log.critical("the store is older than what was committed: records are lost", **body)
    _go_on_from(connection, ROLLED_BACK, "store_rolled_back", body, at_ns=at_ns)


def _find_foreign_lines(connection: sqlite3.Connection, directory: Path, *, at_ns: int) -> None:
    """Put on record where lines that would give authority stand behind the head that the last run witnessed."""
    witnessed = read_head_file(directory)
    if witnessed is None or not contains(connection, witnessed):
        return
    foreign = foreign_lines(connection, witnessed.seq)
    if foreign is not None:
        after, until = foreign
        log.critical("lines of the audit trail are not this gateway's own: they give no authority", after=after)
        connection.execute("BEGIN IMMEDIATE")
        audit.append(connection, (audit.not_ours(after, until),), at_ns=at_ns)
        connection.execute("COMMIT")


def _go_on_from(connection: sqlite3.Connection, code: str, kind: str, body: dict[str, Any], *, at_ns: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    _latch(connection, code, at_ns, body)
    connection.execute(SQL["end_console_sessions"])  # who has signed out since would be signed in again
    audit.append(connection, (AuditEntry(kind=kind, subject=code, body=body),), at_ns=at_ns)
    connection.execute(SQL["new_epoch"], {"epoch": identity_of("epoch", at_ns, json.dumps(body, sort_keys=True))})
    connection.execute(SQL["acknowledged_gone"])  # newer messages may have been sent to their topics since
    connection.execute("COMMIT")


def _latch_with_line(connection: sqlite3.Connection, code: str, at_ns: int, body: dict[str, Any]) -> None:
    """Latch an alarm and put that on record, unless it stands already."""
    connection.execute("BEGIN IMMEDIATE")
    _latch(connection, code, at_ns, body)
    audit.append_for_changes(connection, (), subject=code, at_ns=at_ns)
    connection.execute("COMMIT")


def _latch(connection: sqlite3.Connection, code: str, at_ns: int, body: dict[str, Any]) -> None:
    connection.execute(SQL["latch"], {"code": code, "at_ns": at_ns, "body": json.dumps(body)})
