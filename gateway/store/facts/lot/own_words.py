"""A result as its own message states it, without what production added: the lots that it names, and no others."""

import json
import sqlite3
from functools import lru_cache

from gateway.lab.ambiguous_lot_names import as_one_lot, parts_of
from gateway.records.laboratory import LabResult
from gateway.store.codec import decode
from gateway.store.statements import value_of


@lru_cache(maxsize=1024)
def own_words(body: str) -> LabResult:
    """Return the result in a body as its message states it; cached, as each result of a lot reads all earlier ones."""
    return decode(LabResult, body).in_its_own_words()


def with_known_lots(connection: sqlite3.Connection, result: LabResult) -> LabResult:
    """Return a result with the lots that it names; a name with bars is one lot where production knows it so."""

    def is_one_lot(name: str) -> bool:
        if value_of(connection, "is_started_lot", material_lot_id=name) is None:
            return False
        parts = json.dumps(parts_of(name))
        return value_of(connection, "known_parts", material_lot_id=name, parts=parts) is None

    return as_one_lot(result, is_one_lot) if result.unread else result
