"""What a support bundle holds: ``PARTS`` has one row for each file of it, with the sentence that the manifest says."""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gateway.cli.bundle_log import file_lines, journal_lines, shown_lines
from gateway.cli.checkup.versions import versions
from gateway.cli.doctor import examined, page_document
from gateway.cli.live import NoGatewayError, live_status
from gateway.config.effective import effective_keys
from gateway.config.tables import Settings
from gateway.contract.times import rfc3339
from gateway.database.opening import SQLITE_ERRORS
from gateway.store.queries.alarms import standing_alarms
from gateway.store.queries.readers import depths
from gateway.store.statements import SQL

LEFT_OUT = "<left out>"
_NAMES_OF_PEOPLE = (".username", ".user", ".to", ".sender")  # ends of keys; accounts are often called like people


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What a bundle is made of; ``store``: None where there is none that can be read."""

    config: Path
    settings: Settings
    sha256: str
    store: sqlite3.Connection | None
    now_ns: int
    connect: bool
    with_names: bool
    secrets: tuple[str, ...]
    unit: str
    log: Path | None
    log_lines: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One file: its name, what it holds in words, and how it is made."""

    name: str
    holds: str
    make: Callable[[Subject], Mapping[str, Any]]


def _configuration(subject: Subject) -> Mapping[str, Any]:
    rows = [asdict(row) for row in effective_keys(subject.config, subject.settings)]
    for row in rows:
        if not subject.with_names and row["value"] and row["key"].endswith(_NAMES_OF_PEOPLE):
            row["value"] = LEFT_OUT
    return {"file": str(subject.config), "sha256": subject.sha256, "keys": rows}


def _doctor(subject: Subject) -> Mapping[str, Any]:
    return page_document(examined(subject.config, subject.settings, connect=subject.connect))


def _versions(_subject: Subject) -> Mapping[str, Any]:
    return versions()


def _status(subject: Subject) -> Mapping[str, Any]:
    try:
        return live_status(subject.settings.store.directory)
    except NoGatewayError as error:
        return {"running": False, "why": str(error)}


def _store(subject: Subject) -> Mapping[str, Any]:
    directory, connection = subject.settings.store.directory, subject.store
    files = {file.name: file.stat().st_size for file in sorted(directory.glob("*")) if file.is_file()}
    if connection is None:
        return {"files": files, "readable": False}
    waiting = depths([tuple(row) for row in connection.execute(SQL["depths"])])
    tables = [name for (name,) in connection.execute(SQL["tables"])]
    return {
        "files": files,
        "readable": True,
        "schema": connection.execute("PRAGMA user_version").fetchone()[0],
        "rows": {table: _count(connection, table) for table in tables},
        "waiting": {lane.name.lower(): count for lane, count in waiting.messages.items()},
        "parked": waiting.parked,
        "bytes": waiting.bytes,
        "oldest_seconds": round(waiting.oldest_seconds(subject.now_ns), 1),
        "departures": {reason: count for reason, count in connection.execute(SQL["departures"])},  # noqa: C416
        "dead_letters": connection.execute(SQL["dead_letter_count"]).fetchone()[0],
        "gaps": {kind: count for kind, count in connection.execute(SQL["gap_counts"])},  # noqa: C416
    }


def _count(connection: sqlite3.Connection, table: str) -> int:
    (count,) = connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()
    return int(count)


def _alarms(subject: Subject) -> Mapping[str, Any]:
    """Return the alarms that stand; those of lots without their titles, which hold results."""
    alarms = [] if subject.store is None else standing_alarms(subject.store)
    return {
        "alarms": [
            {
                "alarm": alarm.alarm_id if alarm.guidance_id is None else LEFT_OUT,
                "title": alarm.title if alarm.guidance_id is None else LEFT_OUT,
                "state": alarm.state.value,
                "severity": alarm.severity.value,
                "position": alarm.position,
                "since": rfc3339(alarm.since_ns),
                "person": alarm.person if subject.with_names or not alarm.person else LEFT_OUT,
            }
            for alarm in alarms
        ],
        "latched": [] if subject.store is None else [code for (code,) in subject.store.execute(SQL["latches"])],
    }


def _audit(subject: Subject) -> Mapping[str, Any]:
    """Return where the trail ends and when it was verified; no line of it, as lines name people and results."""
    if subject.store is None:
        return {"readable": False}
    head = subject.store.execute(SQL["last_audit"]).fetchone()
    signed = subject.store.execute(SQL["newest_signed_head"]).fetchone()
    checked_ns = subject.store.execute(SQL["store"]).fetchone()["checked_ns"]
    return {
        "head": None if head is None else {"seq": head["seq"], "hash": head["hash"]},
        "signed_head": None if signed is None else {"seq": signed["seq"], "at": rfc3339(signed["at_ns"])},
        "checked_at": rfc3339(checked_ns) if checked_ns else None,
    }


def _log(subject: Subject) -> Mapping[str, Any]:
    if subject.log is None:
        lines, why = journal_lines(subject.unit, most=subject.log_lines)
    else:
        lines, why = file_lines(subject.log, most=subject.log_lines), ""
    shown, left_out = shown_lines(lines, with_names=subject.with_names, secrets=subject.secrets)
    return {"lines": shown, "left_out": left_out, "why_none": why}


PARTS = (
    Part(name="configuration.json", holds="each key in effect, and its place; no secrets", make=_configuration),
    Part(name="doctor.json", holds="the page of labline doctor", make=_doctor),
    Part(name="versions.json", holds="versions of Labline, Python, SQLite, OpenSSL and libraries", make=_versions),
    Part(name="status.json", holds="the status of the running gateway", make=_status),
    Part(name="store.json", holds="sizes and numbers of rows of the store; no row of it", make=_store),
    Part(name="alarms.json", holds="alarms that stand; those of lots without title", make=_alarms),
    Part(name="audit.json", holds="the head of the audit trail and its last check; no line of it", make=_audit),
    Part(name="log.json", holds="the newest lines of the log, without those of results and people", make=_log),
)

FAILURES = (*SQLITE_ERRORS, OSError)  # of a part: the others are still of use
