"""Answers what is asked of certificates: the list, one of them, and its document as a page or as PDF.

What was signed is answered with the bytes that were issued. Anything else is made when it is asked for, in a process of
its own, one at a time, and says on every page that it is not valid.
"""

import asyncio
import sqlite3
from collections.abc import Mapping
from functools import partial

from starlette.responses import Response

from gateway.advice.certificate_mail import file_name
from gateway.advice.certificate_message import paper_of
from gateway.console.asked import Answering, Asked
from gateway.console.reading import ConsoleReader
from gateway.console.refusals import RefusedError, RequestRefusal
from gateway.console.shown import Shown, place
from gateway.console.views.certificates import certificate_view, certificates_view
from gateway.records.certificates import CertificateOnRecord, CertificateState
from gateway.records.sight import EVERYTHING
from gateway.store.queries.certificates import Document, certificate_version, document_of
from gateway.transport.paper import Form, PaperError, make

_LONGEST_SEARCH = 200
_VERSION_DIGITS = 4
_MOST_WAITING = 4
_POLICIES = {
    Form.HTML: "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'none'",
    Form.PDF: "frame-ancestors 'none'",
}


class CertificateAnswers:
    """Answers the routes of certificates."""

    def __init__(self, reader: ConsoleReader, shown: Shown) -> None:
        self._reader = reader
        self._shown = shown
        self._making = asyncio.Semaphore(1)
        self._waiting = 0

    def answering(self) -> Mapping[str, Answering]:
        """Return what answers each route."""
        return {
            "GET /api/certificates": self.certificates,
            "GET /api/certificates/{id}": self.certificate,
            "GET /api/certificates/{id}/{version}/document.html": partial(self.document, form=Form.HTML),
            "GET /api/certificates/{id}/{version}/document.pdf": partial(self.document, form=Form.PDF),
        }

    async def certificates(self, asked: Asked) -> Response:
        """Show the newest certificates, or those that a search names."""
        query, before = asked.query("query", longest=_LONGEST_SEARCH), place(asked)
        reads = partial(certificates_view, query=query, before=before)
        return await self._shown.show(asked, f"certificates {before} {query}", reads, self._reader)

    async def certificate(self, asked: Asked) -> Response:
        """Show one certificate."""
        own = asked.parameters["id"]
        reads = partial(certificate_view, certificate_id=own)
        return await self._shown.show(asked, f"certificate {own}", reads, self._reader)

    async def document(self, asked: Asked, *, form: Form) -> Response:
        """Send a version's document."""
        own, version = asked.parameters["id"], asked.parameters["version"]
        is_number = version.isascii() and version.isdecimal() and len(version) <= _VERSION_DIGITS
        number = int(version) if is_number else 0
        known, document = await self._reader.read(lambda connection: _read(connection, own, number))
        if known is None:
            raise RefusedError(404, RequestRefusal.NOTHING_ON_RECORD)
        issued = known.holds and known.state is CertificateState.SIGNED and document is not None and document.holds
        content = document.content if issued and document is not None and document.media_type == form else None
        if content is None:
            content = await self._made(known, form)
        name = file_name(known, "pdf" if form is Form.PDF else "html")
        headers = {"content-security-policy": _POLICIES[form], "content-disposition": f'inline; filename="{name}"'}
        return Response(content, media_type=form.value, headers=headers)

    async def _made(self, known: CertificateOnRecord, form: Form) -> bytes:
        """Return a document that is made now; what does not hold is shown as in question."""
        if self._waiting >= _MOST_WAITING:
            raise RefusedError(429, RequestRefusal.TOO_MANY_REQUESTS)
        paper = paper_of(known, self._shown.snapshot(EVERYTHING).line)
        self._waiting += 1
        try:
            async with self._making:
                return (await asyncio.to_thread(make, paper, form)).content
        except PaperError as error:
            raise RefusedError(503, RequestRefusal.DOCUMENT_NOT_MADE, problem=str(error), way=error.hint) from error
        finally:
            self._waiting -= 1


def _read(
    connection: sqlite3.Connection, certificate_id: str, version: int
) -> tuple[CertificateOnRecord | None, Document | None]:
    return certificate_version(connection, certificate_id, version), document_of(connection, certificate_id, version)
