"""Audit: the trail's lines, from an id to all that is connected with it, and whether the chain holds."""

import json
import sqlite3
from typing import Any

from pydantic import Field

from gateway.console.views.parts import View
from gateway.contract.times import rfc3339
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


def audit_view(connection: sqlite3.Connection, *, query: str, before: int) -> AuditView:
    """Return the newest lines that hold a text, before a number."""
    parameters = {"query": query.lower(), "before": before, "most": MOST + 1}
    rows = connection.execute(SQL["console_audit"], parameters).fetchall()
    return AuditView(
        query=query,
        lines=[_line(row) for row in rows[:MOST]],
        before=rows[MOST - 1]["seq"] if len(rows) > MOST else None,
    )


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
