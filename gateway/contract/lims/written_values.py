"""What a laboratory wrote as a value: a number, a limit, words, or that nothing was found. Never a guess. Pure.

| written | read as |
|---|---|
| ``9.8``, ``.5``, ``5.``, ``+5``, ``= 5``, ``1e-3``, ``1.5 x 10^3``; ``9,8`` with a decimal comma | that number |
| ``1 234.5``, ``1'234.5``, ``1,234.5``; ``1.234,5`` with a decimal comma | that number, flagged THOUSANDS_SEPARATORS |
| ``1,234`` (``1.234`` with a decimal comma: nobody can say which it is) | not read |
| ``<0.05``, ``≥ 200``, ``less than 5`` | a limit, never the number |
| ``<LOQ``, ``<LOD`` | below the limit in the message; without one undecided, flagged LIMIT_UNKNOWN |
| ``n.d.``, ``not detected`` | below the limit of detection, flagged NOT_DETECTED; without one undecided |
| ``Detected in 25 g``, ``pass``, ``TNTC`` | words, flagged TEXT_VALUE: for a specification of words, or a person |
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from gateway.contract.lims.comparators import NOT_UNDERSTOOD, comparator
from gateway.contract.lims.names import hides_between_digits, normalised
from gateway.contract.lims.written_numbers import WrittenNumber, written_number

_BELOW = re.compile(r"<\s*(?P<limit>lo[qd])", re.IGNORECASE | re.ASCII)
_NOT_DETECTED = frozenset({"nd", "n.d.", "n.d", "not detected", "none detected", "n. d."})
_NOTHING = frozenset(
    {"nan", "inf", "infinity", "null", "n/a", "na", "n.a.", "tbd", "error", "#n/a", "#value!", "#ref!", "#div/0!"}
)
_BEFORE_NUMBER = re.compile(r"(?P<before>\D*?)\s*(?P<number>[+\-\u2212]?[.,]?\d.*)")
_ONE_SIGN = str.maketrans({"\u00b7": ".", "\u22c5": ".", "*": ".", "\u00b5": "\u03bc"})  # signs of a product, micro
_OF_A_NUMBER = "0123456789.,+-\u2212'eE"

THOUSANDS_SEPARATORS = "THOUSANDS_SEPARATORS"
LIMIT_UNKNOWN = "LIMIT_UNKNOWN"
NOT_DETECTED = "NOT_DETECTED"
BEYOND_DETECTION_LIMIT = "BEYOND_DETECTION_LIMIT"
TEXT_VALUE = "TEXT_VALUE"


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenValue:
    """A number; with a qualifier it is the limit, None where that is not known. ``words``: no number at all."""

    number: float | None
    qualifier: str | None = None
    flags: tuple[str, ...] = ()
    words: bool = False
    digits: str | None = None  # of the number as it was written, with a point


def written_value(
    text: str,
    *,
    decimal_comma: bool = False,
    lod: float | None = None,
    loq: float | None = None,
    unit: str | None = None,
) -> WrittenValue | None:
    """Return what a text says, or None where it looks like a number and is none, or may be read in two ways.

    ``lod`` and ``loq`` are the limits of detection and quantification in the message; a ``unit`` may follow the number.
    """
    hidden, text = hides_between_digits(text), normalised(text)
    if text.casefold() in _NOT_DETECTED:
        return WrittenValue(number=lod, qualifier="<", flags=(NOT_DETECTED, *_unknown(lod)))
    below = _BELOW.fullmatch(text)
    if below is not None:
        limit = loq if below["limit"].casefold() == "loq" else lod
        return WrittenValue(number=limit, qualifier="<", flags=_unknown(limit))
    parted = _BEFORE_NUMBER.fullmatch(text)
    if parted is not None and not hidden:
        before, rest = parted["before"], parted["number"]
        meaning, number = comparator(before), _number(rest, unit, decimal_comma=decimal_comma)
        if meaning is not None and number is not None:
            flags = (THOUSANDS_SEPARATORS,) if number.grouped else ()
            return WrittenValue(number=number.value, qualifier=meaning or None, flags=flags, digits=number.text)
        if meaning is not None or normalised(before).casefold() in NOT_UNDERSTOOD:
            return None
    if hidden or not text[:1].isalpha() or text.casefold() in _NOTHING:
        return None
    return WrittenValue(number=None, flags=(TEXT_VALUE,), words=True)


def says_the_same(value: WrittenValue, other: WrittenValue) -> bool:
    """Return whether two values are one, where each may be rounded to the digits of the other."""
    if value.words or other.words:
        return value.words == other.words
    if value.number is None or other.number is None or (value.qualifier or "") != (other.qualifier or ""):
        return value.number == other.number and (value.qualifier or "") == (other.qualifier or "")
    numbers = [Decimal(written.digits or repr(float(written.number or 0.0))) for written in (value, other)]
    digits = max(number.as_tuple().exponent for number in numbers if isinstance(number.as_tuple().exponent, int))
    return abs(numbers[0] - numbers[1]) <= Decimal(5).scaleb(int(digits) - 1)


def _number(text: str, unit: str | None, *, decimal_comma: bool) -> WrittenNumber | None:
    """Return a number that stands alone, or before the unit that the message names."""
    number = written_number(text, decimal_comma=decimal_comma)
    if number is not None or not unit or unit[0] in _OF_A_NUMBER:
        return number
    if not text.translate(_ONE_SIGN).endswith(unit.translate(_ONE_SIGN)):
        return None
    return written_number(text[: -len(unit)], decimal_comma=decimal_comma)


def _unknown(limit: float | None) -> tuple[str, ...]:
    return () if limit is not None else (LIMIT_UNKNOWN,)
