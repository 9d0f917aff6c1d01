"""Since when the process has been outside what a model has learned, by the model's predictions on record."""

import sqlite3

from gateway.line.definition import ModelAssignment
from gateway.store.statements import SQL
from gateway.time_units import SECOND_NS

_MOST = 2000  # predictions that are looked at
_LONGEST_NS = 24 * 3600 * SECOND_NS  # how far back; who has not looked for a day need not know since when


def outside_parameters(model: ModelAssignment, now_ns: int) -> dict[str, object]:
    """Return the parameters of the statement ``outside_since``: a model that no longer predicts says nothing of now."""
    return {
        "model": model.name,
        "analyte": model.bundle.outputs[0].analyte,
        "after_ns": now_ns - _LONGEST_NS,
        "alive_ns": now_ns - model.prediction_lives_ns - model.every_ns,
        "now_ns": now_ns,
        "most": _MOST,
    }


def outside_since_ns(connection: sqlite3.Connection, model: ModelAssignment, now_ns: int) -> int | None:
    """Return since when the state stands without a break; None where it does not, or is not known."""
    if model.bundle.outside is None:
        return None
    (since_ns,) = connection.execute(SQL["outside_since"], outside_parameters(model, now_ns)).fetchone()
    return None if since_ns is None else int(since_ns)
