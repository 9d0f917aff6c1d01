"""Which samples the laboratory should measure first: the risk of a lot, and the queue by it. Pure.

The risk is a probability of failure: what a model says of the lot, else how often the product fails, moved by
likelihood ratios of what else is known. The queue goes by risk and by waiting, so that nothing waits for ever.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gateway.lab.materials import MaterialRisk
from gateway.texts.catalogue import text
from gateway.time_units import SECOND_NS

_NOVEL = 3.0  # sigmas from the product's usual lots
_HIGH, _STANDARD = 0.25, 0.05
_HOUR_NS = 3600 * SECOND_NS
_MOST_DAYS = 60.0  # what has waited longer goes first anyway
_MOST_RATIO, _LEAST_RATIO = 10.0, 0.5


class Priority(StrEnum):
    """How urgent a test is, as a LIMS expects it."""

    HIGH = "HIGH"
    STANDARD = "STANDARD"
    LOW = "LOW"


class SampleReason(StrEnum):
    """Why a test is asked for: the codes of the group ``sample_reason``."""

    ROUTINE = "ROUTINE"
    MODEL_EXPECTS_FAILURE = "MODEL_EXPECTS_FAILURE"
    UNUSUAL_TAG = "UNUSUAL_TAG"
    NEW_SUPPLIER = "NEW_SUPPLIER"
    MATERIAL_FAILED = "MATERIAL_FAILED"
    OUT_OF_TREND = "OUT_OF_TREND"
    SAMPLED_LONG_AGO = "SAMPLED_LONG_AGO"


DUE_HOURS: Mapping[Priority, float] = {Priority.HIGH: 2.0, Priority.STANDARD: 8.0, Priority.LOW: 24.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class LotSigns:
    """What is known of a lot before the laboratory has measured it, for one test."""

    analyte: str
    failed: int  # of the product's earlier results
    tested: int
    predicted: float | None = None  # probability of failure that a model says
    novelty: float | None = None  # sigmas of the tag that is farthest from the product's usual lots
    novel_tag: str | None = None
    new_suppliers: tuple[str, ...] = ()  # that the product was never made of
    materials: tuple[MaterialRisk, ...] = ()
    hours_since_sample: float | None = None
    out_of_trend: bool = False  # the series has signalled lately


@dataclass(frozen=True, kw_only=True, slots=True)
class TestRisk:
    """The probability that a test fails, and the sentences that raise it, the strongest first."""

    __test__ = False  # no test of pytest's

    analyte: str
    probability: float
    reasons: tuple[str, ...]

    @property
    def priority(self) -> Priority:
        """Return how urgent it is."""
        if self.probability >= _HIGH:
            return Priority.HIGH
        return Priority.STANDARD if self.probability >= _STANDARD else Priority.LOW


def risk_of(signs: LotSigns) -> TestRisk:
    """Return the risk of one test."""
    usual = (0.5 + signs.failed) / (10.0 + signs.tested)  # Beta(1/2, 19/2): one in twenty until results say otherwise
    base = usual if signs.predicted is None else signs.predicted
    weighed = [sign for sign in _ratios(signs) if sign[0] != 1.0]
    odds = _odds(base) * math.prod(ratio for ratio, _sentence in weighed)
    raising = sorted((sign for sign in weighed if sign[0] > 1.0), key=lambda sign: -sign[0])
    reasons = [sentence for _ratio, sentence in raising]
    if signs.predicted is not None and signs.predicted > usual:
        reasons.insert(
            0, _sentence(SampleReason.MODEL_EXPECTS_FAILURE, analyte=signs.analyte, probability=signs.predicted)
        )
    return TestRisk(
        analyte=signs.analyte,
        probability=odds / (1 + odds),
        reasons=tuple(reasons) or (_sentence(SampleReason.ROUTINE),),
    )


def _odds(probability: float) -> float:
    bounded = min(max(probability, 0.001), 0.999)
    return bounded / (1 - bounded)


def _ratios(signs: LotSigns) -> list[tuple[float, str]]:
    """Return what else is known of the lot: likelihood ratios, with their sentences."""
    weighed = []
    if signs.novelty is not None and signs.novelty > _NOVEL:
        ratio = min(1.0 + (signs.novelty - _NOVEL), _MOST_RATIO)
        sentence = _sentence(SampleReason.UNUSUAL_TAG, tag=signs.novel_tag, sigmas=signs.novelty)
        weighed.append((ratio, sentence))
    weighed += [(2.0, _sentence(SampleReason.NEW_SUPPLIER, supplier=name)) for name in signs.new_suppliers]
    for risk in signs.materials:
        usual = (0.5 + signs.failed) / (10.0 + signs.tested)
        ratio = min(max(risk.mean / usual, _LEAST_RATIO), _MOST_RATIO) if risk.tested else 1.0
        weighed.append((ratio, _of_material(risk)))
    if signs.out_of_trend:
        weighed.append((3.0, _sentence(SampleReason.OUT_OF_TREND, analyte=signs.analyte)))
    if signs.hours_since_sample is not None and signs.hours_since_sample > DUE_HOURS[Priority.STANDARD]:
        ratio = min(1.0 + signs.hours_since_sample / 48.0, 3.0)
        weighed.append((ratio, _sentence(SampleReason.SAMPLED_LONG_AGO, hours=signs.hours_since_sample)))
    return weighed


def _of_material(risk: MaterialRisk) -> str:
    return _sentence(
        SampleReason.MATERIAL_FAILED,
        failed=risk.failed,
        tested=risk.tested,
        material=risk.material,
        supplier=risk.supplier,
        low=risk.low,
        high=risk.high,
    )


def _sentence(code: SampleReason, **parameters: Any) -> str:
    return text("sample_reason", code.value, **parameters)


# --- the queue -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A lot that waits for the laboratory: the probability that any of its tests fails, and since when it waits."""

    subject: str
    probability: float
    since_ns: int
    tests: Mapping[str, float] = field(default_factory=dict)


def in_order(waiting: Iterable[Waiting], *, at_ns: int) -> list[Waiting]:
    """Return the queue, the first to be measured first: by risk, which grows with each day of waiting.

    A lot that has waited a day counts as if its odds were twice as high, so none waits for ever.
    """

    def weight(lot: Waiting) -> float:
        days = min(max(at_ns - lot.since_ns, 0) / (24 * _HOUR_NS), _MOST_DAYS)
        return float(_odds(lot.probability) * 2.0**days)

    return sorted(waiting, key=lambda lot: (-weight(lot), lot.since_ns, lot.subject))


def due_ns(position: int, priority: Priority, *, at_ns: int, tests_per_hour: float | None) -> int:
    """Return by when a test is due: by its priority, but not before the laboratory can have reached it in the queue."""
    hours = DUE_HOURS[priority]
    if tests_per_hour is not None:
        hours = max(hours, position / tests_per_hour)
    return at_ns + int(hours * _HOUR_NS)


def together(probabilities: Iterable[float]) -> float:
    """Return the probability that any of several tests fails, taken as independent."""
    return 1.0 - math.prod(1.0 - probability for probability in probabilities)
