"""What the decision on a laboratory result stands on."""

import sqlite3
from dataclasses import replace
from typing import Any

from gateway.events import (
    ResultArrived,
)
from gateway.facts.lab_result import LabResultFacts, QcSampleFacts, ResultHistory
from gateway.facts.lot import LotFacts
from gateway.lab.release.lot_knowledge import Relation
from gateway.lab.result_versions import says_nothing_new, together
from gateway.lab.westgard import is_control
from gateway.records.laboratory import LabResult
from gateway.records.production import Context
from gateway.store.codec import decode
from gateway.store.facts.feedback import feedback_of, learns
from gateway.store.facts.loaders import loader
from gateway.store.facts.lot.context import products_of_order
from gateway.store.facts.lot.facts import facts_of_result
from gateway.store.facts.lot.own_words import with_known_lots
from gateway.store.facts.lot.relation import lots_of
from gateway.store.facts.lots_again import products_of
from gateway.store.facts.production_then import production_of
from gateway.store.facts.qc_sample import qc_sample_facts, rejected_control
from gateway.store.facts.reading import Reading
from gateway.store.facts.series import key_of, left_series, series_of
from gateway.store.statements import SQL


@loader
def result_facts(reading: Reading, event: ResultArrived) -> LabResultFacts | QcSampleFacts:
    """Return what a result stands on: a control's, or that of a lot's result."""
    history = _history(reading, event)
    control = is_control(event.result, history.current, reading.line.control_names)
    return qc_sample_facts(reading, event, history) if control else _lab_result_facts(reading, event, history)


def _lab_result_facts(reading: Reading, event: ResultArrived, history: ResultHistory) -> LabResultFacts:
    event = _with_earlier_messages(event, history)
    lots, relation = lots_of(reading, event.result, event.at_ns)
    certain = lots if relation is not Relation.POSSIBLE else ()
    facts = facts_of_result(reading, event, lots, relation, first=history.current is None)
    context = _context_of_result(reading, event.result, facts[0] if certain else None)
    of_order = products_of_order(reading, event.result.job_order_id)
    products = (context.material_definition_id, *of_order, *(product for lot in facts for product in products_of(lot)))
    scope = context.scope_of(event.result.study_id)
    key = key_of(scope, context.material_definition_id, event.result.analyte)
    return LabResultFacts(
        **reading.base(),
        windows=reading.windows,
        history=history,
        context=context,
        result_lots=certain,
        possible_lots=() if certain else lots,
        order_products=of_order,
        lots=facts,
        series=series_of(reading, event, key, history),
        left_series=left_series(reading, key, history),
        specifications=reading.specifications(*products),
        rejected_control=rejected_control(reading, event, reading.line),
        lot_started_ns=facts[0].started_ns,
        lot_ended_ns=facts[0].ended_ns,
        known_until_ns=facts[0].made_known_until_ns if certain else None,
        feedback={
            model.name: feedback_of(reading, model.bundle, reading.line, event, history.current)
            for model in reading.line.models_of(event.result.analyte)
            if learns(model.bundle, event.result.analyte)
        },
        production={
            model.name: production_of(reading, model.bundle, model.equipment_id, event.result.sampled_ns)
            for model in reading.line.models_of(event.result.analyte)
            if event.result.sampled_ns is not None
        },
        open_guidance=() if certain else reading.guidance("open_guidance_of_sample", sample_id=event.result.sample_id),
    )


def _context_of_result(reading: Reading, result: LabResult, lot: LotFacts | None) -> Context:
    """Return the context a result belongs to: its lot's, else by equipment and drawn time, else its own words."""
    context = None if lot is None else lot.production
    if lot is None and result.equipment_id is not None and result.sampled_ns is not None:
        context = reading.context_of_equipment(result.equipment_id, result.sampled_ns)
    order = context.job_order_id if context and context.job_order_id else result.job_order_id
    by_order = reading.context("context_of_order", job_order_id=order) if order else None
    known = [item for item in (context, by_order) if item is not None]

    def first(name: str) -> str | None:
        return next((value for context in known if (value := getattr(context, name)) is not None), None)

    return Context(
        equipment_id=result.equipment_id or first("equipment_id"),
        material_lot_id=None if lot is None else lot.knowledge.context.material_lot_id,
        job_order_id=order,
        material_definition_id=result.material_definition_id or first("material_definition_id"),
        client_id=result.client_id or first("client_id"),
    )


def _history(reading: Reading, event: ResultArrived) -> ResultHistory:
    known = reading.connection.execute(SQL["versions_of_result"], _key(event.result)).fetchall()
    newest = max((row["result_version"] for row in known), default=0)  # damaged ones count, too
    rows = reading.that_hold(known)
    if not rows:
        return ResultHistory(next_version=newest + 1)
    current = next((row for row in rows if row["current"]), rows[-1])
    standing = with_known_lots(reading.connection, decode(LabResult, current["body"]))
    numbered = event.result.result_version is not None
    same = [] if numbered else [row for row in rows if _says_the_same(row, event)]
    earlier = [row for row in same if row is not current]
    return ResultHistory(
        current=standing,
        next_version=newest + 1,
        repeats_current=current in same,
        repeats_superseded=earlier[-1]["result_id"] if earlier and current not in same else None,
        says_nothing_new=numbered and _says_nothing_new(standing, event.result),
    )


def _says_the_same(row: sqlite3.Row, event: ResultArrived) -> bool:
    """Return whether a version on record has the same payload, or the same content in another order or form."""
    if row["payload_sha256"] == event.origin.payload_sha256:
        return True
    arrived, own = event.result, decode(LabResult, row["body"]).in_its_own_words()
    return arrived == replace(
        own, result_id=arrived.result_id, result_version=arrived.result_version, flags=arrived.flags
    )


def _with_earlier_messages(event: ResultArrived, history: ResultHistory) -> ResultArrived:
    """Return a result completed by earlier messages of its version."""
    current = history.current
    if current is None or event.result.result_version is None or current.result_version != event.result.result_version:
        return event
    return replace(event, result=together(current.in_its_own_words(), event.result))


def _says_nothing_new(standing: LabResult, arrived: LabResult) -> bool:
    if standing.result_version != arrived.result_version:
        return False
    own = standing.in_its_own_words()
    return says_nothing_new(own, together(own, arrived))


def _key(result: LabResult) -> dict[str, Any]:
    return {
        "source": result.source,
        "sample_id": result.sample_id,
        "test_id": result.test_id,
        "replicate": result.replicate,
    }
