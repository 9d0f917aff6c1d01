"""The history of predictions and tags between two instants: the oldest first, in pieces of a bounded size."""

import sqlite3
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from gateway.history.windows import TagWindow
from gateway.interfaces.i3x.objects import BAD, GOOD, NO_DATA, UNCERTAIN, Vqt, prediction_vqt
from gateway.interfaces.state_reading import beyond_range
from gateway.line.definition import LineDefinition, ModelAssignment, Stage
from gateway.line.outputs import ModelOutput
from gateway.records.line_state import Numbers, OutputState, Trust
from gateway.records.prediction import Prediction
from gateway.records.process import Quality, quality_of
from gateway.store.facts.reading import Reading
from gateway.store.statements import SQL
from gateway.time_units import SECOND_NS

MOST_POINTS = 5000
LONGEST_NS = 24 * 3600 * SECOND_NS  # of a tag; longer stretches are read piece by piece
_SHADOW = Stage.SHADOW.name.lower()


class Piece(NamedTuple):
    """Values in their order; ``until_ns``: the instant up to which they are all, where there may be more."""

    values: list[Vqt]
    until_ns: int | None = None


def of_prediction(
    connection: sqlite3.Connection, line: LineDefinition, output: OutputState, *, start_ns: int, end_ns: int
) -> Piece:
    """Return the predictions of an output that were told; those in shadow were not."""
    model = next((item for item in line.configured_models if item.name == output.model), None)
    of_model = None if model is None else model.bundle.output_of(output.analyte)
    if model is None or of_model is None:
        return Piece([])
    reading = Reading(connection, line, {})
    between = {"start_ns": start_ns, "end_ns": end_ns, "most": MOST_POINTS + 1}
    parameters = {"model": model.name, "analyte": output.analyte, **between}
    rows = connection.execute(SQL["predictions_between"], parameters).fetchall()
    predictions = reading.decoded(Prediction, reading.that_hold(rows[:MOST_POINTS]))
    values = [_told(item, output, model, of_model) for item in predictions if item.stage != _SHADOW]
    return Piece(values, rows[MOST_POINTS - 1]["at_ns"] if len(rows) > MOST_POINTS else None)


def _told(prediction: Prediction, output: OutputState, model: ModelAssignment, of_model: ModelOutput) -> Vqt:
    """Return a prediction as it was told; the specification of that time is not known here."""
    uncertain = beyond_range(of_model, prediction)
    trust = (Trust.UNCERTAIN if uncertain else Trust.GOOD) if prediction.verdict.accepted else Trust.ABSTAINED
    told = replace(
        output, trust=trust, at_ns=prediction.at_ns, holds_until_ns=prediction.at_ns + model.prediction_lives_ns,
        numbers=Numbers(value=prediction.value, low=prediction.low, high=prediction.high,
                        uncorrected=prediction.uncorrected, probability=prediction.probability),
        coverage=prediction.coverage, limit=None, model=prediction.model.name, version=prediction.model.version,
        stage=prediction.stage, material_lot_id=prediction.material_lot_id,
    )  # fmt: skip
    return prediction_vqt(told, prediction.at_ns)


def of_tag(window: TagWindow, *, start_ns: int, asked_until_ns: int) -> Piece:
    """Return the values of a window from a start on; ``asked_until_ns``: up to which the client has asked."""
    first = int(np.searchsorted(window.held_ns, start_ns))
    shown = slice(first, first + MOST_POINTS)
    samples = zip(window.values[shown], window.statuses[shown], window.held_ns[shown], strict=True)
    values = [_sample(float(value), int(status), int(held_ns)) for value, status, held_ns in samples]
    if len(window) - first > MOST_POINTS:
        return Piece(values, values[-1].at_ns)
    return Piece(values, window.end_ns if window.end_ns < asked_until_ns else None)


def _sample(value: float, status: int, held_ns: int) -> Vqt:
    quality = quality_of(status)
    if quality is Quality.BAD or not np.isfinite(value):
        return Vqt(None, BAD, held_ns)
    return Vqt(value, GOOD if quality is Quality.GOOD else UNCERTAIN, held_ns)


def nothing(at_ns: int) -> Piece:
    """Return that there is no history in a stretch."""
    return Piece([Vqt(None, NO_DATA, at_ns)])
