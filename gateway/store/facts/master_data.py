"""Specifications that master data has stated, from their table."""

import sqlite3
from collections.abc import Iterable
from dataclasses import replace

from gateway.records.laboratory import Specification
from gateway.store.codec import decode
from gateway.store.statements import SQL


def stated_in(rows: Iterable[sqlite3.Row]) -> tuple[Specification, ...]:
    """Return the specifications in rows, each in force from its date, else from when it was stated, until withdrawn.

    The first one that is stated of an analyte for a client, or for all, holds from the beginning where it names no
    date: before it nothing held, and what was measured until then is to be judged, too.
    """
    known, stated_specifications = set[tuple[str, str | None]](), []
    for row in rows:
        stated = decode(Specification, row["body"])
        key, until_ns = (stated.analyte, stated.client_id), [stated.effective_until_ns, row["withdrawn_ns"]]
        from_ns = row["at_ns"] if key in known else None
        known.add(key)
        stated_specifications.append(
            replace(
                stated,
                effective_from_ns=from_ns if stated.effective_from_ns is None else stated.effective_from_ns,
                effective_until_ns=min((instant for instant in until_ns if instant is not None), default=None),
            )
        )
    return tuple(stated_specifications)


def stated_of_product(connection: sqlite3.Connection, product: str) -> tuple[Specification, ...]:
    """Return what has been stated of a product and holds, for a command that shows it."""
    rows = connection.execute(SQL["specifications_of_product"], {"product": product})
    return stated_in(row for row in rows if row["holds"])
