"""A result against a specification: release, review or hold, with the reason. Pure.

A censored result (``<x``, ``>x``) stands for an open interval of values: it is inside if the whole interval
is, outside if none of it is, and otherwise undecided, which is a review.
"""

import math
from dataclasses import replace
from enum import StrEnum
from typing import Any

from gateway.records import LabResult, Reason, Recommendation, ResultStatus, Specification


class Judgement(StrEnum):
    """What a result is against its specification; the value is the sentence's template."""

    IN_SPECIFICATION = "{name} {shown} is within {limits}."
    OUT_OF_SPECIFICATION = "{name} {shown} is {side} limit of {limit:g}{unit}."
    OUT_OF_REVIEW_BAND = "{name} {shown} is {percent:.1f} % of target, outside the review band {low:g} to {high:g} %."
    IN_REVIEW_BAND = "{name} {shown} is {percent:.1f} % of target, outside the release band {low:g} to {high:g} %."
    CENSORED_UNDECIDED = "{name} {shown} may lie inside or outside {limits}."
    NO_SPECIFICATION = "There is no specification of {name} for this product, and none came with the result."
    UNIT_MISMATCH = "{name} is in {unit_found}, the specification in {unit_wanted}."
    NOT_YET_VALIDATED = "{name} {shown} is entered, not yet validated."
    RESULT_REJECTED = "The laboratory rejected {name} {shown}."


def _reason(judgement: Judgement, result: LabResult, **parameters: Any) -> Reason:
    shown = result.value_text if result.qualifier else f"{result.value:g}"
    named = {
        "name": result.test_id,
        "shown": shown + (f" {result.unit}" if result.unit else ""),
        **parameters,
    }
    return Reason(
        code=judgement.name,
        parameters={"analyte": result.analyte, "value": result.value, **parameters},
        text=judgement.value.format(**named),
    )


def judge(result: LabResult, specification: Specification | None) -> tuple[Recommendation, Reason]:
    """Return what one result recommends by one specification, and why."""
    if specification is None:
        return Recommendation.REVIEW, _reason(Judgement.NO_SPECIFICATION, result)
    if result.unit and specification.unit and result.unit != specification.unit:
        return Recommendation.REVIEW, _reason(
            Judgement.UNIT_MISMATCH, result, unit_found=result.unit, unit_wanted=specification.unit
        )
    recommendation, reason = _by_limits(result, specification)
    if recommendation is Recommendation.RELEASE and result.status is ResultStatus.ENTERED:
        return Recommendation.REVIEW, _reason(Judgement.NOT_YET_VALIDATED, result)
    return recommendation, reason


def _by_limits(result: LabResult, specification: Specification) -> tuple[Recommendation, Reason]:
    low, high = _possible_values(result)
    for side, limit in _limits(specification):
        if _wholly_outside(low, high, side, limit, inclusive=specification.inclusive):
            named = {"lower": "below the lower", "upper": "above the upper"}[side]
            unit = f" {specification.unit}" if specification.unit else ""
            return Recommendation.HOLD, _reason(
                Judgement.OUT_OF_SPECIFICATION,
                result,
                **{side: limit, "side": named, "limit": limit, "unit": unit},
            )
    if result.qualifier and not all(_wholly_inside(low, high, side, limit) for side, limit in _limits(specification)):
        return Recommendation.REVIEW, _reason(Judgement.CENSORED_UNDECIDED, result, limits=limits_text(specification))
    if result.qualifier and specification.bands is not None:
        return Recommendation.REVIEW, _reason(Judgement.CENSORED_UNDECIDED, result, limits="the release band")
    return _by_bands(result, specification)


def action_limits(specification: Specification) -> Specification:
    """Return the specification with its limits narrowed to the review band: outside them a result would be a hold."""
    bands, target = specification.bands, specification.target
    if bands is None or not target:
        return specification
    low, high = sorted(target * percent / 100.0 for percent in bands.review)
    return replace(
        specification,
        lower=low if specification.lower is None else max(low, specification.lower),
        upper=high if specification.upper is None else min(high, specification.upper),
    )


def _by_bands(result: LabResult, specification: Specification) -> tuple[Recommendation, Reason]:
    bands, target = specification.bands, specification.target
    if bands is not None and target and result.value is not None and not result.qualifier:
        percent = 100.0 * result.value / target
        if not bands.review[0] <= percent <= bands.review[1]:
            low, high = bands.review
            return Recommendation.HOLD, _reason(
                Judgement.OUT_OF_REVIEW_BAND, result, percent=percent, low=low, high=high
            )
        if not bands.release[0] <= percent <= bands.release[1]:
            low, high = bands.release
            return Recommendation.REVIEW, _reason(Judgement.IN_REVIEW_BAND, result, percent=percent, low=low, high=high)
    return Recommendation.RELEASE, _reason(Judgement.IN_SPECIFICATION, result, limits=limits_text(specification))


def _limits(specification: Specification) -> list[tuple[str, float]]:
    pairs = (("lower", specification.lower), ("upper", specification.upper))
    return [(side, limit) for side, limit in pairs if limit is not None]


def _possible_values(result: LabResult) -> tuple[float, float]:
    """Return the (open, where censored) interval of values the result stands for."""
    if result.qualifier == "<" and result.censored_at is not None:
        return -math.inf, result.censored_at
    if result.qualifier == ">" and result.censored_at is not None:
        return result.censored_at, math.inf
    value = math.nan if result.value is None else result.value
    return value, value


def _wholly_outside(low: float, high: float, side: str, limit: float, *, inclusive: bool) -> bool:
    censored = low != high
    touching = censored or not inclusive  # an open interval that ends at the limit lies outside it
    if side == "lower":
        return high < limit or (high == limit and touching)
    return low > limit or (low == limit and touching)


def _wholly_inside(low: float, high: float, side: str, limit: float) -> bool:
    return low >= limit if side == "lower" else high <= limit


def limits_text(specification: Specification) -> str:
    """Return the limits as people write them."""
    unit = f" {specification.unit}" if specification.unit else ""
    match (specification.lower, specification.upper):
        case (None, None):
            return "no limits"
        case (None, upper):
            return f"at most {upper:g}{unit}"
        case (lower, None):
            return f"at least {lower:g}{unit}"
        case (lower, upper):
            return f"{lower:g} to {upper:g}{unit}"
