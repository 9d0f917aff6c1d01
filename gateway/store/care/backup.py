"""Backup while running, and restore.

A backup is a folder: a consistent copy of each database as of one moment each, and a manifest with their hashes and
the audit chain's head. Keys are not in it.

A restored store has gone back in time, and knows it: at the next start an alarm is latched, all models are in shadow
until a person acknowledges it, and later decisions get ids of a new epoch, so that no message that was sent between
backup and restore has the same id as a later one. Messages that waited in the backup are sent again with the ids and
bytes they had: consumers that have them already recognise them. Results that the brokers delivered between backup and
restore are not delivered again: the laboratory's system must send them again, and ``labline buffer salvage`` reads
them from the store that was replaced, where there is one.
"""

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from gateway import __version__
from gateway.contract.times import rfc3339
from gateway.database.file_permissions import make_file, make_new_folder
from gateway.database.opening import read_only_uri
from gateway.errors import LablineError
from gateway.history.file.statements import HISTORY_FILE
from gateway.store.audit.heads import HEAD_FILE, head_of
from gateway.store.care.checking import Findings, check
from gateway.store.care.opening import RESTORED_FILE, RESTORING, finish_restore, write_synced
from gateway.store.care.people_restored import people_changed
from gateway.store.database import STATE, STATE_FILE, open_state

MANIFEST = "manifest.json"
_PAGES_AT_ONCE = 2000
Progress = Callable[[str, int, int], None]


def backup(directory: Path, folder: Path, *, at_ns: int, on_progress: Progress = lambda *_: None) -> dict[str, Any]:
    """Copy the store into a new folder while it may be in use, check the copy, and return the manifest.

    What the check finds damaged is in the manifest: a damaged store needs a backup most of all. Raises LablineError
    where there is no store, the folder is there already, or cannot be written.
    """
    _must_be_readable(directory)
    make_new_folder(folder)
    try:
        copied = {name: _copied(directory / name, folder / name, on_progress)
                  for name in (STATE_FILE, HISTORY_FILE) if (directory / name).is_file()}  # fmt: skip
    except (OSError, sqlite3.Error) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise LablineError(f"the backup could not be written: {error}", hint="is there space at its place?") from error
    schema = _schema_of(folder / STATE_FILE)
    findings = _checked(folder, schema)
    manifest = {
        "labline": __version__,
        "schema": schema,
        "at": rfc3339(at_ns),
        "head": _head_in(folder, findings),
        "rows": findings.rows,
        "audit_lines": findings.audit_lines,
        "damaged": findings.damaged,
        "wrong": findings.wrong,
        "sha256": copied,
    }
    try:
        make_file(folder / MANIFEST)
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise LablineError(
            f"the backup's manifest could not be written: {error.strerror}", hint="is there space at its place?"
        ) from error
    return manifest


def _must_be_readable(directory: Path) -> None:
    """Raise LablineError unless there is a store that this user may read."""
    try:
        if not (directory / STATE_FILE).is_file():
            raise LablineError(
                f"there is no store in {directory}", hint="has the gateway run with this configuration yet?"
            )
        for name in (STATE_FILE, HISTORY_FILE):
            if (directory / name).is_file():
                with (directory / name).open("rb"):
                    pass
    except OSError as error:
        raise LablineError(
            f"the store in {directory} cannot be read: {error.strerror}",
            hint="run the command as the service's user, or as root",
        ) from error


def _copied(source: Path, target: Path, on_progress: Progress) -> str:
    make_file(target)
    with (
        closing(sqlite3.connect(read_only_uri(source), uri=True, isolation_level=None)) as reading,
        closing(sqlite3.connect(target)) as writing,
    ):
        reading.execute("BEGIN")  # one moment, however much is written meanwhile
        reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
        reading.backup(
            writing,
            pages=_PAGES_AT_ONCE,
            progress=lambda _status, remaining, total: on_progress(source.name, total - remaining, total),
        )
        writing.execute("PRAGMA journal_mode = DELETE")  # one file, whole
    return _sha256(target)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _schema_of(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection, suppress(sqlite3.Error):
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
    return 0


def _checked(folder: Path, schema: int) -> Findings:
    """Return the findings of a full check of the copy; for one of another schema, that it is not checked."""
    if schema == len(STATE.migrations):
        return check(folder, gently=False)
    findings = Findings()
    findings.add(f"not checked: its schema is {schema}, this Labline knows {len(STATE.migrations)}")
    return findings


def _head_in(folder: Path, findings: Findings) -> dict[str, Any] | None:
    with closing(sqlite3.connect(folder / STATE_FILE)) as connection:
        connection.row_factory = sqlite3.Row
        try:
            head = head_of(connection)
        except sqlite3.Error as error:  # a damaged store needs a backup most of all
            findings.add(f"the audit trail's head cannot be read: {error}")
            return None
    return None if head is None else {"seq": head.seq, "hash": head.hash}


def restore(folder: Path, directory: Path, *, at_ns: int) -> dict[str, Any]:
    """Put a backup in the place of the store, which is kept in ``replaced``; the store's lock must be held.

    Returns what was restored, and where the replaced store is; raises LablineError where the backup does not hold.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        stated = dict(manifest["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LablineError(f"{folder} is no backup: {error}", hint="name a folder that labline backup made") from error
    for name, sha256 in stated.items():
        if name not in {STATE_FILE, HISTORY_FILE} or not (folder / name).is_file() or _sha256(folder / name) != sha256:
            raise LablineError(f"{folder / name} is not what was backed up", hint="take another backup")
    if manifest["schema"] > len(STATE.migrations):
        raise LablineError("the backup is of a newer version", hint="install that version first")
    try:
        for name in stated:
            _copied_whole(folder / name, directory / f"{name}{RESTORING}")
    except OSError as error:
        raise LablineError(
            f"the backup could not be copied to {directory}: {error.strerror}",
            hint="run the command as the service's user or as root; is there space?",
        ) from error
    place = directory / "replaced" / str(at_ns)
    about = {"backup_at": manifest["at"], "backup_head": manifest["head"], "damaged": manifest.get("damaged", 0),
             "replaced": str(place.relative_to(directory)) if _is_there(directory) else None,
             "people": people_changed(directory / STATE_FILE, folder / STATE_FILE)}  # fmt: skip
    write_synced(directory / RESTORED_FILE, json.dumps(about))  # from here on a start finishes it, whatever happens
    finish_restore(directory)
    open_state(directory).close()  # migrated, and back in the mode it runs in
    return about


def _is_there(directory: Path) -> bool:
    """Return whether there is a store that will be replaced."""
    return any((directory / name).exists() for name in (STATE_FILE, HISTORY_FILE, HEAD_FILE))


def _copied_whole(source: Path, target: Path) -> None:
    make_file(target)
    shutil.copyfile(source, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())
