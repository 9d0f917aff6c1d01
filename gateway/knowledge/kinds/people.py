"""What people have written: why a point against a lot's release was settled."""

import sqlite3
from urllib.parse import quote

from gateway.knowledge.documents import Document, fields_of, joined
from gateway.knowledge.kinds.kind import Kind, itself, row_that_holds
from gateway.records.scope import Scope


def settlement(connection: sqlite3.Connection, key: str) -> Document | None:
    """Return why a person has settled a point."""
    row = row_that_holds(connection, "knowledge_settlement", key)
    if row is None:
        return None
    lot = row["material_lot_id"]
    return Document(
        kind="settlement",
        key=key,
        title=joined(row["reason"], lot),
        text=joined(row["person"], key, lot),
        at_ns=row["at_ns"],
        scope=Scope(client_id=row["client_id"] or None),
        fields=fields_of(lot=lot, person=row["person"], client=row["client_id"]),
        link=f"#/lots/{quote(lot, safe='')}" if lot else None,
        record=f"settlement {key}",
    )


SETTLEMENT = Kind(name="settlement", table="settlement", make=settlement, changed_by={"settlement": itself}, kept=True)
