"""A result against a specification: release, review or hold, with the reason. Pure.

A censored result (``<x``, ``>x``) stands for an open interval of values: it is inside if the whole interval
is, outside if none of it is, and otherwise undecided, which is a review.

A value is converted to the specification's unit and then rounded to its decimals before it is compared; half is rounded
away from zero (USP General Notices 7.20).
"""

import math
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any, Literal

from gateway.lab.units import converted
from gateway.records import LabResult, Reason, Recommendation, ResultStatus, Specification

_NO_DECIMALS = 1e15  # from there on a float has none


class Judgement(StrEnum):
    """What a result is against its specification; the value is the sentence's template."""

    IN_SPECIFICATION = "{name} {shown} is within {limits}."
    OUT_OF_SPECIFICATION = "{name} {shown} is {side} limit of {limit:g}{unit}."
    OUT_OF_REVIEW_BAND = "{name} {shown} is {percent:.1f} % of target, outside the review band {low:g} to {high:g} %."
    IN_REVIEW_BAND = "{name} {shown} is {percent:.1f} % of target, outside the release band {low:g} to {high:g} %."
    CENSORED_UNDECIDED = "{name} {shown} may lie inside or outside {limits}."
    NO_SPECIFICATION = "There is no specification of {name} for this product, and none came with the result."
    UNIT_MISMATCH = "{name} is in {unit_found}, which is no measure of {unit_wanted}, the specification's unit."
    NOT_YET_VALIDATED = "{name} {shown} is entered, not yet validated."
    VALUE_UNKNOWN = "{name} {shown} says no number, and no limit that it lies below or above."
    RESULT_REJECTED = "The laboratory rejected {name} {shown}."


def _reason(judgement: Judgement, result: LabResult, compared: LabResult | None = None, **parameters: Any) -> Reason:
    """Return the reason with its sentence; ``compared``: the result as it was held against the specification."""
    shown = _shown(result)
    if compared is not None and (compared.value, compared.unit) != (result.value, result.unit):
        shown += f" (compared as {_shown(replace(compared, value_text=''))})"
    named = {"name": result.test_id, "shown": shown, **parameters}
    return Reason(
        code=judgement.name,
        parameters={"analyte": result.analyte, "value": result.value, **parameters},
        text=judgement.value.format(**named),
    )


def _shown(result: LabResult) -> str:
    number = result.censored_at if result.qualifier else result.value
    if number is None:
        return result.value_text
    text = result.value_text if result.qualifier and result.value_text else f"{result.qualifier or ''}{number:g}"
    return text + (f" {result.unit}" if result.unit else "")


def comparable(result: LabResult, specification: Specification) -> LabResult | None:
    """Return a result in the specification's unit and rounded to its decimals, or None where units do not agree."""
    wanted = specification.unit
    if specification.decimals is None and (not result.unit or not wanted or result.unit == wanted):
        return result
    changes: dict[str, float] = {}
    for name, number in (("value", result.value), ("censored_at", result.censored_at)):
        if number is not None:
            same = converted(number, result.unit, wanted)
            if same is None:
                return None
            changes[name] = same
    if "value" in changes and specification.decimals is not None:
        changes["value"] = rounded(changes["value"], specification.decimals)
    unit = wanted if result.unit and wanted else result.unit
    return replace(result, value=changes.get("value"), censored_at=changes.get("censored_at"), unit=unit)


def rounded(value: float, decimals: int) -> float:
    """Return a number rounded to some decimals as people write it: half away from zero."""
    if abs(value) >= _NO_DECIMALS:
        return value
    return float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP))


def judge(result: LabResult, specification: Specification | None) -> tuple[Recommendation, Reason]:
    """Return what one result recommends by one specification, and why."""
    if specification is None:
        return Recommendation.REVIEW, _reason(Judgement.NO_SPECIFICATION, result)
    if result.value is None and result.censored_at is None:
        return Recommendation.REVIEW, _reason(Judgement.VALUE_UNKNOWN, result)
    compared = comparable(result, specification)
    if compared is None:
        return Recommendation.REVIEW, _reason(
            Judgement.UNIT_MISMATCH, result, unit_found=result.unit, unit_wanted=specification.unit
        )
    recommendation, reason = _by_limits(result, compared, specification)
    if recommendation is Recommendation.RELEASE and result.status is ResultStatus.ENTERED:
        return Recommendation.REVIEW, _reason(Judgement.NOT_YET_VALIDATED, result)
    return recommendation, reason


def _by_limits(result: LabResult, compared: LabResult, specification: Specification) -> tuple[Recommendation, Reason]:
    low, high = _possible_values(compared)
    for side, limit in _limits(specification):
        if _wholly_outside(low, high, side, limit, inclusive=specification.includes(side)):
            named = {"lower": "below the lower", "upper": "above the upper"}[side]
            unit = f" {specification.unit}" if specification.unit else ""
            return Recommendation.HOLD, _reason(
                Judgement.OUT_OF_SPECIFICATION,
                result,
                compared,
                **{side: limit, "side": named, "limit": limit, "unit": unit},
            )
    if result.qualifier and not all(_wholly_inside(low, high, side, limit) for side, limit in _limits(specification)):
        return Recommendation.REVIEW, _reason(Judgement.CENSORED_UNDECIDED, result, limits=limits_text(specification))
    if result.qualifier and specification.bands is not None:
        return Recommendation.REVIEW, _reason(Judgement.CENSORED_UNDECIDED, result, limits="the release band")
    return _by_bands(result, compared, specification)


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


def _by_bands(result: LabResult, compared: LabResult, specification: Specification) -> tuple[Recommendation, Reason]:
    bands, target = specification.bands, specification.target
    if bands is not None and target and compared.value is not None and not result.qualifier:
        percent = 100.0 * compared.value / target
        if not bands.review[0] <= percent <= bands.review[1]:
            low, high = bands.review
            return Recommendation.HOLD, _reason(
                Judgement.OUT_OF_REVIEW_BAND, result, compared, percent=percent, low=low, high=high
            )
        if not bands.release[0] <= percent <= bands.release[1]:
            low, high = bands.release
            return Recommendation.REVIEW, _reason(
                Judgement.IN_REVIEW_BAND, result, compared, percent=percent, low=low, high=high
            )
    return Recommendation.RELEASE, _reason(
        Judgement.IN_SPECIFICATION, result, compared, limits=limits_text(specification)
    )


def _limits(specification: Specification) -> list[tuple[Literal["lower", "upper"], float]]:
    pairs: tuple[tuple[Literal["lower", "upper"], float | None], ...] = (
        ("lower", specification.lower),
        ("upper", specification.upper),
    )
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
