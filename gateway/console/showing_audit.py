"""Answers the views of the audit trail: its entries, what is connected with an id, whether it holds."""

from collections.abc import Mapping
from functools import partial

from starlette.responses import Response

from gateway.console.asked import Answering, Asked
from gateway.console.reading import ConsoleReader
from gateway.console.shown import Shown, place
from gateway.console.verifying import Verifying
from gateway.console.views.audit import audit_view, trace_view

_VERIFIED_SECONDS = 60.0


class ShowingAudit:
    """Answers the routes that read the audit trail."""

    def __init__(self, *, reader: ConsoleReader, shown: Shown, verifying: Verifying) -> None:
        self._reader = reader
        self._shown = shown
        self._verifying = verifying

    def answering(self) -> Mapping[str, Answering]:
        """Return what answers each route."""
        return {
            "GET /api/audit": self.audit,
            "GET /api/audit/trace/{id}": self.trace,
            "GET /api/audit/verify": self.verify,
        }

    async def audit(self, asked: Asked) -> Response:
        """Show the audit trail."""
        query, before = asked.query("query"), place(asked)
        return await self._shown.show(
            asked,
            f"audit {before} {query}",
            partial(audit_view, query=query, before=before),
            self._reader,
        )

    async def trace(self, asked: Asked) -> Response:
        """Show everything that is connected with an id."""
        identity = asked.parameters["id"]
        return await self._shown.show(
            asked, f"trace {identity}", lambda connection, _: trace_view(connection, identity), self._reader
        )

    async def verify(self, _asked: Asked) -> Response:
        """Verify the audit trail and all records."""

        async def verified() -> bytes:
            return (await self._verifying.view()).model_dump_json().encode()

        return await self._shown.kept("verify", verified, seconds=_VERIFIED_SECONDS)
