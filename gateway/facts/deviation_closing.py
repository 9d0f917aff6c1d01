"""What closing a deviation stands on."""

from dataclasses import dataclass

from gateway.facts.acts import ActFacts
from gateway.lab.deviations import Deviation
from gateway.lab.effectiveness import ActionOnRecord
from gateway.records.deviation_states import DeviationClosed


@dataclass(frozen=True, kw_only=True, slots=True)
class CloseDeviationFacts(ActFacts):
    """The newest version of the deviation, None where there is none, and the actions against it with their effects.

    ``closed``: its closing, where it stands. ``not_holding``: records of it that do not match their hash.
    """

    deviation: Deviation | None
    closed: DeviationClosed | None
    actions: tuple[ActionOnRecord, ...]
    not_holding: tuple[str, ...]
