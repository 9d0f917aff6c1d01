"""How a line did in each period of a model's stage: by it a pilot is compared with the time before (the control)."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from gateway.store.statements import SQL, value_of
from gateway.time_units import SECOND_NS

CONTROL = "control"


@dataclass(frozen=True, kw_only=True, slots=True)
class PilotPeriod:
    """A period between two signed changes of a stage; ``stage``: "control" before the first one.

    ``off_specification_share``: of results of what the model predicts; ``decision_seconds``: the median from a lot's
    newest result to a person's decision; ``rejected``: by reason. Figures are None where there is nothing to divide by.
    """

    stage: str
    from_ns: int
    until_ns: int
    results: int
    off_specification: int
    off_specification_share: float | None
    decisions: int
    decision_seconds: float | None
    suggestions: int
    accepted: int
    accepted_share: float | None
    rejected: Mapping[str, int]


def pilot_periods(
    connection: sqlite3.Connection, *, model: str, analytes: tuple[str, ...], from_ns: int | None, until_ns: int
) -> tuple[PilotPeriod, ...]:
    """Return the periods of a model's stages until an instant, from one on or from its first prediction on."""
    first_ns = value_of(connection, "first_prediction_of_model", model=model) if from_ns is None else from_ns
    begin_ns = until_ns if first_ns is None else int(first_ns)
    return tuple(
        _period(connection, stage, model=model, analytes=analytes, from_ns=begun_ns, until_ns=ended_ns)
        for stage, begun_ns, ended_ns in _stages(connection, model, begin_ns, until_ns)
    )


def _stages(connection: sqlite3.Connection, model: str, begin_ns: int, until_ns: int) -> Iterator[tuple[str, int, int]]:
    """Yield (stage, begin, end) in their order."""
    stage, since_ns = CONTROL, begin_ns
    for row in connection.execute(SQL["stage_changes_of_model"], {"model": model}):
        at_ns = min(int(row["at_ns"]), until_ns)
        if at_ns > since_ns:
            yield stage, since_ns, at_ns
            since_ns = at_ns
        stage = str(row["stage"]) if row["holds"] else "unknown"
    if until_ns > since_ns:
        yield stage, since_ns, until_ns


def _period(
    connection: sqlite3.Connection, stage: str, *, model: str, analytes: tuple[str, ...], from_ns: int, until_ns: int
) -> PilotPeriod:
    between = {"from_ns": from_ns, "until_ns": until_ns, "model": model, "analytes": json.dumps(analytes)}
    results, failed = connection.execute(SQL["results_of_period"], between).fetchone()
    waited = [int(row[0]) for row in connection.execute(SQL["lot_decisions_of_period"], between) if row[0] is not None]
    suggestions = len(connection.execute(SQL["suggestions_of_period"], between).fetchall())
    (accepted,) = connection.execute(SQL["accepted_of_period"], between).fetchone()
    rejected = {str(reason): int(count) for reason, count in connection.execute(SQL["rejections_of_period"], between)}
    return PilotPeriod(
        stage=stage,
        from_ns=from_ns,
        until_ns=until_ns,
        results=results,
        off_specification=failed or 0,
        off_specification_share=_share(failed or 0, results),
        decisions=len(waited),
        decision_seconds=median(waited) / SECOND_NS if waited else None,
        suggestions=suggestions,
        accepted=accepted,
        accepted_share=_share(accepted, suggestions),
        rejected=rejected,
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
