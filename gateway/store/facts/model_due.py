"""What a model's turn stands on."""

import json
import sqlite3
from dataclasses import fields

from gateway.advice.provisional import IN_A_ROW
from gateway.deadlines import ClockReading
from gateway.events import ModelDue
from gateway.facts.model_due import LotInProgress, LotPrediction, ModelDueFacts, PastPrediction
from gateway.guardrails.outside import is_outside
from gateway.guardrails.reasons import Abstention
from gateway.lab.disposition import LotState
from gateway.line.definition import ModelAssignment, Stage
from gateway.line.sustained_outside import PastJudgement
from gateway.records.laboratory import ProvisionalHold, Recommendation
from gateway.records.lot_decisions import LotDecided
from gateway.records.prediction import Prediction
from gateway.records.production import NOTHING_MADE, Context
from gateway.setpoints.interactions import coupled_models
from gateway.store.facts.feedback import bias_of
from gateway.store.facts.guidance import announced_within
from gateway.store.facts.loaders import loader
from gateway.store.facts.production_then import production_of
from gateway.store.facts.reading import Reading
from gateway.store.facts.rejected import rejected_of_model
from gateway.store.facts.setpoint_write import NO_WRITES, writes_of
from gateway.store.facts.suppression import silenced, suppressed_by_design
from gateway.store.queries.lot_decisions import decision_of_lot
from gateway.store.statements import SQL

_MOST_RECENT = 2000  # predictions: delays of an hour at the usual pace
_NEWEST_MOVES = 50  # of a setpoint: the newest suggestion is among them
_PROVISIONAL = tuple(field.name for field in fields(ProvisionalHold))


@loader
def model_due_facts(reading: Reading, event: ModelDue) -> ModelDueFacts:
    """Return what a model's turn stands on; nothing of a model that is not in service any more."""
    model = reading.line.model_named(event.model)
    if model is None:
        return ModelDueFacts(
            **reading.base(), windows=reading.windows, context=Context(), production=NOTHING_MADE,
            specifications=reading.specifications(),
            open_guidance=(), open_suggestions=(), last_advised_ns={}, bias={}, coupled_predictions={},
            lot=LotInProgress(state=LotState(), closed=False, provisional=(), predictions={}), recent={},
            judged=(), earlier=(),
            announced_ns=(), silenced=frozenset(), suppressed={}, rejected={}, warnings=(), writes=NO_WRITES,
        )  # fmt: skip
    moves = {item.tag: _last_advised_ns(reading, item.tag, event.at) for item in model.bundle.manipulated}
    context = reading.context_of_equipment(model.equipment_id, event.at_ns)
    coupled = {
        other.name: _newest_predictions(reading, other, event.at_ns) for other in coupled_models(model, reading.line)
    }
    products = (prediction.material_definition_id for newest in coupled.values() for prediction in newest)
    return ModelDueFacts(
        **reading.base(),
        windows=reading.windows,
        context=context,
        production=production_of(reading, model.bundle, model.equipment_id, event.at_ns),
        specifications=reading.specifications(context.material_definition_id, *products),
        open_guidance=reading.guidance("open_guidance_of_model", model=model.name),
        bias=bias_of(reading, model.bundle, reading.line, event.at_ns),
        open_suggestions=reading.guidance("open_suggestions") if moves else (),
        coupled_predictions=coupled,
        writes=NO_WRITES if model.stage < Stage.AUTOMATIC else writes_of(reading, moves, event.at),
        lot=_lot_in_progress(reading, model, context.material_lot_id, event.at_ns),
        last_advised_ns={tag: moved_ns for tag, moved_ns in moves.items() if moved_ns is not None},
        recent=_recent(reading, model, event.at_ns),
        judged=_judged(reading, model, event.at_ns),
        earlier=_earlier(reading, model, event.at_ns),
        silenced=silenced(reading),
        suppressed=suppressed_by_design(reading),
        rejected=rejected_of_model(reading, model.name),
        warnings=reading.guidance("open_warnings_of_equipment", equipment_id=model.equipment_id),
        announced_ns=announced_within(reading, model.equipment_id, event.at_ns),
    )


def _last_advised_ns(reading: Reading, tag: str, at: ClockReading) -> int | None:
    """Return when a move of a setpoint was last suggested or done, None where never: by the wall clock as it is now.

    A wall clock that was set since then brings the next suggestion no nearer, and puts it off no longer.
    """
    rows = reading.connection.execute(SQL["newest_moves"], {"tag": tag, "most": _NEWEST_MOVES}).fetchall()
    since = [at.since(_moment_of(row)) for row in rows]
    return at.wall_ns - min(since) if since else None


def _moment_of(row: sqlite3.Row) -> ClockReading:
    wall_ns = row["moved_ns"]
    return ClockReading(
        wall_ns=wall_ns, latest_ns=wall_ns, boot_ns=row["moved_boot_ns"] or 0, boot_id=row["moved_boot_id"] or ""
    )


def _recent(reading: Reading, model: ModelAssignment, at_ns: int) -> dict[str, tuple[PastPrediction, ...]]:
    """Return a model's predictions as far back as the delays of its warnings look, and a few more."""
    rules = model.warnings
    delay_ns = max(rules.on_delay_ns, rules.off_delay_ns)
    if not delay_ns:
        return {}
    back_ns = delay_ns + model.prediction_lives_ns
    most = min(_MOST_RECENT, (back_ns // model.every_ns + 1) * len(model.bundle.outputs))
    parameters = {"model": model.name, "after_ns": at_ns - back_ns, "before_ns": at_ns, "most": most}
    recent: dict[str, list[PastPrediction]] = {}
    for row in reading.connection.execute(SQL["recent_predictions"], parameters):
        heading = None if row["heading_low"] is None else (row["heading_low"], row["heading_high"])
        past = PastPrediction(
            at_ns=row["at_ns"], low=row["low"], high=row["high"], probability=row["probability"], heading=heading
        )
        recent.setdefault(row["analyte"], []).append(past)
    return {analyte: tuple(newest) for analyte, newest in recent.items()}


def _judged(reading: Reading, model: ModelAssignment, at_ns: int) -> tuple[PastJudgement, ...]:
    """Return how a model's predictions before were judged, as far back as its bundle's state of being outside looks.

    What is much older says nothing of now: the gateway was not running.
    """
    rules = model.bundle.outside
    if rules is None:
        return ()
    most = rules.looks_back
    parameters = {
        "model": model.name, "analyte": model.bundle.outputs[0].analyte, "most": most,
        "after_ns": at_ns - 2 * (most + 1) * model.every_ns, "before_ns": at_ns,
    }  # fmt: skip
    judged = []
    for row in reading.connection.execute(SQL["recent_reasons"], parameters):
        codes = json.loads(row["codes"] or "[]")
        known = row["accepted"] or codes
        outside = is_outside(codes) if known else None  # what is damaged says nothing
        judged.append(PastJudgement(outside=outside, stands=Abstention.PROCESS_OUTSIDE in codes))
    return tuple(judged)


def _earlier(reading: Reading, model: ModelAssignment, at_ns: int) -> tuple[tuple[float, ...], ...]:
    """Return the inputs of a model's predictions before, as far back as its domain averages over them."""
    domain = model.bundle.domain
    most = 0 if domain is None else domain.averaged_over - 1
    if not most:
        return ()
    parameters = {
        "model": model.name, "analyte": model.bundle.outputs[0].analyte, "most": most,
        "after_ns": at_ns - 2 * (most + 1) * model.every_ns, "before_ns": at_ns,
    }  # fmt: skip
    rows = reading.connection.execute(SQL["recent_inputs"], parameters)
    return tuple(tuple(map(float, json.loads(row["inputs"]))) for row in rows if row["inputs"] is not None)


def _lot_in_progress(reading: Reading, model: ModelAssignment, lot_id: str | None, at_ns: int) -> LotInProgress:
    """Return the state of the lot that is being made, and the model's predictions for it until now."""
    lot = None if lot_id is None else reading.row("lot_state", material_lot_id=lot_id)
    predictions: dict[str, list[LotPrediction]] = {}
    parameters = {
        "model": model.name,
        "material_lot_id": lot_id,
        "after_ns": at_ns - IN_A_ROW * model.prediction_lives_ns,
        "most": (IN_A_ROW - 1) * len(model.bundle.outputs),
    }
    for row in reading.connection.execute(SQL["predictions_of_lot"], parameters) if lot_id is not None else ():
        prediction = LotPrediction(at_ns=row["at_ns"], low=row["low"], high=row["high"])
        predictions.setdefault(row["analyte"], []).append(prediction)
    return LotInProgress(
        state=_state_in(lot),
        closed=lot is not None and lot["closed_ns"] is not None,
        provisional=_provisional(reading, lot_id),
        predictions={analyte: tuple(newest) for analyte, newest in predictions.items()},
        decision=None if lot is None or lot_id is None else _decision(reading, lot_id),
    )


def _decision(reading: Reading, lot_id: str) -> LotDecided | None:
    on_record = decision_of_lot(reading.connection, lot_id)
    reading.note_damaged(on_record.damaged)
    return on_record.decision


def _provisional(reading: Reading, material_lot_id: str | None) -> tuple[ProvisionalHold, ...]:
    rows = reading.rows("provisional_holds", {"material_lot_id": material_lot_id})
    return tuple(ProvisionalHold(**{name: row[name] for name in _PROVISIONAL}) for row in rows)


def _newest_predictions(reading: Reading, model: ModelAssignment, at_ns: int) -> tuple[Prediction, ...]:
    """Return a model's newest predictions that still stand, one for each of its analytes, the newest last."""
    after_ns = at_ns - model.prediction_lives_ns
    most = len(model.bundle.outputs)
    rows = reading.rows(
        "newest_predictions", {"model": model.name, "after_ns": after_ns, "until_ns": at_ns, "most": most}
    )
    return reading.decoded(Prediction, reversed(rows))


def _state_in(lot: sqlite3.Row | None) -> LotState:
    if lot is None:
        return LotState()
    return LotState(recommendation=Recommendation(lot["recommendation"]), latched=bool(lot["latched"]))
