"""A result as a certificate prints it: converted exactly, rounded once, and ``<`` as the customer wants it. Pure."""

import math
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from gateway.contract.lims.numbers import exact, number_text
from gateway.lab.units import converted_exactly
from gateway.line.certificates import BelowLimit, RequiredTest, Rounding
from gateway.records.laboratory import LabResult


class Toward(Enum):
    """To which side a number is rounded: what is said of a value below or above it must stay true."""

    NEAREST = "nearest"
    ABOVE = "above"  # of < and <=
    BELOW = "below"  # of > and >=


_TOWARD = {"<": Toward.ABOVE, "<=": Toward.ABOVE, ">": Toward.BELOW, ">=": Toward.BELOW}
_ROUNDED = {Toward.ABOVE: math.ceil, Toward.BELOW: math.floor}


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportedValue:
    """A value as it is printed. ``value``: the printed number; ``measured``: before it was rounded, in the same unit.

    Both are None of words. ``qualifier``: ``<`` and its like. ``detected``: False where it is printed in words.
    """

    text: str
    unit: str | None
    value: Fraction | None = None
    measured: Fraction | None = None
    qualifier: str | None = None
    detected: bool = True


def reported_value(result: LabResult, test: RequiredTest) -> ReportedValue | None:
    """Return a result as it is printed, None where it cannot be converted to the customer's unit."""
    number = result.value if result.value is not None else result.censored_at
    if number is None:
        return ReportedValue(text=" ".join(result.value_text.split()), unit=result.unit or test.unit)
    measured = converted_exactly(exact(number), result.unit, test.unit)
    if measured is None:
        return None
    qualifier = None if result.value is not None else result.qualifier
    return _printed(measured, qualifier, result, test)


def mean_of(values: list[ReportedValue], test: RequiredTest) -> ReportedValue | None:
    """Return the mean of measured values, rounded once; None where one of them is no plain number."""
    numbers = [value.measured for value in values if value.measured is not None and value.qualifier is None]
    if not numbers or len(numbers) < len(values):
        return None
    mean = sum(numbers, Fraction(0)) / len(numbers)
    text = written(mean, test.decimals, test.rounding)
    return ReportedValue(text=text, unit=values[0].unit, value=Fraction(text), measured=mean)


def _printed(measured: Fraction, qualifier: str | None, result: LabResult, test: RequiredTest) -> ReportedValue:
    toward = _TOWARD.get(qualifier or "", Toward.NEAREST)
    number = written(measured, test.decimals, test.rounding, toward=toward)
    value, detected = Fraction(number), True
    text = f"{qualifier} {number}" if qualifier else number
    if qualifier in {"<", "<="}:
        if test.below is BelowLimit.NOT_DETECTED:
            detected = False
        elif test.below is BelowLimit.BELOW_LOQ and result.loq is not None:
            text = _below_loq(measured, result, test) or text
    return ReportedValue(
        text=text, unit=test.unit or result.unit, value=value, measured=measured, qualifier=qualifier, detected=detected
    )


def _below_loq(measured: Fraction, result: LabResult, test: RequiredTest) -> str | None:
    """Return ``< LOQ`` with the limit of quantitation; None where the result is not known to lie below it."""
    loq = None if result.loq is None else converted_exactly(exact(result.loq), result.unit, test.unit)
    if loq is None or measured > loq:
        return None
    return f"< LOQ ({written(loq, test.decimals, test.rounding, toward=Toward.ABOVE)})"


def written(number: Fraction, decimals: int | None, rounding: Rounding, *, toward: Toward = Toward.NEAREST) -> str:
    """Return a number with so many decimals, rounded once from its exact value; None: as short as it can be."""
    if decimals is None:
        return number_text(float(number))
    shifted = number * 10**decimals
    count = _ROUNDED[toward](shifted) if toward is not Toward.NEAREST else _nearest(shifted, rounding)
    digits = str(abs(count)).rjust(decimals + 1, "0")
    sign = "-" if count < 0 else ""
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}" if decimals else f"{sign}{digits}"


def _nearest(shifted: Fraction, rounding: Rounding) -> int:
    whole, rest = divmod(abs(shifted), 1)
    half = Fraction(1, 2)
    up = rest > half or (rest == half and (rounding is Rounding.HALF_UP or whole % 2 == 1))
    return (int(whole) + int(up)) * (-1 if shifted < 0 else 1)
