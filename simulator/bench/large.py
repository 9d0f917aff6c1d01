"""A state database made large: years of evidence."""

import sqlite3
from contextlib import closing
from pathlib import Path

from gateway.records.outgoing import AuditEntry
from gateway.store.audit import trail as audit
from gateway.store.database import open_state

_AT_ONCE = 2000
_BODY = '{"text":"' + "evidence " * 220 + '"}'


def fill(directory: Path, mebibytes: int) -> int:
    """Fill the state database up to so many MiB with dead letters, as a gateway might in years; return its bytes."""
    size_bytes = mebibytes * 2**20
    with closing(open_state(directory)) as connection:
        connection.execute("PRAGMA synchronous = OFF")  # only while filling
        number = 0
        while _size(connection) < size_bytes:
            connection.execute("BEGIN")
            for _ in range(_AT_ONCE):
                number += 1
                connection.execute(
                    "INSERT INTO dead_letter (dead_letter_id, at_ns, topic, reasons, payload) VALUES (?, ?, ?, ?, ?)",
                    (f"filling-{number}", number, "lims/results/old", "[]", _BODY.encode()),
                )
            entry = AuditEntry(kind="filling", subject=str(number), body={"rows": number})
            audit.append(connection, (entry,), at_ns=number)
            connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return _size(connection)


def _size(connection: sqlite3.Connection) -> int:
    pages, page_bytes = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return int(pages) * int(page_bytes)
