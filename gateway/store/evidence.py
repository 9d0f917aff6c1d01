"""The hash that every evidence row carries, set by triggers and checked wherever the row is read.

SQLite notices garbage in the middle of a page four times in five; this notices it always.
"""

import hashlib
from collections.abc import Mapping

from gateway.errors import EvidenceDamagedError

Cell = str | float | bytes | None


def evidence_hash(*values: Cell) -> str:
    """Return the SHA-256 of a row: its table's name and its columns in order, each with its type and length."""
    parts: list[bytes] = []
    for value in values:
        if isinstance(value, bytes):
            parts += (b"b%d:" % len(value), value)
        elif isinstance(value, str):
            content = value.encode("utf-8", "surrogatepass")
            parts += (b"t%d:" % len(content), content)
        elif value is None:
            parts.append(b"n")
        elif isinstance(value, int):
            parts.append(b"i%d;" % value)
        else:
            parts.append(b"f%b;" % repr(value).encode())
    return hashlib.sha256(b"".join(parts)).hexdigest()


def with_hash(table: str, row: Mapping[str, Cell]) -> dict[str, Cell]:
    """Return a new row with its hash, as its trigger would set it; the columns are in the table's order.

    SQLite keeps no negative zero: it would come back as another value than the one that was hashed.
    """
    kept = {name: value + 0.0 if isinstance(value, float) else value for name, value in row.items()}
    as_hashed = (value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value for value in kept.values())
    return {**kept, "hash": evidence_hash(table, *as_hashed)}


def must_hold(holds: object, *, table: str, key: object) -> None:
    """Raise EvidenceDamagedError unless SQLite found the row's hash right."""
    if not holds:
        raise EvidenceDamagedError(
            f"the record {key} in {table} does not match the hash it was written with",
            hint="the disk or a person changed it; run labline audit verify, and see operations.md",
        )
