"""Which version of each model people have put into service: a stack of promotions, from which a rollback takes one."""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from gateway.errors import EvidenceDamagedError, LablineError
from gateway.records import AuditEntry
from gateway.store import audit
from gateway.store.database import read_state
from gateway.store.statements import SQL


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


def changes(connection: sqlite3.Connection) -> list[VersionChange]:
    """Return every act in its order; raises EvidenceDamagedError where one is no longer what was written."""
    return [change_of(row) for row in connection.execute(SQL["version_changes"])]


def change_of(row: Sequence[Any]) -> VersionChange:
    """Return the act in a row; raises EvidenceDamagedError where it is no longer what was written."""
    *values, holds, record = row
    if not holds:
        raise EvidenceDamagedError(
            f"{record} does not match its hash: which version is in service is not known",
            hint="labline audit verify; then restore the store, or promote the version again in a new one",
        )
    names = (field.name for field in fields(VersionChange))
    change = VersionChange(**dict(zip(names, values, strict=True)))
    return replace(change, act=Act(change.act))


def in_service(acts: Iterable[VersionChange]) -> dict[str, list[VersionChange]]:
    """Return by model the promotions that stand, the one in service last; of a model without any nothing."""
    standing: dict[str, list[VersionChange]] = {}
    for each in acts:
        promoted = standing.setdefault(each.model, [])
        if each.act is Act.PROMOTE:
            promoted.append(each)
        else:
            promoted.pop()
    return {model: promoted for model, promoted in standing.items() if promoted}


def promoted_folders(directory: Path) -> dict[str, Path]:
    """Return by model the folder of the version in service, where one was promoted, of the store in a directory."""
    with closing(read_state(directory)) as connection:
        return {model: Path(promoted[-1].folder) for model, promoted in in_service(changes(connection)).items()}


def promote(connection: sqlite3.Connection, change: VersionChange) -> None:
    """Put a version into service, with its line in the audit trail."""
    _write(connection, change)


def roll_back(
    connection: sqlite3.Connection, model: str, *, person: str, reason: str, at_ns: int
) -> tuple[VersionChange, VersionChange | None]:
    """Take the newest promotion of a model back; return (it, the one that holds now: None for the configured bundle).

    Raises LablineError where the configured bundle is in service already.
    """
    promoted = in_service(changes(connection)).get(model, [])
    if not promoted:
        raise LablineError(
            f"of {model} the configured bundle is in service", hint="another one is chosen by [[model]] bundle"
        )
    act = replace(promoted[-1], act=Act.ROLL_BACK, person=person, reason=reason, at_ns=at_ns)
    _write(connection, act)
    return promoted[-1], promoted[-2] if len(promoted) > 1 else None


def _write(connection: sqlite3.Connection, change: VersionChange) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(SQL["insert_version_change"], asdict(change))
    kind = "model_promoted" if change.act is Act.PROMOTE else "model_rolled_back"
    body = {name: value for name, value in asdict(change).items() if name not in {"model", "act", "at_ns"}}
    audit.append(connection, (AuditEntry(kind=kind, subject=change.model, body=body),), at_ns=change.at_ns)
    connection.execute("COMMIT")
