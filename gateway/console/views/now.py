"""Now: the highest open alarm, what to do, what runs, what is predicted, and where the setpoints stand."""

import sqlite3
from typing import Literal

from pydantic import Field

from gateway.console.snapshot import Snapshot
from gateway.console.views.alarms import AlarmView, all_alarms, calls, gateway_alarm_views
from gateway.console.views.guidance import SEVERITY, guidance_views, open_guidance
from gateway.console.views.moves import newest_move
from gateway.console.views.parts import GuidanceView, MoveView, View
from gateway.console.views.predictions import PredictionView, predictions_of
from gateway.contract.times import rfc3339
from gateway.contract.words import RecommendationWord, SeverityWord
from gateway.people.second_person import CONFIRMED
from gateway.people.signing import SIGNABLE, policy_of
from gateway.records.act_kinds import ActKind
from gateway.records.guidance import Guidance, Severity
from gateway.records.production import Context
from gateway.store.facts.reading import Reading
from gateway.store.queries.lots import open_points_of, row_as_shown
from gateway.store.queries.seen import Seen
from gateway.store.queries.seen_records import is_seen_as_signed
from gateway.store.queries.setpoints import open_intents, stop_of
from gateway.store.queries.signatures import waiting as waiting_acts
from gateway.store.queries.users import passwords_to_confirm
from gateway.store.statements import value_of

_MOST_OPEN, _MOST_SHOWN, _MOST_WAITING = 200, 20, 200


class BannerView(View):
    """The one line at the top: the highest that is open."""

    severity: SeverityWord
    text: str
    guidance_id: str | None
    alarm_code: str | None
    since_at: str | None
    more: int = Field(description="how many others are open")


class LotInProgressView(View):
    """What runs on an equipment."""

    equipment_id: str
    material_lot_id: str | None
    job_order_id: str | None
    product: str | None
    client_id: str | None
    started_at: str | None
    recommendation: RecommendationWord | None
    results: int
    open_points: int


class SetpointView(View):
    """A setpoint: its limits and where it stands."""

    tag: str
    equipment_id: str
    unit: str
    value: float | None = Field(description="null where it is not known or not good")
    state: Literal["good", "unknown"]
    low: float = Field(description="of the validated range: the intersection of tag, input and bundle")
    high: float
    max_step: float
    proposed: float | None
    guidance_id: str | None = Field(description="the guidance that proposes it")
    write: str | None = Field(description="the state of a write that is under way; null: there is none")
    last_move: MoveView | None = Field(description="the newest that was approved, and what became of it")


class StopView(View):
    """Who has stopped all writing, when and why."""

    person: str
    reason: str
    at: str


class WaitingPart(View):
    """For whom an act or a password waits: people of these roles, but for its author and those who have signed it."""

    roles: list[str]
    not_by: list[str] = Field(description="user ids")


class NowView(View):
    """GET /api/now."""

    counter: int = Field(description="of the state event that it answers; a later event has a higher one")
    at: str
    stages: dict[str, str] = Field(description="by model, the stage that counts")
    banner: BannerView | None
    alarms: list[AlarmView] = Field(description="of the gateway itself; GET /api/alarms has all")
    alarms_calling: int = Field(
        description="of all alarms, how many nobody has acknowledged, and none keeps from calling"
    )
    guidance: list[GuidanceView] = Field(description="open guidance, the most severe and newest first")
    more_guidance: int
    lots: list[LotInProgressView]
    predictions: list[PredictionView]
    setpoints: list[SetpointView]
    signatures_waiting: int
    waiting: list[WaitingPart] = Field(description="for whom acts wait that need another signature")
    writes_stopped: StopView | None = Field(description="writing to the plant is stopped (act resume_writes)")
    damaged: list[str] = Field(description="records that do not match their hash and are not shown")


def now_view(connection: sqlite3.Connection, snapshot: Snapshot) -> NowView:
    """Return what an operator looks at."""
    reading, seen = Reading(connection, snapshot.line, {}), snapshot.seen(connection)
    guidance, damaged = open_guidance(connection, snapshot, most=_MOST_OPEN)
    shown = guidance_views(connection, guidance[:_MOST_SHOWN], snapshot)
    alarms = gateway_alarm_views(connection, snapshot)
    predictions = [
        view for model in snapshot.line.configured_models for view in predictions_of(reading, model, snapshot, seen)
    ]
    waiting = _waiting(connection, snapshot)
    return NowView(
        counter=snapshot.counter,
        at=rfc3339(snapshot.at.wall_ns),
        stages=dict(snapshot.status.stage),
        banner=_banner(shown, alarms, more=max(0, len(guidance) - len(shown))),
        alarms=alarms,
        alarms_calling=sum(map(calls, all_alarms(connection, snapshot))),
        guidance=shown,
        more_guidance=max(0, len(guidance) - len(shown)),
        lots=_lots(reading, snapshot, seen),
        predictions=predictions,
        setpoints=_setpoints(reading, guidance, snapshot, seen),
        signatures_waiting=len(waiting),
        waiting=waiting,
        writes_stopped=_stop(connection, seen),
        damaged=[] if seen.limited else [*dict.fromkeys([*damaged, *reading.damaged])],
    )


def _waiting(connection: sqlite3.Connection, snapshot: Snapshot) -> list[WaitingPart]:
    seen = snapshot.seen(connection)
    standing = [
        signed
        for signed in waiting_acts(connection, most=_MOST_WAITING)
        if signed.holds and not snapshot.at.is_past(signed.record.expires) and is_seen_as_signed(seen, signed.record)
    ]
    passwords = [
        WaitingPart(roles=sorted(CONFIRMED), not_by=[user.user_id, password.issued_by or ""])
        for user, password in passwords_to_confirm(connection)
        if not password.must_change and not seen.limited
    ]
    return passwords + [
        WaitingPart(
            roles=[role.value for role in policy_of(ActKind(signed.record.kind), snapshot.line.signatures).roles],
            not_by=[signed.record.author.user_id, *(item.user_id for item in signed.signatures)],
        )
        for signed in standing
        if signed.record.kind in SIGNABLE
    ]


def _stop(connection: sqlite3.Connection, seen: Seen) -> StopView | None:
    """Return the stop of all writing; what somebody wrote of it may name what others must not see."""
    stop = stop_of(connection)
    if stop is None:
        return None
    return StopView(person=stop.person, reason="" if seen.limited else stop.reason, at=rfc3339(stop.at_ns))


def _banner(guidance: list[GuidanceView], alarms: list[AlarmView], *, more: int) -> BannerView | None:
    """Return the highest of what is open: an alarm of the gateway goes before guidance of the same severity."""
    candidates = [
        BannerView(severity=alarm.severity, text=alarm.text, guidance_id=None, alarm_code=alarm.code,
                   since_at=alarm.since_at, more=0)
        for alarm in alarms
        if not alarm.suppressed and alarm.group_id is None
    ] + [
        BannerView(severity=item.severity, text=item.title, guidance_id=item.guidance_id, alarm_code=None,
                   since_at=item.issued_at, more=0)
        for item in guidance
        if item.severity is not Severity.INFORMATION
    ]  # fmt: skip
    if not candidates:
        return None
    highest = min(candidates, key=lambda candidate: SEVERITY[candidate.severity])
    return highest.model_copy(update={"more": len(candidates) - 1 + more})


def _lots(reading: Reading, snapshot: Snapshot, seen: Seen) -> list[LotInProgressView]:
    equipment = dict.fromkeys(
        [*(model.equipment_id for model in snapshot.line.configured_models),
         *(tag.equipment_id for tag in snapshot.line.tags.values())]
    )  # fmt: skip
    return [_lot(reading, equipment_id, snapshot, seen) for equipment_id in equipment]


def _lot(reading: Reading, equipment_id: str, snapshot: Snapshot, seen: Seen) -> LotInProgressView:
    """Return what runs on an equipment; of what may not be seen no more than of what does not run."""
    context = reading.context_of_equipment(equipment_id, snapshot.at.wall_ns)
    if not seen.context(context):
        context = Context(equipment_id=equipment_id)
    lot = context.material_lot_id
    row = None if lot is None else reading.row("console_lot_in_progress", material_lot_id=lot)
    return LotInProgressView(
        equipment_id=equipment_id,
        material_lot_id=lot,
        job_order_id=context.job_order_id,
        product=context.material_definition_id,
        client_id=context.client_id,
        started_at=None if row is None or row["started_ns"] is None else rfc3339(row["started_ns"]),
        recommendation=None if row is None else row_as_shown(row)[0],
        results=0 if lot is None else value_of(reading.connection, "console_count_of_results", material_lot_id=lot),
        open_points=0 if lot is None else len(open_points_of(reading.connection, lot)),
    )


def _setpoints(reading: Reading, guidance: list[Guidance], snapshot: Snapshot, seen: Seen) -> list[SetpointView]:
    """Return where the setpoints stand; of an equipment that runs what may not be seen nothing: it is its recipe."""
    connection = reading.connection
    under_way = {intent.tag: state.value for intent, state in open_intents(connection)}
    proposals = {item.suggestion.tag: item for item in reversed(guidance) if item.suggestion is not None}
    setpoints: dict[str, SetpointView] = {}
    for model in snapshot.line.configured_models:
        if not seen.context(reading.context_of_equipment(model.equipment_id, snapshot.at.wall_ns)):
            continue
        for item in model.bundle.manipulated:
            proposal = proposals.get(item.tag)
            value = snapshot.setpoints.get(item.tag)
            low, high = item.validated
            before = setpoints.get(item.tag)
            setpoints[item.tag] = SetpointView(
                tag=item.tag,
                equipment_id=model.equipment_id,
                unit=item.unit,
                value=value,
                state="unknown" if value is None else "good",
                low=low if before is None else max(low, before.low),
                high=high if before is None else min(high, before.high),
                max_step=item.max_step if before is None else min(item.max_step, before.max_step),
                proposed=None if proposal is None or proposal.suggestion is None else proposal.suggestion.proposed,
                guidance_id=None if proposal is None else proposal.guidance_id,
                write=under_way.get(item.tag),
                last_move=newest_move(connection, item.tag, snapshot.line, seen),
            )
    return list(setpoints.values())
