"""The state of a line as other systems are given it: plain values of one instant, each with how far it can be trusted.

A value that must not be used is not there: next to every quality but GOOD and UNCERTAIN the numbers are None.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.records.process import Quality


class Trust(StrEnum):
    """How far a predicted value can be trusted, or why there is none.

    ``GOOD``: it has passed every gate, and is no older than three ticks of its model. ``UNCERTAIN``: it has, but its
    interval reaches beyond what the model's output can be. All others have no value: ``WAITING`` for the first
    prediction, ``ABSTAINED``, ``STALE``, the model is in ``SHADOW``, or the record is ``DAMAGED``.
    """

    GOOD = "good"
    UNCERTAIN = "uncertain"
    WAITING = "waiting"
    ABSTAINED = "abstained"
    STALE = "stale"
    SHADOW = "shadow"
    DAMAGED = "damaged"

    @property
    def has_value(self) -> bool:
        """Return whether there is a value."""
        return self in {Trust.GOOD, Trust.UNCERTAIN}


@dataclass(frozen=True, kw_only=True, slots=True)
class Numbers:
    """A predicted value; ``uncorrected``: before the laboratory's correction; ``probability``: of being outside."""

    value: float | None
    low: float | None
    high: float | None
    uncorrected: float | None
    probability: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitInForce:
    """The specification in force, in the unit of the prediction."""

    lower: float | None
    upper: float | None
    target: float | None
    version: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeAndText:
    """A reason: its code, and its sentence in the plant's language."""

    code: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputState:
    """The newest prediction of one output of a model.

    ``at_ns``: of the prediction. ``holds_until_ns``: from then on it is stale. ``range``: what the output can be.
    """

    equipment_id: str
    analyte: str
    unit: str
    trust: Trust
    at_ns: int | None
    holds_until_ns: int | None
    numbers: Numbers | None
    coverage: float | None
    range: tuple[float, float] | None
    limit: LimitInForce | None
    model: str
    version: str
    sha256: str
    stage: str
    reasons: tuple[CodeAndText, ...]
    material_lot_id: str | None

    @property
    def name(self) -> str:
        """Return the name that stays: equipment and analyte."""
        return f"{self.equipment_id}.{self.analyte}"


@dataclass(frozen=True, kw_only=True, slots=True)
class TagState:
    """A tag as it is now; ``value`` None: it is no number.

    ``at_ns``: from when its value counts, None where none has come. ``stale``: it is older than it may be.
    """

    name: str
    equipment_id: str
    unit: str
    value: float | None
    quality: Quality
    at_ns: int | None
    stale: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class LotState:
    """One lot: what is recommended for it, and why. ``at_ns``: of its last disposition."""

    material_lot_id: str
    product: str | None
    job_order_id: str | None
    equipment_id: str | None
    started_ns: int | None
    ended_ns: int | None
    closed_ns: int | None
    recommendation: str
    latched: bool
    damaged: bool
    results: int
    at_ns: int | None
    reasons: tuple[CodeAndText, ...]
    missing_tests: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenGuidance:
    """Guidance that is open. ``action``: the one thing to do next, by language; ``title`` is in the plant's."""

    guidance_id: str
    kind: str
    state: str
    severity: str
    title: str
    action: Mapping[str, str]
    reasons: tuple[CodeAndText, ...]
    issued_ns: int
    expires_ns: int | None
    equipment_id: str | None
    material_lot_id: str | None
    analyte: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LineState:
    """All of it at one instant. ``language``: of titles and sentences. ``more_guidance``: open, but not shown."""

    path: str
    at_ns: int
    language: str
    outputs: tuple[OutputState, ...]
    lots: tuple[LotState, ...]
    guidance: tuple[OpenGuidance, ...]
    more_guidance: int
