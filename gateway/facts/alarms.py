"""What decisions on alarms stand on."""

from dataclasses import dataclass

from gateway.facts.acts import ActFacts
from gateway.facts.base import Facts
from gateway.line.alarm_rules import SuppressionRule
from gateway.records.alarms import Alarm
from gateway.records.guidance import Guidance


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmFacts(Facts):
    """The alarm as it stands, None where it is normal; ``others``: of the gateway, itself among them.

    ``suppressing``: the rules that keep alarms from calling now.
    """

    alarm: Alarm | None
    others: tuple[Alarm, ...]
    suppressing: tuple[SuppressionRule, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ShelvesFacts(Facts):
    """The alarms whose time on the shelf is over."""

    ended: tuple[Alarm, ...]
    suppressing: tuple[SuppressionRule, ...]
    rejections: tuple[str, ...]  # of advice, by name, that are so old that no model can still ask


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmActFacts(ActFacts):
    """The alarm that the act is about, None where it is normal, and the guidance behind it, where there is one.

    ``below``: the alarms for which it has called, too.
    """

    alarm: Alarm | None
    below: tuple[Alarm, ...]
    guidance: Guidance | None
