"""The hash that every evidence row carries, set by triggers and checked wherever the row is read.

SQLite notices garbage in the middle of a page four times in five; this notices it always.
"""

import hashlib

from gateway.errors import EvidenceDamagedError

_MARKS = {str: b"t", int: b"i", float: b"f", bytes: b"b", type(None): b"n"}


def evidence_hash(*values: str | float | bytes | None) -> str:
    """Return the SHA-256 of a row: its table's name and its columns in order, each with its type and length."""
    digest = hashlib.sha256()
    for value in values:
        match value:
            case bytes():
                content = value
            case str():
                content = value.encode("utf-8", "surrogatepass")
            case _:
                content = repr(value).encode()
        digest.update(b"%b%d:%b" % (_MARKS[type(value)], len(content), content))
    return digest.hexdigest()


def must_hold(holds: object, *, table: str, key: object) -> None:
    """Raise EvidenceDamagedError unless SQLite found the row's hash right."""
    if not holds:
        raise EvidenceDamagedError(
            f"the record {key} in {table} does not match the hash it was written with",
            hint="the disk or a person changed it; run labline audit verify, and see operations.md",
        )
