"""What changing a model's stage stands on."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.facts.acts import ActFacts
from gateway.records.people import StageChanged


@dataclass(frozen=True, kw_only=True, slots=True)
class StageEvidence:
    """How a version did beside the laboratory, by all of its samples.

    ``samples``: at which it was asked; ``abstained``: by the first reason; ``results``: of the laboratory beside a
    prediction; ``inside``: within its interval, a hit; ``outside``: a miss; ``mean_error``: absolute, in the model's
    unit. ``from_ns``: when the first sample was drawn.
    """

    samples: int
    abstained: Mapping[str, int]
    results: int
    inside: int
    outside: int
    coverage: float | None
    mean_error: float | None
    from_ns: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeStageFacts(ActFacts):
    """``before``: the newest signed stage of the model, None where there is none that holds."""

    before: StageChanged | None
    evidence: StageEvidence
