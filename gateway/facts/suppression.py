"""What the decision on alarms that are suppressed by design stands on."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.facts.base import Facts
from gateway.history.windows import TagWindow, WindowRequest
from gateway.line.alarm_rules import Production
from gateway.records.alarms import Alarm, SuppressionInForce


@dataclass(frozen=True, kw_only=True, slots=True)
class EquipmentNow:
    """What production says of an equipment; None where it has said nothing."""

    production: Production | None
    state: str | None
    product: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SuppressionFacts(Facts):
    """The alarms that stand, the rules whose condition held at the last look, and what the conditions are about."""

    windows: Mapping[WindowRequest, TagWindow]
    equipment: Mapping[str, EquipmentNow]
    standing: tuple[Alarm, ...]
    in_force: tuple[SuppressionInForce, ...]
