"""Which versions of models people have put into service or taken out of it, as far as that is on record."""

import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from gateway.inference.versions import Promoted, promoted_versions
from gateway.records.people import VersionAct, VersionChange
from gateway.store.audit import trail as audit
from gateway.store.database import open_state
from gateway.store.statements import SQL

UNKNOWN = "VERSION_UNKNOWN"


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
        acts.append(replace(change, act=VersionAct(change.act)))
    promoted_since = any(change.act is VersionAct.PROMOTE for change in acts)
    return acts, None if promoted_since else unknown


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
