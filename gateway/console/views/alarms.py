"""Alarms: all that are not normal, after ISA-18.2, with what people can do about them and who may."""

import sqlite3
from collections.abc import Mapping
from dataclasses import replace

from pydantic import Field

from gateway.advice.alarm_acts import acts_possible
from gateway.advice.alarm_states import GATEWAY, gateway_alarm_id
from gateway.advice.gateway_alarm_groups import stands_for_others
from gateway.advice.gateway_alarms import gateway_alarm, what_to_do
from gateway.console.snapshot import Snapshot
from gateway.console.views.guidance import SEVERITY
from gateway.console.views.parts import View, instant
from gateway.contract.payloads.parts import SpecificationPart
from gateway.contract.times import rfc3339
from gateway.contract.words import SeverityWord
from gateway.people.answers import roles_for
from gateway.people.rights import RIGHTS
from gateway.records.act_kinds import ActKind
from gateway.records.alarms import Alarm, Suppression
from gateway.records.guidance import Guidance
from gateway.records.people import Act
from gateway.records.users import Role
from gateway.store.codec import decode
from gateway.store.queries.alarms import standing_alarms
from gateway.store.queries.seen import Seen
from gateway.store.statements import SQL
from gateway.time_units import SECOND_NS


class AlarmActView(View):
    """Something that the state of an alarm allows, and who may do it."""

    act: str = Field(description="by alarm_id; acknowledge_alarm, which resets a latched alarm, by its code")
    roles: list[str] = Field(description="one of these is needed")


class AlarmView(View):
    """An alarm that is not normal, after ISA-18.2."""

    alarm_id: str = Field(description="by which acknowledge, shelve, unshelve and out of service name it")
    code: str = Field(description="of an alarm of the gateway itself; else the alarm's id")
    text: str = Field(description="what is wrong")
    action: str | None = Field(description="what to do about it; null: its guidance says so")
    severity: SeverityWord
    state: str = Field(description="as the standard calls it")
    since_at: str | None
    active: bool = Field(description="the first memory: whether its cause stands")
    acknowledged: bool = Field(description="the second memory: whether somebody has seen it")
    latched: bool = Field(description="whether it stands until a person takes it down (act acknowledge_alarm)")
    suppressed: bool = Field(description="shelved, suppressed by design or out of service: it calls nobody")
    shelved_until_at: str | None
    reason: str | None = Field(description="why it is suppressed")
    person: str | None = Field(description="who has acknowledged or suppressed it last")
    position: str = Field(description="the role that it calls")
    guidance_id: str | None
    material_lot_id: str | None = Field(description="the lot that its guidance is about")
    group_id: str | None = Field(
        description="the alarm below which it stands, of the same server or the broker; that one has called for it, too"
    )
    analyte: str | None
    unit: str | None
    lowest: float | None = Field(description="of the predicted values while it stood; null: it is about no value")
    highest: float | None
    specification: SpecificationPart | None
    acts: list[AlarmActView]


class AlarmsView(View):
    """GET /api/alarms."""

    at: str
    longest_shelve_seconds: float
    alarms: list[AlarmView] = Field(description="those that call first, then by severity, the newest first")


def alarms_view(connection: sqlite3.Connection, snapshot: Snapshot) -> AlarmsView:
    """Return every alarm that is not normal."""
    return AlarmsView(
        at=rfc3339(snapshot.at.wall_ns),
        longest_shelve_seconds=snapshot.line.rationing.longest_shelve_ns / SECOND_NS,
        alarms=_views(connection, all_alarms(connection, snapshot), snapshot.seen(connection)),
    )


def gateway_alarm_views(connection: sqlite3.Connection, snapshot: Snapshot) -> list[AlarmView]:
    """Return the gateway's own alarms that are not normal, the most severe first."""
    alarms = all_alarms(connection, snapshot)
    of_gateway = [alarm for alarm in alarms if alarm.alarm_id.startswith(f"{GATEWAY}/")]
    return _views(connection, of_gateway, snapshot.seen(connection))


def all_alarms(connection: sqlite3.Connection, snapshot: Snapshot) -> list[Alarm]:
    """Return every alarm that is not normal and may be seen, those of the gateway from a moment ago, too."""
    latches = {gateway_alarm_id(code) for (code,) in connection.execute(SQL["latches"])}
    known = [  # one that a person has taken down a moment ago is over
        alarm for alarm in standing_alarms(connection) if not alarm.latched or alarm.alarm_id in latches
    ]
    ids = {alarm.alarm_id for alarm in known}
    new = [code for code in snapshot.conditions if gateway_alarm_id(code) not in ids]  # a moment ago
    moment_ago = (replace(gateway_alarm(code, latched=False), active=True, acknowledged=False) for code in new)
    heads = {alarm.alarm_id for alarm in known if stands_for_others(alarm)}
    seen = snapshot.seen(connection)
    return [alarm for alarm in (*(_below(alarm, heads) for alarm in known), *moment_ago) if seen.alarm(alarm)]


def _below(alarm: Alarm, heads: set[str]) -> Alarm:
    """Return an alarm below another one only where that one calls for it, and it is not kept from calling itself."""
    below = alarm.group_id in heads and alarm.suppression is Suppression.NONE
    return alarm if below else replace(alarm, group_id=None)


def calls(alarm: Alarm) -> bool:
    """Return whether nobody has seen an alarm that may call; one below another does not call by itself."""
    return alarm.suppression is Suppression.NONE and not alarm.acknowledged and alarm.group_id is None


def _views(connection: sqlite3.Connection, alarms: list[Alarm], seen: Seen) -> list[AlarmView]:
    behind = {alarm.alarm_id: _guidance(connection, alarm) for alarm in alarms}
    views = [_alarm(_without_texts(alarm, seen), behind[alarm.alarm_id]) for alarm in alarms]
    return sorted(views, key=lambda view: (view.suppressed, SEVERITY[view.severity]))


def _without_texts(alarm: Alarm, seen: Seen) -> Alarm:
    """Return an alarm without what a person has written of it where that may name what others must not see."""
    return alarm if not seen.limited or alarm.guidance_id is not None else replace(alarm, reason="")


def _guidance(connection: sqlite3.Connection, alarm: Alarm) -> Guidance | None:
    if alarm.guidance_id is None:
        return None
    row = connection.execute(SQL["guidance_by_id"], {"guidance_id": alarm.guidance_id}).fetchone()
    return None if row is None or not row["holds"] else decode(Guidance, row["body"])


def _alarm(alarm: Alarm, guidance: Guidance | None) -> AlarmView:
    of_gateway = alarm.alarm_id.startswith(f"{GATEWAY}/")
    code = alarm.alarm_id.removeprefix(f"{GATEWAY}/")
    predicted = None if guidance is None else guidance.predicted
    return AlarmView(
        alarm_id=alarm.alarm_id,
        code=code,
        text=alarm.title,
        action=what_to_do(code) if of_gateway else None,
        severity=alarm.severity,
        state=alarm.state,
        since_at=rfc3339(alarm.since_ns) if alarm.since_ns else None,
        active=alarm.active,
        acknowledged=alarm.acknowledged,
        latched=alarm.latched,
        suppressed=alarm.suppression is not Suppression.NONE,
        shelved_until_at=instant(alarm.until_ns),
        reason=alarm.reason or None,
        person=alarm.person or None,
        position=alarm.position,
        guidance_id=alarm.guidance_id,
        material_lot_id=None if guidance is None else guidance.material_lot_id,
        group_id=alarm.group_id,
        analyte=None if guidance is None else guidance.analyte,
        unit=None if predicted is None else predicted.unit,
        lowest=None if guidance is None else guidance.lowest,
        highest=None if guidance is None else guidance.highest,
        specification=None if guidance is None else SpecificationPart.of(guidance.specification),
        acts=[]
        if not alarm.since_ns and not alarm.latched
        else [  # a moment ago: it is not on record yet
            AlarmActView(act=kind.value, roles=_roles(kind, guidance)) for kind in acts_possible(alarm)
        ],
    )


def _roles(kind: ActKind, guidance: Guidance | None) -> list[str]:
    """Return who may do an act; a warning is acknowledged by those who may answer its guidance."""
    rights: Mapping[ActKind, frozenset[Role]] = RIGHTS
    roles = rights[kind]
    if kind is ActKind.ACKNOWLEDGE and guidance is not None:
        roles &= roles_for(guidance.kind, Act.ACKNOWLEDGE, required=guidance.role)
    return [role.value for role in Role if role in roles]
