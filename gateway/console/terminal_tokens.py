"""Gives a person who is signed in a token for their questions at a terminal; that it was given is on record."""

import sqlite3
from collections.abc import Mapping
from functools import partial

from starlette.responses import Response

from gateway.console.application import counted_rate
from gateway.console.asked import Answering, Asked
from gateway.console.refusals import RefusedError, RequestRefusal
from gateway.console.shown import Shown
from gateway.console.views.ask import TokenAsked, TokenView
from gateway.contract.times import rfc3339
from gateway.contract.topics import encode_level
from gateway.copilot.tokens import TerminalTokens
from gateway.database.writer import Writer
from gateway.records.outgoing import AuditEntry
from gateway.store.audit import trail as audit
from gateway.transport.http_entrance import Rate

_PER_SECOND, _AT_ONCE = 1.0, 5  # of one person: each is a line of the audit trail


class TokenAnswers:
    """Answers the route of tokens; ``tokens`` None: terminals are not answered here."""

    def __init__(self, tokens: TerminalTokens | None, shown: Shown, writer: Writer) -> None:
        self._tokens = tokens
        self._shown = shown
        self._writer = writer
        self._rates: dict[str, Rate] = {}

    def answering(self) -> Mapping[str, Answering]:
        """Return what answers each route."""
        return {"POST /api/ask/token": self.issue}

    async def issue(self, asked: Asked) -> Response:
        """Give a token."""
        body, session = asked.body, asked.signed_in
        assert isinstance(body, TokenAsked)  # noqa: S101 - its route says so
        if self._tokens is None:
            raise RefusedError(404, RequestRefusal.NO_TERMINALS)
        rate = counted_rate(self._rates, session.user.user_id, per_second=_PER_SECOND, at_once=_AT_ONCE)
        if not rate.takes():
            raise RefusedError(429, RequestRefusal.TOO_MANY_REQUESTS)
        snapshot = self._shown.snapshot(asked.sight)
        entry = AuditEntry(kind="terminal_token_issued", subject=session.user.user_id, body={"terminal": body.terminal})
        await self._writer.run(partial(_on_record, entry=entry, at_ns=snapshot.at.wall_ns))
        issued = self._tokens.issue(
            user_id=session.user.user_id, session=session.token_sha256, terminal=encode_level(body.terminal),
            line=snapshot.line.path,
        )  # fmt: skip
        view = TokenView(
            terminal=body.terminal, token=issued.text, key=issued.key, expires_at=rfc3339(issued.expires_ns)
        )
        return Response(view.model_dump_json(), media_type="application/json")


def _on_record(connection: sqlite3.Connection, *, entry: AuditEntry, at_ns: int) -> None:
    audit.append(connection, (entry,), at_ns=at_ns)
