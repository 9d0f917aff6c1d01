"""The names by which messages call lots, and which lots are judged again for a name. Within the transaction."""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from gateway.lab.ambiguous_lot_names import parts_of
from gateway.lab.lookalike_names import likeness_key
from gateway.store.statements import SQL

_MOST_MARKED = 1000  # lots with names that only look alike


def note_name(connection: sqlite3.Connection, lot: str) -> bool:
    """Note a name by which a message calls a lot; return whether none has done so before."""
    name = {"material_lot_id": lot, "likeness": likeness_key(lot)}
    return connection.execute(SQL["insert_lot_name"], name).rowcount > 0


def note_names(connection: sqlite3.Connection, lots: Iterable[str], because: Mapping[str, Any]) -> None:
    """Note names of lots; where a new one only looks like others, its lot and theirs are judged again."""
    for lot in lots:
        if note_name(connection, lot):
            mark_lots_named_alike(connection, lot, because)


def mark_lots_named_alike(connection: sqlite3.Connection, lot: str, because: Mapping[str, Any]) -> None:
    """Mark a lot and those whose names only look alike, where there are any."""
    parameters = {"likeness": likeness_key(lot), "most": _MOST_MARKED, **because}
    connection.execute(SQL["judge_lots_named_alike_again"], parameters)


def mark_lots_of_names_with_bars(
    connection: sqlite3.Connection, lots: tuple[str, ...], because: Mapping[str, Any]
) -> None:
    """Mark what a lot's name with bars may mean, and the lots whose names with bars may mean it, with itself."""
    with_bars = [row[0] for row in connection.execute(SQL["names_with_bars"])]
    for lot in lots:
        wholes = [name for name in with_bars if lot in parts_of(name)]
        parts = parts_of(lot)
        for name in (*wholes, *parts, *((lot,) if wholes or parts else ())):
            connection.execute(SQL["judge_lot_again"], {"material_lot_id": name, **because})
