"""What a control sample stands on, and which control concerns a result."""

from dataclasses import fields

from gateway.events import (
    ResultArrived,
)
from gateway.facts.lab_result import QcSampleFacts, ResultHistory
from gateway.lab.westgard import MOST_VALUES, ControlPoint
from gateway.line.definition import LineDefinition
from gateway.records.production import Context
from gateway.store.facts.reading import Reading
from gateway.store.statements import SQL

_CONTROLS_AROUND = 2 * MOST_VALUES  # on each side, of each material
_CONTROL = tuple(field.name for field in fields(ControlPoint))


def qc_sample_facts(reading: Reading, event: ResultArrived, history: ResultHistory) -> QcSampleFacts:
    """Return what a control is judged by: the ones around it, and whom it would concern."""
    current = history.current
    around = _controls(reading, event, reading.line, besides=None if current is None else current.result_id)
    before = tuple(control for control in around if control.at_ns <= event.measured_ns)
    same = (control for control in reversed(before) if control.material == event.result.control_id)
    good_ns = next((control.arrived_ns for control in same if not control.rejected), None)
    of = {"analyte": event.result.analyte, "instrument_id": event.result.instrument_id, "since_ns": good_ns}
    lots = () if good_ns is None else reading.connection.execute(SQL["lots_measured_since"], of)
    return QcSampleFacts(
        **reading.base(),
        history=history,
        context=Context(),
        controls=before,
        later_controls=around[len(before) :],
        measured_since=None if good_ns is None else tuple(lot for (lot,) in lots),
    )


def _controls(
    reading: Reading, event: ResultArrived, line: LineDefinition, *, besides: str | None
) -> tuple[ControlPoint, ...]:
    """Return the controls around when a result was measured, of its analyte and instrument, the oldest first.

    So many of each material that is configured: one that is measured seldom is not crowded out by the others.
    """
    analyte = event.result.analyte
    parameters = {"analyte": analyte, "instrument_id": event.result.instrument_id, "at_ns": event.measured_ns,
             "besides": besides, "most": _CONTROLS_AROUND}  # fmt: skip
    rows = [
        row
        for material in dict.fromkeys(control.name for control in line.controls if control.analyte == analyte)
        for statement in ("controls_until", "controls_after")
        for row in reading.rows(statement, {**parameters, "material": material})
    ]
    rows.sort(key=lambda row: (row["at_ns"], row["row_number"]))
    return tuple(
        ControlPoint(**{name: row[name] for name in _CONTROL} | {"rejected": bool(row["rejected"])}) for row in rows
    )


def rejected_control(reading: Reading, event: ResultArrived, line: LineDefinition) -> ControlPoint | None:
    """Return a control next to when a result was measured that was out: nobody knows since when, or until when.

    Of each material at each instrument the last before and the first after count: a level that is in line says
    nothing of another one. Materials that are not configured any more count for nothing.
    """
    nearest: dict[tuple[bool, str, str | None], ControlPoint] = {}
    for control in _controls(reading, event, line, besides=None):
        after = control.at_ns > event.measured_ns
        where = (after, control.material, control.instrument_id)
        if not (after and where in nearest):
            nearest[where] = control
    return next((control for control in nearest.values() if control.rejected), None)
