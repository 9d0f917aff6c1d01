"""What acts on corrective actions stand on."""

from dataclasses import dataclass

from gateway.facts.acts import ActFacts
from gateway.lab.deviations import DeviationInShort
from gateway.records.corrective_actions import ActionRecorded


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordActionFacts(ActFacts):
    """The newest version of the deviation that is named, None where there is none; whether its record holds."""

    deviation: DeviationInShort | None
    holds: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CompleteActionFacts(ActFacts):
    """The action that is named, None where there is none; whether its record holds, and whether it is done already."""

    action: ActionRecorded | None
    holds: bool
    done: bool
