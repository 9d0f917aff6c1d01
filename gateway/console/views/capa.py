"""Deviations with what was done before, actions with whether they helped, and scorecards of suppliers."""

import sqlite3
from datetime import date
from typing import Literal
from urllib.parse import quote

from pydantic import Field

from gateway.console.views.parts import View, instant
from gateway.contract.times import rfc3339
from gateway.knowledge.similar import DeviationKnowledge, SimilarEvent
from gateway.lab.effectiveness import ActionOnRecord, Effect, Recurrence
from gateway.records.deviation_states import DeviationClosed
from gateway.records.sight import Sight
from gateway.store.queries.closings_to_check import closings_to_check
from gateway.store.queries.corrective_actions import WITHIN_SAMPLES, all_actions
from gateway.store.queries.seen import Seen
from gateway.store.queries.suppliers import Scorecard, scorecards

EffectivenessWord = Literal["not_done", "too_early", "effective", "reduced", "not_effective"]
_MOST_ACTIONS = 200


class RecurrenceView(View):
    """In how many lots a failure came in a stretch of time; the share of lots with its 90 % interval."""

    lots: int = Field(description="in which it could have been seen; a sample without a lot stands for one")
    failed_lots: int
    samples: int
    failed: int = Field(description="samples in which it was seen")
    share: float
    low: float
    high: float


class EffectView(View):
    """Whether an action has helped, and by which counts."""

    effectiveness: EffectivenessWord
    since: RecurrenceView = Field(description="since it was done")
    before: RecurrenceView = Field(description="in the last samples before it was put on record")


class ActionView(View):
    """A corrective or preventive action."""

    action_id: str
    deviation_id: str
    kind: Literal["corrective", "preventive"]
    action: str
    owner: str
    due: str | None = Field(description="a day; null: none is given")
    recorded_at: str
    recorded_by: str
    done_at: str | None
    done_by: str | None
    note: str | None
    analyte: str
    product: str | None
    equipment_id: str | None
    material_lot_id: str | None
    client_id: str | None
    effect: EffectView


class SimilarEventView(View):
    """An earlier deviation like this one."""

    deviation_id: str
    title: str
    at: str
    material_lot_id: str | None
    nearness: float = Field(description="0 to 1, by process and words together")
    by_process: float | None = Field(description="null: the process cannot be compared")
    by_words: float | None
    causes: list[str]
    moves: list[str] = Field(description="setpoints that were moved")
    moves_helped: bool | None = Field(description="whether one brought the value back; null: nothing is known")
    actions: list[ActionView]
    since: RecurrenceView = Field(description="how often the same failure came in the next samples")
    within_samples: int


class ClosingView(View):
    """Who has closed a deviation, and with which conclusion."""

    names: list[str]
    at: str
    conclusion: str
    no_action: str = Field(description="why no action is needed; empty where there are actions")
    check_by: str | None = Field(description="on which day it is looked at whether the actions were effective")
    to_check: bool = Field(description="that day has come: it is closed again, by what is known then")


class DeviationKnowledgeView(View):
    """GET /api/deviations/{id}/knowledge."""

    deviation_id: str
    version: int = Field(description="the act close_deviation states it")
    closed: ClosingView | None = Field(description="null: it is open")
    title: str
    at: str
    material_lot_id: str | None
    analyte: str
    equipment_id: str | None
    document: str = Field(description="the path of the draft as a page")
    actions: list[ActionView]
    suggested: list[ActionView] = Field(description="against the same failure before, what helped first")
    similar: list[SimilarEventView]


class ToCheckView(View):
    """A closing that says when the effect is looked at, that day being over or today."""

    deviation_id: str
    check_by: str
    action: ActionView = Field(description="the one that was done last")


class ActionsView(View):
    """GET /api/actions."""

    to_check: list[ToCheckView] = Field(description="closings whose day has come while the effect is not there yet")
    actions: list[ActionView]


class SupplierView(View):
    """A supplier's material."""

    supplier: str
    material: str
    client_id: str | None
    lots: int
    failed: int
    share: float
    low: float
    high: float
    inspection: Literal["reduced", "normal", "tightened"]
    trend: Literal["better", "worse", "steady", "unknown"]
    recent_lots: int
    recent_failed: int
    analytes: list[str]
    used_in: int = Field(description="lots that were made with it")
    deviations: int = Field(description="of these lots")
    open_deviations: int = Field(description="of those that are held or in review")


class SuppliersView(View):
    """GET /api/suppliers."""

    suppliers: list[SupplierView]


def knowledge_view(known: DeviationKnowledge, today: date) -> DeviationKnowledgeView:
    """Return what is known around a deviation as it is sent; ``today``: at the plant."""
    document, result = known.document, known.deviation.result
    return DeviationKnowledgeView(
        deviation_id=document.key,
        version=known.deviation.version,
        closed=_closing(known.closed, today),
        title=document.title,
        at=rfc3339(document.at_ns),
        material_lot_id=result.material_lot_id,
        analyte=result.analyte,
        equipment_id=known.deviation.equipment_id,
        document=f"/api/deviations/{quote(document.key, safe='')}",
        actions=[action_view(item) for item in known.actions],
        suggested=[action_view(item) for item in known.suggested],
        similar=[_similar(item) for item in known.similar],
    )


def _closing(closed: DeviationClosed | None, today: date) -> ClosingView | None:
    if closed is None:
        return None
    return ClosingView(
        names=list(closed.signed_by), at=rfc3339(closed.at_ns), conclusion=closed.conclusion,
        no_action=closed.no_action, check_by=closed.check_by, to_check=closed.is_to_check(today.isoformat()),
    )  # fmt: skip


def _similar(item: SimilarEvent) -> SimilarEventView:
    return SimilarEventView(
        deviation_id=item.document.key,
        title=item.document.title,
        at=rfc3339(item.document.at_ns),
        material_lot_id=next(iter(item.document.fields.get("lot", ())), None),
        nearness=item.nearness,
        by_process=item.by_process,
        by_words=item.by_words,
        causes=list(item.causes),
        moves=list(item.moves),
        moves_helped=item.moves_helped,
        actions=[action_view(action) for action in item.actions],
        since=_recurrence(item.since),
        within_samples=WITHIN_SAMPLES,
    )


def action_view(item: ActionOnRecord) -> ActionView:
    """Return an action as it is sent."""
    action = item.action
    return ActionView(
        action_id=action.action_id,
        deviation_id=action.deviation_id,
        kind=action.kind.value,
        action=action.action,
        owner=action.owner,
        due=action.due,
        recorded_at=rfc3339(action.at_ns),
        recorded_by=action.person,
        done_at=instant(item.done_ns),
        done_by=item.done_by,
        note=item.note or None,
        analyte=action.analyte,
        product=action.product,
        equipment_id=action.equipment_id,
        material_lot_id=action.material_lot_id,
        client_id=action.client_id,
        effect=_effect(item.effect),
    )


def _effect(effect: Effect) -> EffectView:
    return EffectView(
        effectiveness=effect.effectiveness.value, since=_recurrence(effect.since), before=_recurrence(effect.before)
    )


def _recurrence(item: Recurrence) -> RecurrenceView:
    low, high = item.interval
    return RecurrenceView(
        lots=item.lots, failed_lots=item.failed_lots, samples=item.samples, failed=item.failed, share=item.share,
        low=low, high=high,
    )  # fmt: skip


def actions_view(connection: sqlite3.Connection, sight: Sight, today: date) -> ActionsView:
    """Return the newest actions that may be seen, and first the closings to look at; ``today``: at the plant."""
    actions, seen = all_actions(connection, most=_MOST_ACTIONS), Seen(connection, sight)
    return ActionsView(
        to_check=[
            ToCheckView(deviation_id=item.closed.deviation_id, check_by=item.check_by, action=action_view(item.last))
            for item in closings_to_check(connection, today)
            if _seen(seen, item.last)
        ],
        actions=[action_view(item) for item in actions if _seen(seen, item)],
    )


def _seen(seen: Seen, item: ActionOnRecord) -> bool:
    return seen.all_of(item.action.scope, lots=(item.action.material_lot_id,))


def suppliers_view(connection: sqlite3.Connection, sight: Sight) -> SuppliersView:
    """Return the scorecards that may be seen."""
    return SuppliersView(suppliers=[_supplier(card) for card in scorecards(connection) if sight.sees(card.scope)])


def _supplier(card: Scorecard) -> SupplierView:
    return SupplierView(
        supplier=card.supplier,
        material=card.material,
        client_id=card.scope.client_id,
        lots=card.risk.tested,
        failed=card.risk.failed,
        share=card.risk.mean,
        low=card.risk.low,
        high=card.risk.high,
        inspection=card.risk.inspection.value,
        trend=card.trend.value,
        recent_lots=card.recent.tested,
        recent_failed=card.recent.failed,
        analytes=list(card.analytes),
        used_in=card.used_in,
        deviations=card.deviations,
        open_deviations=card.open_deviations,
    )
