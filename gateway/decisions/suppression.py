"""Alarms that are suppressed by design: rules begin and end with the conditions of the plant."""

from dataclasses import dataclass, replace

from gateway.advice.suppression import Holds, condition_holds, covers
from gateway.decision import Decision
from gateway.decisions.alarms import suppressed, unsuppressed
from gateway.decisions.changes import audit_entry
from gateway.events import TimerDue
from gateway.facts.suppression import SuppressionFacts
from gateway.guardrails.gates import PresentSetpoint, present_setpoint
from gateway.history.windows import WindowRequest
from gateway.line.alarm_rules import SuppressionRule
from gateway.line.definition import LineDefinition
from gateway.records.alarms import Alarm, AlarmChange, Suppression, SuppressionInForce, SuppressionOver
from gateway.records.outgoing import AuditEntry

_BECAUSE = {Holds.NO: "its condition no longer holds", Holds.UNKNOWN: "its condition is not known"}
_TOO_LONG = "it has lasted as long as it may"
_REMOVED = "it is no longer configured"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Look:
    """A rule as it is at this look; ``ended``: why it keeps nothing back any more, where it did until now."""

    rule: SuppressionRule
    now: SuppressionInForce | None
    begins: bool = False
    ended: str | None = None

    @property
    def keeps_back(self) -> bool:
        return self.now is not None and not self.now.used_up


def windows_of_suppressions(event: TimerDue, line: LineDefinition) -> tuple[WindowRequest, ...]:
    """Return the windows that show where the tags of conditions stand."""
    return tuple(dict.fromkeys(_window(rule, event.at_ns) for rule in line.suppressions if rule.condition.tag))


def on_suppressions_due(event: TimerDue, facts: SuppressionFacts) -> Decision:
    """Begin and end the suppression of alarms by design, with the conditions of the plant."""
    held = {item.name: item for item in facts.in_force}
    looks = [_look(rule, held.pop(rule.name, None), event, facts) for rule in facts.line.suppressions]
    decided = Decision()
    for look in looks:
        decided += _of_rule(look, held_before=facts.in_force)
    for name in held:
        decided += Decision(records=(SuppressionOver(name=name),), audit=(_end(name, _REMOVED),))
    keeping = [look.rule for look in looks if look.keeps_back]
    for alarm in facts.standing:
        decided += _of_alarm(alarm, keeping, event)
    return decided


def _window(rule: SuppressionRule, at_ns: int) -> WindowRequest:
    tag = "" if rule.condition.tag is None else rule.condition.tag.tag
    return WindowRequest(tag=tag, start_ns=at_ns, end_ns=at_ns)


def _look(rule: SuppressionRule, before: SuppressionInForce | None, event: TimerDue, facts: SuppressionFacts) -> _Look:
    present = _present(rule, event, facts)
    holds = condition_holds(rule.condition, facts.equipment[rule.equipment_id], present, held=before is not None)
    kept_back = before is not None and not before.used_up
    if holds is not Holds.YES:
        return _Look(rule=rule, now=None, ended=_BECAUSE[holds] if kept_back else None)
    if before is None:
        now = SuppressionInForce(name=rule.name, since_ns=event.at_ns)
        return _Look(rule=rule, now=now, begins=True)
    if kept_back and event.at_ns - before.since_ns >= rule.longest_ns:
        return _Look(rule=rule, now=replace(before, used_up=True), ended=_TOO_LONG)
    return _Look(rule=rule, now=before)


def _present(rule: SuppressionRule, event: TimerDue, facts: SuppressionFacts) -> PresentSetpoint | None:
    condition = rule.condition.tag
    window = facts.windows.get(_window(rule, event.at_ns))
    if condition is None or window is None:
        return None
    tag = facts.line.tags[condition.tag]
    youngest = tag.max_age_ns if condition.max_age_ns is None else min(condition.max_age_ns, tag.max_age_ns)
    return present_setpoint(replace(tag, max_age_ns=youngest), window)


def _of_rule(look: _Look, *, held_before: tuple[SuppressionInForce, ...]) -> Decision:
    rule = look.rule
    audit = []
    if look.begins:
        condition = rule.condition
        audit.append(
            audit_entry("alarm_suppression_begun", rule.name, equipment_id=rule.equipment_id,
                        production=condition.production, states=sorted(condition.states),
                        products=sorted(condition.products), tag=condition.tag and condition.tag.tag,
                        longest_ns=rule.longest_ns)
        )  # fmt: skip
    if look.ended is not None:
        audit.append(_end(rule.name, look.ended))
    before = next((item for item in held_before if item.name == rule.name), None)
    if look.now == before:
        return Decision(audit=tuple(audit))
    record = SuppressionOver(name=rule.name) if look.now is None else look.now
    return Decision(records=(record,), audit=tuple(audit))


def _end(name: str, because: str) -> AuditEntry:
    return audit_entry("alarm_suppression_ended", name, because=because)


def _of_alarm(alarm: Alarm, keeping: list[SuppressionRule], event: TimerDue) -> Decision:
    """Return an alarm as it is suppressed now, or no longer is."""
    rule = next((rule for rule in keeping if covers(rule, alarm)), None)
    if rule is None:
        if alarm.suppression is not Suppression.BY_DESIGN:
            return Decision()
        entry = audit_entry("alarm_unsuppressed", alarm.alarm_id, rule=alarm.reason)
        return unsuppressed(alarm, AlarmChange.UNSUPPRESSED, at_ns=event.at_ns) + Decision(audit=(entry,))
    return suppressed(alarm, rule, at_ns=event.at_ns) or Decision()
