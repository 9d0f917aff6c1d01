"""What a laboratory wrote as a value: a number, a limit, or that nothing was found. Never a guess. Pure.

| written | read as |
|---|---|
| ``9.8``, ``1e-3``; ``9,8`` where a decimal comma was agreed | that number |
| ``1 234.5``, ``1'234.5``, ``1,234.5``; ``1.234,5`` with a decimal comma | that number, flagged THOUSANDS_SEPARATORS |
| ``1,234`` (``1.234`` with a decimal comma: nobody can say which it is) | refused |
| ``<0.05``, ``>200`` | a limit, never the number |
| ``<LOQ``, ``<LOD`` | below the limit in the message; without one undecided, flagged LIMIT_UNKNOWN |
| ``n.d.``, ``not detected`` | below the limit of detection, flagged NOT_DETECTED; without one undecided |
"""

import re
from dataclasses import dataclass

_PLAIN = re.compile(r"(?P<qualifier>[<>])?\s*(?P<number>[+-]?\d+(\.\d*)?([eE][+-]?\d+)?)", re.ASCII)
_GROUPED = re.compile(
    r"(?P<qualifier>[<>])?\s*(?P<number>[+-]?\d{1,3}(?P<mark>[ '\u00a0\u202f,.])\d{3}((?P=mark)\d{3})*([.,]\d+)?)",
    re.ASCII,
)
_BELOW = re.compile(r"<\s*(?P<limit>lo[qd])", re.IGNORECASE | re.ASCII)
_NOT_DETECTED = frozenset({"nd", "n.d.", "n.d", "not detected", "none detected", "n. d."})
_POINT, _COMMA = ".", ","

THOUSANDS_SEPARATORS = "THOUSANDS_SEPARATORS"
LIMIT_UNKNOWN = "LIMIT_UNKNOWN"
NOT_DETECTED = "NOT_DETECTED"


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenValue:
    """A number; with a qualifier it is the limit, and None where the limit is not known."""

    number: float | None
    qualifier: str | None = None
    flags: tuple[str, ...] = ()


def written_value(
    text: str, *, decimal_comma: bool = False, lod: float | None = None, loq: float | None = None
) -> WrittenValue | None:
    """Return what a text says, or None where it is neither a number nor a limit, or may be read in two ways."""
    text = text.strip()
    if text.lower() in _NOT_DETECTED:
        return WrittenValue(number=lod, qualifier="<", flags=(NOT_DETECTED, *_unknown(lod)))
    below = _BELOW.fullmatch(text)
    if below is not None:
        limit = loq if below["limit"].lower() == "loq" else lod
        return WrittenValue(number=limit, qualifier="<", flags=_unknown(limit))
    if decimal_comma and _POINT not in text:
        plain = _PLAIN.fullmatch(text.replace(_COMMA, _POINT))
    else:
        plain = None if decimal_comma and _POINT in text else _PLAIN.fullmatch(text)
    if plain is not None:
        return WrittenValue(number=float(plain["number"]), qualifier=plain["qualifier"])
    return _grouped(text, decimal=_COMMA if decimal_comma else _POINT)


def _unknown(limit: float | None) -> tuple[str, ...]:
    return () if limit is not None else (LIMIT_UNKNOWN,)


def _grouped(text: str, *, decimal: str) -> WrittenValue | None:
    """Return a number with thousands separators, where nothing else can be meant by it."""
    found = _GROUPED.fullmatch(text)
    if found is None:
        return None
    number, mark = found["number"], found["mark"]
    whole = number.replace(mark, "") if mark != decimal else None
    fraction = [each for each in (_POINT, _COMMA) if each != mark and each in number]
    if whole is None or any(each != decimal for each in fraction):
        return None
    if mark in {_POINT, _COMMA} and not fraction:
        return None  # 1,234: a thousand and more, or a bit more than one
    value = float(whole.replace(decimal, _POINT))
    return WrittenValue(number=value, qualifier=found["qualifier"], flags=(THOUSANDS_SEPARATORS,))
