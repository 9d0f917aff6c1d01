"""From the store: the state of a line at one instant. What does not match its hash is not shown as if it did."""

import sqlite3
from collections.abc import Mapping

from gateway.console.snapshot import Snapshot
from gateway.console.views.guidance import next_action, open_guidance
from gateway.console.views.predictions import specification_for
from gateway.line.definition import ModelAssignment, Stage
from gateway.line.outputs import ModelOutput
from gateway.records.guidance import Guidance
from gateway.records.laboratory import Disposition
from gateway.records.line_state import (
    CodeAndText,
    LimitInForce,
    LineState,
    LotState,
    Numbers,
    OpenGuidance,
    OutputState,
    Trust,
)
from gateway.records.prediction import Prediction
from gateway.records.verdicts import Reason
from gateway.store.facts.reading import Reading
from gateway.store.queries.lots import as_shown, row_as_shown
from gateway.store.statements import SQL
from gateway.texts.catalogue import language, languages

MOST_LOTS, MOST_GUIDANCE = 50, 50
_MOST_READ = 500  # open guidance, to say how many there are
_LAST_PLACE = 2**62
_SHADOW = Stage.SHADOW.name.lower()


def line_state(connection: sqlite3.Connection, snapshot: Snapshot) -> LineState:
    """Return the state of the line as it is committed."""
    guidance, _damaged = open_guidance(connection, snapshot, most=_MOST_READ)
    return LineState(
        path=snapshot.line.path,
        at_ns=snapshot.at.wall_ns,
        language=language(),
        outputs=tuple(
            output for model in snapshot.line.configured_models for output in outputs_of(connection, model, snapshot)
        ),
        lots=_lots(connection, snapshot),
        guidance=tuple(_guidance(item) for item in guidance[:MOST_GUIDANCE]),
        more_guidance=max(0, len(guidance) - MOST_GUIDANCE),
    )


def outputs_of(connection: sqlite3.Connection, model: ModelAssignment, snapshot: Snapshot) -> list[OutputState]:
    """Return the newest prediction of each output of a model."""
    reading = Reading(connection, snapshot.line, {})
    outputs = model.bundle.outputs
    rows = reading.rows("console_newest_predictions", {"model": model.name, "most": len(outputs)})
    newest = {item.analyte: item for item in reversed(reading.decoded(Prediction, rows))}
    damaged = bool(reading.damaged)
    return [_output(reading, model, output, newest.get(output.analyte), snapshot, damaged) for output in outputs]


def _output(
    reading: Reading,
    model: ModelAssignment,
    output: ModelOutput,
    prediction: Prediction | None,
    snapshot: Snapshot,
    damaged: bool,  # noqa: FBT001 - a state
) -> OutputState:
    stage = snapshot.status.stage.get(model.name, _SHADOW)
    trust = _trust(model, output, prediction, snapshot, stage=stage, damaged=damaged)
    specification = specification_for(reading, model.equipment_id, output, snapshot)
    shown = None if prediction is None or not trust.has_value else prediction
    identity = model.bundle.identity
    return OutputState(
        equipment_id=model.equipment_id,
        analyte=output.analyte,
        unit=output.unit,
        trust=trust,
        at_ns=None if prediction is None else prediction.at_ns,
        holds_until_ns=None if shown is None else shown.at_ns + model.prediction_lives_ns,
        numbers=None if shown is None else _numbers(shown),
        coverage=None if shown is None else shown.coverage,
        range=None if output.value is None else output.value.valid,
        limit=None if specification is None else LimitInForce(
            lower=specification.lower, upper=specification.upper, target=specification.target,
            version=specification.version,
        ),
        model=identity.name,
        version=identity.version,
        sha256=identity.sha256,
        stage=stage,
        reasons=() if prediction is None or trust is Trust.SHADOW else reasons_of(prediction.verdict.reasons),
        material_lot_id=None if shown is None else shown.material_lot_id,
    )  # fmt: skip


def _trust(
    model: ModelAssignment,
    output: ModelOutput,
    prediction: Prediction | None,
    snapshot: Snapshot,
    *,
    stage: str,
    damaged: bool,
) -> Trust:
    """Return how far a prediction can be trusted: what is told to nobody in shadow is not told here either."""
    if stage == _SHADOW:
        return Trust.SHADOW
    if prediction is None:
        return Trust.DAMAGED if damaged else Trust.WAITING
    if not 0 <= snapshot.at.wall_ns - prediction.at_ns <= model.prediction_lives_ns:  # also one of a clock set back
        return Trust.STALE
    if not prediction.verdict.accepted or prediction.model.sha256 != model.bundle.identity.sha256:
        return Trust.ABSTAINED
    return Trust.UNCERTAIN if beyond_range(output, prediction) else Trust.GOOD


def beyond_range(output: ModelOutput, prediction: Prediction) -> bool:
    """Return whether the interval of a prediction reaches beyond what the output can be."""
    if output.value is None or prediction.low is None or prediction.high is None:
        return False
    low, high = output.value.valid
    return prediction.low < low or prediction.high > high


def _numbers(prediction: Prediction) -> Numbers:
    return Numbers(
        value=prediction.value,
        low=prediction.low,
        high=prediction.high,
        uncorrected=prediction.uncorrected,
        probability=prediction.probability,
    )


def reasons_of(reasons: tuple[Reason, ...]) -> tuple[CodeAndText, ...]:
    """Return reasons as they are given to other systems."""
    return tuple(CodeAndText(code=reason.code, text=reason.text) for reason in reasons)


def _lots(connection: sqlite3.Connection, snapshot: Snapshot) -> tuple[LotState, ...]:
    """Return the newest lots, the newest first; none of their parts, which a reader could take for lots."""
    parameters = {"query": "", "before": _LAST_PLACE, "most": MOST_LOTS, "with_parts": 0}
    rows = connection.execute(SQL["console_lots"], parameters).fetchall()
    return tuple(_lot(Reading(connection, snapshot.line, {}), row) for row in rows)


def _lot(reading: Reading, row: sqlite3.Row) -> LotState:
    recommendation, damaged = row_as_shown(row)
    lot = row["material_lot_id"]
    newest = reading.rows("newest_disposition_of_lot", {"material_lot_id": lot})
    disposition = next(iter(reading.decoded(Disposition, newest)), None)
    return LotState(
        material_lot_id=lot,
        product=row["product"],
        job_order_id=row["job_order_id"],
        equipment_id=row["equipment_id"],
        started_ns=row["started_ns"],
        ended_ns=row["ended_ns"],
        closed_ns=row["closed_ns"],
        recommendation=as_shown(recommendation, damaged=bool(reading.damaged)).value,
        latched=bool(row["latched"]),
        damaged=damaged or bool(reading.damaged),
        results=row["results"],
        at_ns=None if disposition is None else newest[0]["at_ns"],
        reasons=() if disposition is None else reasons_of(disposition.reasons),
        missing_tests=() if disposition is None else disposition.missing_tests,
    )


def _guidance(guidance: Guidance) -> OpenGuidance:
    return OpenGuidance(
        guidance_id=guidance.guidance_id,
        kind=guidance.kind.value,
        state=guidance.state.value,
        severity=guidance.severity.value,
        title=guidance.title,
        action=_action(guidance),
        reasons=reasons_of(guidance.reasons),
        issued_ns=guidance.issued_ns,
        expires_ns=None if guidance.expires is None else guidance.expires.wall_ns,
        equipment_id=guidance.equipment_id,
        material_lot_id=guidance.material_lot_id,
        analyte=guidance.analyte,
    )


def _action(guidance: Guidance) -> Mapping[str, str]:
    return {name: next_action(guidance, language=name) for name in sorted(languages())}
