"""Answers the export of a signed record: the files that anybody verifies without Labline, in one archive."""

import io
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from starlette.responses import Response

from gateway.advice.signed_documents import documents_of
from gateway.console.asked import Answering, Asked
from gateway.console.reading import ConsoleReader
from gateway.console.refusals import RefusedError, RequestRefusal
from gateway.contract.signed_bundle import bundle_files
from gateway.records.signatures import SignedOnRecord, SigningState
from gateway.store.audit.heads import HeadSigner
from gateway.store.queries.signatures import signed_record_of
from gateway.time_units import SECOND_NS

_MODE = 0o644 << 16  # of a file within the archive: everybody reads it
_NAMED = 8  # characters of an id in a file's name


class Bundles:
    """Answers exports."""

    def __init__(self, reader: ConsoleReader, *, line: str, signer: Callable[[], HeadSigner]) -> None:
        """``signer``: of the line's audit key; it raises StoreUnavailableError where there is none."""
        self._reader = reader
        self._line = line
        self._signer = signer

    def answering(self) -> Mapping[str, Answering]:
        """Return what answers each route."""
        return {"GET /api/signatures/{id}/bundle": self.bundle}

    async def bundle(self, asked: Asked) -> Response:
        """Return a record that is done and holds, with its signatures, as a ZIP archive."""
        record_id = asked.parameters["id"]
        item = await self._reader.read(lambda connection: signed_record_of(connection, record_id))
        if item is None:
            raise RefusedError(404, RequestRefusal.NO_SIGNED_RECORD)
        if not item.holds:
            raise RefusedError(409, RequestRefusal.DAMAGED_NOT_EXPORTED)
        if item.state is not SigningState.DONE:
            raise RefusedError(409, RequestRefusal.ACT_NOT_DONE, signing_state=item.state.value)
        name = f"{item.record.kind}-{record_id[:_NAMED]}"
        return Response(
            self._archive(item, name),
            media_type="application/zip",
            headers={"content-disposition": f'attachment; filename="{name}.zip"'},
        )

    def _archive(self, item: SignedOnRecord, folder: str) -> bytes:
        signer = self._signer()
        files = bundle_files(
            item,
            signer.private_key.sign,
            line=self._line,
            public_key=bytes.fromhex(signer.public_key),
            documents=documents_of(item, line=self._line),
        )
        made = datetime.fromtimestamp(item.record.made_ns / SECOND_NS, tz=UTC)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                entry = zipfile.ZipInfo(f"{folder}/{name}", date_time=made.timetuple()[:6])
                entry.external_attr = _MODE
                archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
        return buffer.getvalue()
