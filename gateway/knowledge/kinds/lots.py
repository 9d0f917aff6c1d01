"""Lots: what is recommended for each and why, what it was made of, and what people have decided on it."""

import json
import sqlite3
from urllib.parse import quote

from gateway.knowledge.documents import Document, fields_of, joined
from gateway.knowledge.kinds.kind import Kind, by_statement, itself, row_that_holds, rows_that_hold
from gateway.records.laboratory import Disposition
from gateway.records.lot_decisions import DecisionState, LotDecided
from gateway.records.scope import Scope
from gateway.store.codec import decode
from gateway.store.queries.lots import row_as_shown
from gateway.store.statements import SQL

_MOST_REASONS = 12
_OF_MATERIAL = ("consumed_lot_id", "consumed_definition_id", "supplier")


def lot(connection: sqlite3.Connection, key: str) -> Document | None:
    """Return a lot; one whose records ask for less care than the trail is shown as held."""
    row = row_that_holds(connection, "knowledge_lot", key)
    if row is None:
        return None
    recommendation, _damaged = row_as_shown(row)
    reasons = _reasons(connection, key)
    read = [decode(LotDecided, item["body"]) for item in rows_that_hold(connection, "knowledge_decisions_of_lot", key)]
    decisions = list({item.record_id: item for item in reversed(read)}.values())[::-1]  # as the newest row says
    uses = [item for item in connection.execute(SQL["uses_of_lot"], {"material_lot_id": key}) if item["holds"]]
    return Document(
        kind="lot",
        key=key,
        title=joined(key, recommendation.value, row["product"]),
        text=joined(
            row["job_order_id"], row["equipment_id"], "latched" if row["latched"] else None, *reasons,
            *(_decision_text(item, newest=item is decisions[0]) for item in decisions),
            *(" ".join(str(item[name]) for name in _OF_MATERIAL if item[name]) for item in uses),
        ),
        at_ns=row["started_ns"] or row["ended_ns"] or 0,
        scope=Scope(client_id=row["client_id"] or None),
        fields=fields_of(
            product=row["product"], equipment=row["equipment_id"], lot=key, order=row["job_order_id"],
            client=row["client_id"], state=recommendation.value,
            supplier=(item["supplier"] for item in uses),
            material=(name for item in uses for name in (item["consumed_lot_id"], item["consumed_definition_id"])),
            person=(name for item in decisions for name in item.signed_by or (item.printed_name,)),
        ),
        link=f"#/lots/{quote(key, safe='')}",
        record=f"lot {key}",
    )  # fmt: skip


def _decision_text(decision: LotDecided, *, newest: bool) -> str:
    """Return what a person has decided and why, and that it counts no more where that is so."""
    over = "lapsed: " if decision.state is DecisionState.LAPSED else "" if newest else "replaced: "
    return f"{over}{decision.verdict.value} {decision.printed_name}: {decision.reason}"


def _reasons(connection: sqlite3.Connection, key: str) -> list[str]:
    row = connection.execute(SQL["newest_disposition_of_lot"], {"material_lot_id": key}).fetchone()
    if row is None or not row["holds"]:
        return []
    return [reason.text for reason in decode(Disposition, row["body"]).reasons[:_MOST_REASONS]]


def _first_of_key(_connection: sqlite3.Connection, name: str) -> tuple[str, ...]:
    """Return the lot in the name of a row that is known by several columns, its lot the first."""
    try:
        key = json.loads(name)
    except ValueError:
        return ()
    return (str(key[0]),) if isinstance(key, list) and key else ()


LOT = Kind(
    name="lot", table="lot", make=lot,
    changed_by={"lot": itself, "lot_decision": _first_of_key, "material_use": _first_of_key,
                "disposition": by_statement("knowledge_lot_of_disposition")},
)  # fmt: skip
