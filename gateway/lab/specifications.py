"""A result against a specification: release, review or hold, with the reason. Pure.

A censored result (``<x``, ``>=x``) stands for an interval of values: it is inside if the whole interval is, outside if
none of it is, and otherwise undecided, which is a review. A quantity that cannot be negative lies above 0.

A value is converted to the specification's unit and then rounded to its decimals before it is compared; half is rounded
away from zero (USP General Notices 7.20). Everything is compared in decimal: 4.83 is 105 % of 4.6, not a bit more.

A result in words is judged by the specification's lists (``gateway.lab.qualitative``).
"""

import math
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any, Literal

from gateway.contract.lims.numbers import distinct_text, exact, nearest, number_text, plain
from gateway.lab.conformity_reasons import ConformityReason, OutOfSpecification, reason_of
from gateway.lab.phrases import LabPhrase, lab_phrase, limits_text
from gateway.lab.qualitative import Judged, judged_by_text, not_understood, without_limits
from gateway.lab.units import converted, has_bare_scale, is_missing, may_be_negative
from gateway.records.laboratory import LabResult, Recommendation, ResultStatus, Specification
from gateway.records.verdicts import Reason
from gateway.texts.catalogue import number_in_text

_NO_DECIMALS = 1e15  # from there on a float has none
_PERCENT_DIGITS = 4
LIMITS_WITHOUT_UNIT = "LIMITS_WITHOUT_UNIT"
Side = Literal["lower", "upper"]


def comparable(result: LabResult, specification: Specification) -> LabResult | None:
    """Return a result in the specification's unit and rounded to its decimals, or None where units do not agree."""
    target_unit = specification.unit
    if specification.decimals is None and (not result.unit or not target_unit or result.unit == target_unit):
        return result
    changes: dict[str, float] = {}
    for name, number in (("value", result.value), ("censored_at", result.censored_at)):
        if number is not None:
            same = converted(number, result.unit, target_unit)
            if same is None:
                return None
            changes[name] = same
    if "value" in changes and specification.decimals is not None:
        changes["value"] = rounded(changes["value"], specification.decimals)
    unit = target_unit if result.unit and target_unit else result.unit
    return replace(result, value=changes.get("value"), censored_at=changes.get("censored_at"), unit=unit)


def rounded(value: float, decimals: int) -> float:
    """Return a number rounded to some decimals as people write it: half away from zero."""
    if abs(value) >= _NO_DECIMALS:
        return value
    return float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP))


def judge(result: LabResult, specification: Specification | None) -> Judged:
    """Return what one result recommends by one specification, and why."""
    if specification is None:
        return Recommendation.REVIEW, reason_of(ConformityReason.NO_SPECIFICATION, result)
    recommendation, reason = _judged(result, specification)
    if recommendation is not Recommendation.RELEASE:
        return recommendation, reason
    if unit_is_missing(result, specification) and has_bare_scale(specification.unit):
        return Recommendation.REVIEW, reason_of(ConformityReason.UNIT_MISSING, result, unit_wanted=specification.unit)
    if result.status is ResultStatus.ENTERED:
        return Recommendation.REVIEW, reason_of(ConformityReason.NOT_YET_VALIDATED, result)
    return recommendation, reason


def unit_is_missing(result: LabResult, specification: Specification) -> bool:
    """Return whether a number came without a unit where the limits have one, and nothing says that it is the same."""
    is_number = result.value is not None or result.censored_at is not None
    return is_number and not specification.assume_unit and is_missing(result.unit, specification.unit)


def unit_flags(result: LabResult, specifications: tuple[Specification, ...]) -> tuple[str, ...]:
    """Return the flags of a missing unit: of the number, or of the limits that it was compared with."""
    if result.value is None and result.censored_at is None:
        return ()
    limits_without = any(
        has_limits(specification) and is_missing(specification.unit, result.unit) for specification in specifications
    )
    flags = {
        ConformityReason.UNIT_MISSING.value: any(
            unit_is_missing(result, specification) for specification in specifications
        ),
        LIMITS_WITHOUT_UNIT: limits_without,
    }
    return tuple(flag for flag, holds in flags.items() if holds)


def _judged(result: LabResult, specification: Specification) -> Judged:
    by_text = judged_by_text(result, specification) if result.value is None else None
    if by_text is not None:
        return by_text
    if result.value is None and result.censored_at is None:
        return not_understood(result, specification)
    if not has_limits(specification):
        return without_limits(result, specification)
    compared = comparable(result, specification)
    if compared is None:
        target_unit = specification.unit
        mismatch = reason_of(ConformityReason.UNIT_MISMATCH, result, unit_found=result.unit, unit_wanted=target_unit)
        return Recommendation.REVIEW, mismatch
    return _by_limits(result, compared, specification)


def has_limits(specification: Specification) -> bool:
    """Return whether a specification has a limit that a number can be held against."""
    return specification.lower is not None or specification.upper is not None


def _by_limits(result: LabResult, compared: LabResult, specification: Specification) -> Judged:
    values, limits = _possible_values(compared, specification), _limits(specification)
    for side, limit in limits:
        if values.wholly_outside(side, limit, inclusive=specification.includes(side)):
            return Recommendation.HOLD, _outside(result, compared, specification, side, limit)
    undecided = None
    if not all(values.wholly_inside(side, limit, inclusive=specification.includes(side)) for side, limit in limits):
        undecided = limits_text(specification)
    elif result.qualifier and specification.bands is not None:
        undecided = lab_phrase(LabPhrase.RELEASE_BAND)
    if undecided is not None:
        reason = reason_of(ConformityReason.CENSORED_UNDECIDED, result, compared, specification, limits=undecided)
        return Recommendation.REVIEW, reason
    return _by_bands(result, compared, specification)


def action_limits(specification: Specification) -> Specification:
    """Return the specification with its limits narrowed to the review band: outside them a result would be a hold."""
    bands, target = specification.bands, specification.target
    if bands is None or not target:
        return specification
    low, high = sorted(nearest(exact(target) * exact(percent) / 100) for percent in bands.review)
    return replace(
        specification,
        lower=low if specification.lower is None else max(low, specification.lower),
        upper=high if specification.upper is None else min(high, specification.upper),
    )


def _outside(result: LabResult, compared: LabResult, specification: Specification, side: Side, limit: float) -> Reason:
    parameters: dict[str, Any] = {
        side: limit,
        "side": {"lower": "below the lower", "upper": "above the upper"}[side],  # a word of the contract
        "limit": limit,
        "limit_text": number_in_text(number_text(limit)),
        "unit": f" {specification.unit}" if specification.unit else "",
    }
    variant = OutOfSpecification.BELOW if side == "lower" else OutOfSpecification.ABOVE
    return reason_of(
        ConformityReason.OUT_OF_SPECIFICATION, result, compared, specification, variant=variant, **parameters
    )


def _by_bands(result: LabResult, compared: LabResult, specification: Specification) -> Judged:
    bands, target = specification.bands, specification.target
    if bands is not None and target and compared.value is not None:
        percent = 100 * exact(compared.value) / exact(target)
        for recommendation, judgement, band in (
            (Recommendation.HOLD, ConformityReason.OUT_OF_REVIEW_BAND, bands.review),
            (Recommendation.REVIEW, ConformityReason.IN_REVIEW_BAND, bands.release),
        ):
            if not exact(band[0]) <= percent <= exact(band[1]):
                return recommendation, _outside_band(judgement, result, compared, specification, percent, band)
    limits = limits_text(specification)
    return Recommendation.RELEASE, reason_of(
        ConformityReason.IN_SPECIFICATION, result, compared, specification, limits=limits
    )


def _outside_band(
    judgement: ConformityReason,
    result: LabResult,
    compared: LabResult,
    specification: Specification,
    percent: Fraction,
    band: tuple[float, float],
) -> Reason:
    return reason_of(
        judgement,
        result,
        compared,
        specification,
        percent=nearest(percent),
        percent_text=number_in_text(distinct_text(percent, *band, digits=_PERCENT_DIGITS)),
        low=plain(band[0]),
        high=plain(band[1]),
    )


def _limits(specification: Specification) -> list[tuple[Side, float]]:
    pairs: tuple[tuple[Side, float | None], ...] = (("lower", specification.lower), ("upper", specification.upper))
    return [(side, limit) for side, limit in pairs if limit is not None]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Values:
    """The interval of values that a result may be; one end or both belong to it."""

    low: float
    high: float
    with_low: bool = True
    with_high: bool = True

    def wholly_outside(self, side: Side, limit: float, *, inclusive: bool) -> bool:
        """Return whether none of the values is allowed by a limit."""
        if side == "lower":
            return self.high < limit or (self.high == limit and not (self.with_high and inclusive))
        return self.low > limit or (self.low == limit and not (self.with_low and inclusive))

    def wholly_inside(self, side: Side, limit: float, *, inclusive: bool) -> bool:
        """Return whether every value is allowed by a limit."""
        if side == "lower":
            return self.low > limit or (self.low == limit and (inclusive or not self.with_low))
        return self.high < limit or (self.high == limit and (inclusive or not self.with_high))


def _possible_values(result: LabResult, specification: Specification) -> _Values:
    """Return the values that a result stands for, in the specification's unit."""
    if result.value is not None:
        return _Values(low=result.value, high=result.value)
    limit, closed = result.censored_at, result.qualifier in {"<=", ">="}
    if limit is not None and result.qualifier in {">", ">="}:
        return _Values(low=limit, high=math.inf, with_low=closed)
    if limit is not None and result.qualifier in {"<", "<="}:
        reaches_zero = limit > 0 or (limit == 0 and closed)
        floor = 0.0 if reaches_zero and _cannot_be_negative(specification, result.unit) else -math.inf
        return _Values(low=floor, high=limit, with_high=closed)
    return _Values(low=-math.inf, high=math.inf)


def _cannot_be_negative(specification: Specification, unit: str | None) -> bool:
    """Return whether values below 0 are impossible: as stated, else as limits begin at 0 in a unit without sign."""
    if specification.non_negative is not None:
        return specification.non_negative
    return specification.lower == 0 and not may_be_negative(specification.unit or unit)
