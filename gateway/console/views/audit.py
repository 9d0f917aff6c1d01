"""Audit: the trail's lines, from an id to all that is connected with it, and whether the chain holds."""

import json
import sqlite3
from typing import Any

from pydantic import Field

from gateway.console.snapshot import Snapshot
from gateway.console.views.pages import page_of
from gateway.console.views.parts import View
from gateway.contract.times import rfc3339
from gateway.records.scope import Scope
from gateway.store.queries.seen import Seen
from gateway.store.queries.tracing import trace
from gateway.store.statements import SQL

MOST = 100


class AuditLineView(View):
    """A line of the trail."""

    seq: int
    at: str
    kind: str
    subject: str
    person: str | None
    body: dict[str, Any]
    hash: str


class AuditView(View):
    """GET /api/audit?query=&before=."""

    query: str
    lines: list[AuditLineView] = Field(description="the newest first")
    before: int | None = Field(description="to go on with older ones; null: there are none")


class TraceView(View):
    """GET /api/audit/trace/{id}: trees; what is shown once is not opened again."""

    id: str
    trees: list[dict[str, Any]] = Field(description="kind, id, details, and leads_to with the same again")


class VerifyView(View):
    """GET /api/audit/verify."""

    at: str = Field(description="when it was verified; the answer is kept for a minute")
    holds: bool
    lines: int
    head: str | None
    problems: list[str]


def audit_view(connection: sqlite3.Connection, snapshot: Snapshot, *, query: str, before: int) -> AuditView:
    """Return the newest lines that hold a text, before a number.

    Who sees some clients' records only is shown the lines that name one of these clients; no others.
    """
    seen = snapshot.seen(connection)
    clients = snapshot.sight.clients

    def rows_before(place: int) -> list[sqlite3.Row]:
        parameters = {
            "query": query.lower(), "before": place, "most": MOST + 1,
            "clients": None if clients is None else json.dumps(sorted(clients)),
        }  # fmt: skip
        return connection.execute(SQL["console_audit"], parameters).fetchall()

    rows = page_of(
        rows_before, before, most=MOST, place=lambda row: int(row["seq"]), shows=lambda row: _shows(row, seen)
    )
    return AuditView(
        query=query,
        lines=[_line(row) for row in rows[:MOST]],
        before=rows[MOST - 1]["seq"] if len(rows) > MOST else None,
    )


def _shows(row: sqlite3.Row, seen: Seen) -> bool:
    """Return whether a line is of a client whose records may be seen, and names no lot that may not."""
    if not seen.limited:
        return True
    try:
        body = json.loads(row["body"])
    except ValueError:
        return False
    scope = Scope(client_id=body.get("client_id"), study_id=body.get("study_id"))
    return seen.sight.owns(scope) and seen.lot(row["subject"]) and seen.names_nobody_hidden(body)


def _line(row: sqlite3.Row) -> AuditLineView:
    try:
        body = json.loads(row["body"])
    except ValueError:  # damaged: audit verify says so, and it is shown as it stands
        body = {"damaged": row["body"]}
    return AuditLineView(
        seq=row["seq"],
        at=rfc3339(row["at_ns"]),
        kind=row["kind"],
        subject=row["subject"],
        person=body.get("person") or body.get("user"),
        body=body,
        hash=row["hash"],
    )


def trace_view(connection: sqlite3.Connection, identity: str) -> TraceView | None:
    """Return the trees of everything that has an id, None where nothing has."""
    trees = trace(connection, identity)
    return TraceView(id=identity, trees=[node.document() for node in trees]) if trees else None
