"""Lets a user whose sight is limited see lots, certificates and deviations of their clients and of the plant only.

It stands before what answers: for a user of whom no table says otherwise nothing is read, and nothing is left out.
"""

import json
import sqlite3
from collections.abc import Mapping
from functools import partial

from pydantic import ValidationError
from starlette.responses import Response

from gateway.console.application import Answering
from gateway.console.asked import Asked
from gateway.console.reading import ConsoleReader
from gateway.console.refusals import RefusedError, RequestRefusal
from gateway.knowledge.kinds.kind import DamagedRecordError
from gateway.knowledge.kinds.table import KINDS
from gateway.knowledge.sight import EVERYTHING, Sight, Sights

# by route: the kind of the record that it is about, and the part of the path that names it
_OF_ONE: Mapping[str, tuple[str, str]] = {
    "GET /api/lots/{lot}": ("lot", "lot"),
    "GET /api/lots/{lot}/review": ("lot", "lot"),
    "GET /api/lots/{lot}/review/document": ("lot", "lot"),
    "GET /api/charts/{lot}/{analyte}": ("lot", "lot"),
    "GET /api/deviations/{id}": ("deviation", "id"),
    "GET /api/certificates/{id}": ("certificate", "id"),
    "GET /api/certificates/{id}/{version}/document.html": ("certificate", "id"),
    "GET /api/certificates/{id}/{version}/document.pdf": ("certificate", "id"),
}
# by route: the list in the answer, the kind of its records, and the field that names each
_OF_MANY: Mapping[str, tuple[str, str, str]] = {
    "GET /api/lots": ("lots", "lot", "material_lot_id"),
    "GET /api/certificates": ("lines", "certificate", "certificate_id"),
}
LIMITED = frozenset({*_OF_ONE, *_OF_MANY})


class Sighted:
    """Limits answers by who asks."""

    def __init__(self, sights: Sights, reader: ConsoleReader) -> None:
        self._sights = sights
        self._reader = reader

    def over(self, answering: Mapping[str, Answering]) -> dict[str, Answering]:
        """Return the same answers, those about lots, certificates and deviations limited."""
        return {
            name: partial(self._one, answer, *_OF_ONE[name]) if name in _OF_ONE
            else partial(self._many, answer, *_OF_MANY[name]) if name in _OF_MANY
            else answer
            for name, answer in answering.items()
        }  # fmt: skip

    def _sight(self, asked: Asked) -> Sight:
        return self._sights.of_user(asked.signed_in.user.user_id)

    async def _one(self, answer: Answering, kind: str, parameter: str, asked: Asked) -> Response:
        sight, key = self._sight(asked), asked.parameters[parameter]
        if sight != EVERYTHING and not await self._reader.read(partial(_sees, sight=sight, kind=kind, key=key)):
            raise RefusedError(404, RequestRefusal.NOTHING_ON_RECORD)
        return await answer(asked)

    async def _many(self, answer: Answering, name: str, kind: str, field: str, asked: Asked) -> Response:
        sight, whole = self._sight(asked), await answer(asked)
        if sight == EVERYTHING:
            return whole
        document = json.loads(bytes(whole.body))
        keys = [str(item[field]) for item in document[name]]
        seen = await self._reader.read(
            lambda connection: {key for key in keys if _sees(connection, sight=sight, kind=kind, key=key)}
        )
        document[name] = [item for item in document[name] if item[field] in seen]
        return Response(json.dumps(document, ensure_ascii=False).encode(), media_type="application/json")


def _sees(connection: sqlite3.Connection, *, sight: Sight, kind: str, key: str) -> bool:
    """Return whether a record may be seen; of one that does not hold nobody knows whose it is."""
    try:
        document = KINDS[kind].make(connection, key)
    except (DamagedRecordError, ValidationError):
        return False
    return document is None or sight.sees(document.scope)
