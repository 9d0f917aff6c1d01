"""A laboratory result that has taught a model, to the columns of its row and back."""

import json
import sqlite3
from dataclasses import asdict, fields
from typing import Any

from gateway.inference.feedback import Feedback

_NAMES = tuple(field.name for field in fields(Feedback))


def columns_of(entry: Feedback) -> dict[str, Any]:
    """Return the columns of an entry's row, without its model and analyte."""
    return {**asdict(entry), "features": json.dumps(entry.features)}


def entry_in(row: sqlite3.Row) -> Feedback:
    """Return the entry in a row."""
    columns = {name: row[name] for name in _NAMES}
    return Feedback(**{**columns, "features": tuple(json.loads(row["features"]))})
