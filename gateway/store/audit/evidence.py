"""The hash that every evidence row carries, set by triggers and checked wherever the row is read.

SQLite notices garbage in the middle of a page four times in five; this notices it always.
"""

import hashlib
from collections.abc import Iterable, Mapping

from gateway.errors import record_damaged

Cell = str | float | bytes | None


def evidence_hash(*values: Cell) -> str:
    """Return the SHA-256 of a row: its table's name and its columns in order, each with its type and length."""
    return _digest([], values, text=b"t%d:")


def row_hash(table: str, cells: Iterable[Cell]) -> str:
    """Return a row's hash as its trigger would set it; the cells are in the table's order, none a negative zero."""
    name = table.encode()
    return _digest([b"t%d:" % len(name), name], cells, text=b"b%d:")  # triggers cast text to bytes


def with_hash(table: str, row: Mapping[str, Cell]) -> dict[str, Cell]:
    """Return a new row with its hash, as its trigger would set it; the columns are in the table's order.

    SQLite keeps no negative zero: it would come back as another value than the one that was hashed.
    """
    kept = {name: value + 0.0 if isinstance(value, float) else value for name, value in row.items()}
    kept["hash"] = row_hash(table, kept.values())
    return kept


def _digest(parts: list[bytes], values: Iterable[Cell], *, text: bytes) -> str:
    """Return the SHA-256 of the parts and values; ``text`` is how a text's type and length are written."""
    add = parts.append
    for value in values:
        if isinstance(value, bytes):
            add(b"b%d:" % len(value))
            add(value)
        elif isinstance(value, str):
            content = value.encode("utf-8", "surrogatepass")
            add(text % len(content))
            add(content)
        elif value is None:
            add(b"n")
        elif isinstance(value, int):
            add(b"i%d;" % value)
        else:
            add(b"f%b;" % repr(value).encode())
    return hashlib.sha256(b"".join(parts)).hexdigest()


def must_hold(holds: object, *, table: str, key: object) -> None:
    """Raise EvidenceDamagedError unless SQLite found the row's hash right."""
    if not holds:
        raise record_damaged(table=table, key=key)
