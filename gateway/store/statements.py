"""The store's SQL statements by name."""

import sqlite3
from typing import Any

from gateway.database.statements import read_statements

SQL = read_statements("gateway.store")


def value_of(connection: sqlite3.Connection, statement: str, **parameters: Any) -> Any:
    """Return the first cell of a statement's first row, None where there is no row."""
    row = connection.execute(SQL[statement], parameters).fetchone()
    return None if row is None else row[0]
