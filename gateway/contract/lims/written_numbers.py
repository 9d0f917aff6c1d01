"""Numbers as laboratories write them: one rule for values, limits, detection limits and columns. Never a guess. Pure.

A table in ``docs/payloads.md`` lists what is read and what is not; tests check the code against it.
"""

import math
import re
from dataclasses import dataclass

from gateway.contract.lims.names import hides_between_digits, normalised

_DIGITS = re.compile(r"(?P<sign>[+-]?)(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,6})?)", re.ASCII)
_POWER = re.compile(
    r"(?P<number>[^x\u00d7*\u00b7\u22c5]+?)\s*[x\u00d7*\u00b7\u22c5]\s*10\s*"
    r"(?:\^\s*(?P<power>[+-]?\d{1,6})|(?P<raised>[\u207a\u207b]?[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]{1,6}))",
    re.ASCII | re.IGNORECASE,
)
_RAISED = str.maketrans("\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207a\u207b", "0123456789+-")
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?P<mark>[ '.,])\d{3}(?:(?P=mark)\d{3})*(?P<fraction>[.,]\d+)?", re.ASCII)
_USUAL = str.maketrans({"\u2212": "-", "\u2019": "'"})  # a true minus, an apostrophe
_POINT, _COMMA = ".", ","


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenNumber:
    """A finite number, its digits with a point and nothing else, and whether thousands were separated in it."""

    value: float
    text: str
    grouped: bool = False


def written_number(text: str, *, decimal_comma: bool = False) -> WrittenNumber | None:
    """Return the number in a text; None where there is none, or two, or one that is not finite."""
    if hides_between_digits(text):
        return None
    text = normalised(text).translate(_USUAL)
    power = _POWER.fullmatch(text)
    if power is not None:
        mantissa = written_number(power["number"], decimal_comma=decimal_comma)
        if mantissa is None or "e" in mantissa.text.lower():
            return None
        exponent = int(power["power"] or power["raised"].translate(_RAISED))
        return _finite(f"{mantissa.text}e{exponent}", grouped=mantissa.grouped)
    if decimal_comma:
        plain = None if _POINT in text else _DIGITS.fullmatch(text.replace(_COMMA, _POINT))
    else:
        plain = _DIGITS.fullmatch(text)
    if plain is not None:
        return _finite(plain["sign"] + plain["number"], grouped=False)
    return _grouped(text, decimal=_COMMA if decimal_comma else _POINT)


def _finite(text: str, *, grouped: bool) -> WrittenNumber | None:
    value = float(text)
    return WrittenNumber(value=value, text=text, grouped=grouped) if math.isfinite(value) else None


def _grouped(text: str, *, decimal: str) -> WrittenNumber | None:
    """Return a number with thousands separators, where nothing else can be meant by it.

    ``1,234`` may be a thousand and more, or a bit more than one; ``0.100`` is never thousands.
    """
    grouped = _GROUPED.fullmatch(text)
    if grouped is None:
        return None
    mark, fraction = grouped["mark"], grouped["fraction"]
    if mark == decimal or (fraction is not None and fraction[0] != decimal):
        return None
    if mark in {_POINT, _COMMA} and fraction is None and text.count(mark) == 1:
        return None
    return _finite(text.replace(mark, "").replace(decimal, _POINT), grouped=True)
