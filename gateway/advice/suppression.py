"""Which alarms are suppressed by design, and whether a rule's condition holds (ISA-18.2, IEC 62682). Pure.

Warnings by prediction and the gateway's own alarms only: never what is critical or latched, never a hold, and nothing
that the laboratory says. What is not known, or too old, does not hold.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from gateway.advice.alarm_states import GATEWAY, WARNING
from gateway.advice.gateway_alarms import OF_A_SOURCE, kind_of
from gateway.facts.suppression import EquipmentNow
from gateway.guardrails.gates import PresentSetpoint
from gateway.line.alarm_rules import PlantCondition, SuppressionRule, TagCondition
from gateway.line.definition import LineDefinition
from gateway.records.alarms import Alarm, SuppressionInForce
from gateway.records.guidance import Severity


class Holds(StrEnum):
    """Whether a condition holds."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


def condition_holds(
    condition: PlantCondition, equipment: EquipmentNow, present: PresentSetpoint | None, *, held: bool
) -> Holds:
    """Return whether a condition holds.

    Args:
        condition: what must hold.
        equipment: what production says of the equipment.
        present: where the condition's tag stands; None where it is not known or too old.
        held: whether it held at the last look.
    """
    parts = []
    if condition.production is not None:
        parts.append(_is_one_of(equipment.production, {condition.production}))
    if condition.states:
        parts.append(_is_one_of(equipment.state, condition.states))
    if condition.products:
        parts.append(_is_one_of(equipment.product, condition.products))
    if condition.tag is not None:
        parts.append(_tag_holds(condition.tag, present, held=held))
    if Holds.NO in parts:
        return Holds.NO
    return Holds.UNKNOWN if Holds.UNKNOWN in parts or not parts else Holds.YES


def _is_one_of(value: str | None, wanted: Iterable[str]) -> Holds:
    if value is None:
        return Holds.UNKNOWN
    return Holds.YES if value in wanted else Holds.NO


def _tag_holds(condition: TagCondition, present: PresentSetpoint | None, *, held: bool) -> Holds:
    if present is None:
        return Holds.UNKNOWN
    room = condition.hysteresis if held else 0.0
    above = condition.above is None or present.value > condition.above - room
    below = condition.below is None or present.value < condition.below + room
    return Holds.YES if above and below else Holds.NO


def covers(rule: SuppressionRule, alarm: Alarm) -> bool:
    """Return whether a rule keeps an alarm from calling; what is critical or latched, and a hold, it never does."""
    if alarm.latched or alarm.severity is Severity.CRITICAL:
        return False
    kind, _, name = alarm.alarm_id.partition("/")
    if kind == GATEWAY:
        return covers_code(rule, name)
    equipment_id, _, rest = name.partition("/")
    analyte = rest.partition("/")[2]
    return kind == WARNING and _covers_warning(rule, equipment_id, analyte)


def covers_code(rule: SuppressionRule, code: str) -> bool:
    """Return whether a rule names an alarm of the gateway, by its code or by the server that it is of."""
    kind, name = kind_of(code)
    return code in rule.codes or (kind in OF_A_SOURCE and name in {source.lower() for source in rule.sources})


def _covers_warning(rule: SuppressionRule, equipment_id: str, analyte: str) -> bool:
    return rule.warnings and rule.equipment_id == equipment_id and (not rule.analytes or analyte in rule.analytes)


def rules_in_force(line: LineDefinition, held: Iterable[SuppressionInForce]) -> tuple[SuppressionRule, ...]:
    """Return the rules that keep alarms from calling now."""
    names = {item.name for item in held if not item.used_up}
    return tuple(rule for rule in line.suppressions if rule.name in names)


def suppressed_warnings(line: LineDefinition, held: Iterable[SuppressionInForce]) -> Mapping[str, str]:
    """Return by alarm, of which models could warn, the rule that keeps it from calling now."""
    rules = rules_in_force(line, held)
    return {
        f"{WARNING}/{model.equipment_id}/{model.name}/{output.analyte}": rule.name
        for rule in reversed(rules)
        for model in line.models
        for output in model.bundle.outputs
        if _covers_warning(rule, model.equipment_id, output.analyte)
    }
