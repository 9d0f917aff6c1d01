"""Which version of each model people have put into service: a stack of promotions, from which a rollback takes one."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from gateway.errors import LablineError
from gateway.line.definition import Promoted
from gateway.records.outgoing import AuditEntry
from gateway.store.audit import trail as audit
from gateway.store.database import open_state
from gateway.store.statements import SQL

UNKNOWN = "VERSION_UNKNOWN"


class Act(StrEnum):
    """What a person did."""

    PROMOTE = "promote"
    ROLL_BACK = "roll_back"


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionChange:
    """One act: which bundle of a model was put into service, or taken out of it, by whom and why."""

    model: str
    act: Act
    version: str
    bundle_sha256: str
    folder: str
    at_ns: int
    person: str
    reason: str


def changes(rows: Iterable[Sequence[Any]]) -> tuple[list[VersionChange], str | None]:
    """Return (the acts that count, in their order; the record that hides which ones stood before, or None).

    Where a row does not match its hash, nobody can say what was in service: what was done before it does not count, and
    once something is promoted after it, that does.
    """
    acts, unknown = list[VersionChange](), None
    for *values, holds, record in rows:
        if not holds:
            acts, unknown = [], str(record)
            continue
        names = (field.name for field in fields(VersionChange))
        change = VersionChange(**dict(zip(names, values, strict=True)))
        acts.append(replace(change, act=Act(change.act)))
    promoted_since = any(each.act is Act.PROMOTE for each in acts)
    return acts, None if promoted_since else unknown


def in_service(acts: Iterable[VersionChange]) -> dict[str, list[VersionChange]]:
    """Return by model the promotions that stand, the one in service last; of a model without any nothing."""
    standing: dict[str, list[VersionChange]] = {}
    for each in acts:
        promoted = standing.setdefault(each.model, [])
        if each.act is Act.PROMOTE:
            promoted.append(each)
        elif promoted:
            promoted.pop()
    return {model: promoted for model, promoted in standing.items() if promoted}


def promoted_versions(acts: Iterable[VersionChange]) -> dict[str, Promoted]:
    """Return by model the version in service, where one was promoted."""
    return {
        model: Promoted(folder=Path(promoted[-1].folder), sha256=promoted[-1].bundle_sha256)
        for model, promoted in in_service(acts).items()
    }


def promoted_at_start(directory: Path, *, at_ns: int) -> dict[str, Promoted]:
    """Return by model the version in service; where that is not known any more, none, with an alarm latched."""
    with closing(open_state(directory)) as connection:
        acts, unknown = changes(connection.execute(SQL["version_changes"]))
        if unknown is not None:
            body = json.dumps({"record": unknown})
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(SQL["latch"], {"code": UNKNOWN, "at_ns": at_ns, "body": body})
            audit.append_for_changes(connection, (), subject=UNKNOWN, at_ns=at_ns)
            connection.execute("COMMIT")
        return promoted_versions(acts)


def promote(connection: sqlite3.Connection, change: VersionChange) -> None:
    """Put a version into service, with its line in the audit trail."""
    connection.execute("BEGIN IMMEDIATE")
    _write(connection, change)


def roll_back(
    connection: sqlite3.Connection, model: str, *, person: str, reason: str, at_ns: int
) -> tuple[VersionChange, VersionChange | None]:
    """Take the newest promotion of a model back; return (it, the one that holds now: None for the configured bundle).

    Raises LablineError where the configured bundle is in service already.
    """
    connection.execute("BEGIN IMMEDIATE")  # of two at once the second sees the first
    acts, _unknown = changes(connection.execute(SQL["version_changes"]))
    promoted = in_service(acts).get(model, [])
    if not promoted:
        connection.execute("ROLLBACK")
        raise LablineError(
            f"of {model} the configured bundle is in service", hint="another one is chosen by [[model]] bundle"
        )
    _write(connection, replace(promoted[-1], act=Act.ROLL_BACK, person=person, reason=reason, at_ns=at_ns))
    return promoted[-1], promoted[-2] if len(promoted) > 1 else None


def _write(connection: sqlite3.Connection, change: VersionChange) -> None:
    connection.execute(SQL["insert_version_change"], asdict(change))
    kind = "model_promoted" if change.act is Act.PROMOTE else "model_rolled_back"
    body = {name: value for name, value in asdict(change).items() if name not in {"model", "act", "at_ns"}}
    audit.append(connection, (AuditEntry(kind=kind, subject=change.model, body=body),), at_ns=change.at_ns)
    connection.execute("COMMIT")
