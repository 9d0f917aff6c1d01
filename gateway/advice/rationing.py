"""How many messages operators are called to: what belongs together is one, and beyond a number the rest waits. Pure.

Nothing is lost by it: what waits is on record and on the board at once, and is summarised in one message as soon as the
equipment's period has room. What is critical never waits, and neither does a hold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.advice.alarm_states import alarm_id_of
from gateway.advice.grouping import head_for, regrouped
from gateway.advice.lifecycle import OPEN
from gateway.line.alarm_rules import Rationing
from gateway.records.guidance import Attention, Guidance, GuidanceKind, GuidanceState, Severity
from gateway.records.verdicts import Reason
from gateway.texts.catalogue import text, title

KEPT_BACK = frozenset(
    {Attention.WAITING, Attention.SHELVED, Attention.SUPPRESSED}
)  # on record and on the board, and no message yet
RATIONED = frozenset({GuidanceKind.WARNING, GuidanceKind.SETPOINT})


class Summary(StrEnum):
    """The message that stands for several."""

    MORE_ON_EQUIPMENT = "MORE_ON_EQUIPMENT"


@dataclass(frozen=True, kw_only=True, slots=True)
class Calls:
    """How operators are called at an instant.

    ``announced_ns``: when they were called to the equipment's guidance within the period; ``rationing``: how often they
    may be. ``silenced``: the alarms that call nobody now; ``suppressed``: those of them that are suppressed by design.
    ``others``: the open warnings of the equipment, of any model.
    """

    at_ns: int
    announced_ns: Sequence[int]
    rationing: Rationing
    silenced: frozenset[str] = frozenset()
    suppressed: frozenset[str] = frozenset()
    others: tuple[Guidance, ...] = ()


def rationed(changed: tuple[Guidance, ...], *, standing: tuple[Guidance, ...], calls: Calls) -> tuple[Guidance, ...]:
    """Return new and changed guidance of one model, with how operators are called to it.

    Args:
        changed: the guidance that is new or changed.
        standing: the model's open guidance before.
        calls: how operators are called now.
    """
    known = {guidance.guidance_id: guidance for guidance in standing}
    now = known | {guidance.guidance_id: guidance for guidance in changed}
    heads = {
        guidance.analyte: guidance
        for guidance in now.values()
        if guidance.kind is GuidanceKind.WARNING and guidance.state in OPEN
    }
    called_before, decided = len(calls.announced_ns), []
    for guidance in sorted(changed, key=lambda item: item.kind is GuidanceKind.SETPOINT):
        if guidance.guidance_id in known:
            called = _promoted(guidance, calls.at_ns)
        else:
            room = called_before < calls.rationing.most
            called = _part(guidance, now, calls) or _new(guidance, heads.get(guidance.analyte), calls, room=room)
        called_before += called.attention is Attention.NEW and called.announced_ns == calls.at_ns
        if called.kind is GuidanceKind.WARNING and called.state in OPEN:
            heads[called.analyte] = called
        decided.append(called)
    order = {guidance.guidance_id: place for place, guidance in enumerate(changed)}
    in_order = tuple(sorted(decided, key=lambda item: order[item.guidance_id]))
    return regrouped(in_order, {item.guidance_id: item for item in (*calls.others, *standing)}.values())


def _part(guidance: Guidance, now: Mapping[str, Guidance], calls: Calls) -> Guidance | None:
    """Return a new warning as a part of a message of the equipment, None where it is not one."""
    if alarm_id_of(guidance) in calls.silenced:
        return None
    present = (now.get(other.guidance_id, other) for other in calls.others)
    message = head_for(guidance, present, at_ns=calls.at_ns, period_ns=calls.rationing.period_ns)
    if message is None:
        return None
    return replace(guidance, attention=Attention.QUIET, announced_ns=None, group=message.guidance_id)


def _promoted(guidance: Guidance, at_ns: int) -> Guidance:
    """Return known guidance; one that waits, or is a part of a message, and has become critical calls at once."""
    part = guidance.kind is GuidanceKind.WARNING and guidance.attention is Attention.QUIET
    waits = (part or guidance.attention in KEPT_BACK) and guidance.state is GuidanceState.PROPOSED
    if waits and guidance.severity is Severity.CRITICAL:
        return replace(guidance, attention=Attention.NEW, announced_ns=at_ns)
    return guidance


def _new(guidance: Guidance, head: Guidance | None, calls: Calls, *, room: bool) -> Guidance:
    if guidance.kind not in RATIONED:
        return guidance
    if guidance.kind is GuidanceKind.SETPOINT and head is not None:
        attention = head.attention if head.attention in KEPT_BACK else Attention.QUIET
        return replace(guidance, attention=attention, announced_ns=None, group=head.guidance_id)
    alarm_id = alarm_id_of(guidance)
    if alarm_id in calls.silenced and guidance.severity is not Severity.CRITICAL:
        attention = Attention.SUPPRESSED if alarm_id in calls.suppressed else Attention.SHELVED
        return replace(guidance, attention=attention, announced_ns=None)
    if room or guidance.severity is Severity.CRITICAL:
        return guidance
    return replace(guidance, attention=Attention.WAITING, announced_ns=None)


def summarised(
    open_guidance: tuple[Guidance, ...],
    *,
    announced_ns: Mapping[str | None, Sequence[int]],
    rationing: Rationing,
    at_ns: int,
    silenced: frozenset[str] = frozenset(),
) -> tuple[Guidance, ...]:
    """Return the guidance that waits and is made known now: by equipment one message, which names the others."""
    waiting: dict[str | None, list[Guidance]] = {}
    shelved = {item.guidance_id for item in open_guidance if alarm_id_of(item) in silenced}
    for guidance in open_guidance:
        kept = guidance.attention in KEPT_BACK and guidance.state is GuidanceState.PROPOSED
        if kept and shelved.isdisjoint({guidance.guidance_id, guidance.group}):
            waiting.setdefault(guidance.equipment_id, []).append(guidance)
    made_known: list[Guidance] = []
    for equipment_id, several in waiting.items():
        if len(announced_ns.get(equipment_id, ())) < rationing.most:
            made_known += _in_one_message(several, equipment_id, at_ns)
    return tuple(made_known)


def _in_one_message(waiting: list[Guidance], equipment_id: str | None, at_ns: int) -> list[Guidance]:
    oldest_first = sorted(waiting, key=lambda item: (item.kind is not GuidanceKind.WARNING, item.issued_ns))
    head, *others = oldest_first
    called = replace(head, attention=Attention.NEW, announced_ns=at_ns)
    more = [guidance for guidance in others if guidance.group != head.guidance_id]
    if more:
        titles = [guidance.title for guidance in (head, *more)]
        reason = Reason(
            code=Summary.MORE_ON_EQUIPMENT.value,
            parameters={"equipment_id": equipment_id, "count": len(titles), "guidance": [g.guidance_id for g in more]},
            text=text("summary", Summary.MORE_ON_EQUIPMENT, count=len(titles), titles="; ".join(titles)),
        )
        wording = title("summary_title", Summary.MORE_ON_EQUIPMENT, count=len(titles), equipment=equipment_id,
                        first=head.title)  # fmt: skip
        called = replace(called, title=wording, reasons=(*head.reasons, reason))
    quiet = (
        replace(guidance, attention=Attention.QUIET, group=guidance.group or head.guidance_id) for guidance in others
    )
    return [called, *quiet]
