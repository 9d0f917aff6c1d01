"""What every decision knows: the line, and the latched alarms."""

from dataclasses import dataclass

from gateway.lab.in_force import SpecificationsOnRecord
from gateway.line.definition import LineDefinition


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What every decision stands on; of many kinds of event it is all.

    ``latches``: the codes of alarms that stand until a person takes them down. ``damaged``: records that were left out,
    as they do not match their hash.
    """

    line: LineDefinition
    latches: tuple[str, ...]
    damaged: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgingFacts(Facts):
    """What a decision stands on that judges by specifications."""

    specifications: SpecificationsOnRecord
