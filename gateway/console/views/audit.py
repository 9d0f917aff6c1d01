"""Audit: the trail's lines, from an id to all that is connected with it, and whether the chain holds."""

from typing import Any

from pydantic import Field

from gateway.console.views.parts import View


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
