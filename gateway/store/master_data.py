"""Specifications that master data has stated, from their table."""

import sqlite3
from dataclasses import replace

from gateway.records import Specification
from gateway.store.codec import decode
from gateway.store.statements import SQL


def stated_in(row: sqlite3.Row) -> Specification:
    """Return the specification in a row, in force from its date, else from when it was stated, until withdrawn."""
    stated = decode(Specification, row["body"])
    until_ns = [each for each in (stated.effective_until_ns, row["withdrawn_ns"]) if each is not None]
    return replace(
        stated,
        effective_from_ns=row["at_ns"] if stated.effective_from_ns is None else stated.effective_from_ns,
        effective_until_ns=min(until_ns, default=None),
    )


def stated_of_product(connection: sqlite3.Connection, product: str) -> tuple[Specification, ...]:
    """Return what has been stated of a product and holds, for a command that shows it."""
    rows = connection.execute(SQL["specifications_of_product"], {"product": product})
    return tuple(stated_in(row) for row in rows if row["holds"])
