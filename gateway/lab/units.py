"""Units of results and specifications: converted where that is certain, else refused. Pure.

A unit is read by a closed grammar: names of a fixed list, products, quotients, exponents from -9 to 9, and one counted
form (``g/10min``, ``CFU/100 mL``). Nothing is evaluated, so a text from outside costs microseconds whatever is in it.
Units convert within one kind only: a mass fraction is no volume fraction, although both are a number of a hundred.
Factors are exact fractions, so that a value which touches a limit still touches it in another unit.

    unit     = [ power-of-ten ] [ "1" ] { separator term }     10^9/L, 1/min, m2/s
    term     = [ count ] name [ exponent ] | "(" term { product term } ")"
    exponent = [ "^" | "**" ] [ "-" ] digit
"""

from fractions import Fraction

from gateway.lab.unit_grammar import LONGEST, ONE, read_unit, spelled
from gateway.lab.unit_names import (
    AMOUNT_RATIO,
    HUMIDITY,
    MASS_RATIO,
    PARTS,
    RATIO,
    SIGNED,
    VOLUME_RATIO,
    Dimensions,
    NamedUnit,
)

_ABSENT = frozenset({"", "-", "--", "none", "n/a", "na", "unitless", "dimensionless", "s.u."})
_PH: Dimensions = (("pH", 1),)
_BARE_SCALES = frozenset({RATIO, PARTS, MASS_RATIO, VOLUME_RATIO, AMOUNT_RATIO, HUMIDITY})


def converted(value: float, from_unit: str | None, to_unit: str | None) -> float | None:
    """Return a value in another unit, or None where that is not certain.

    Equal units, and a unit that is not stated on one side, leave the value as it is. Unknown units and units of another
    kind are refused. The result is the float nearest to the exact value.
    """
    scales = _scales(from_unit, to_unit)
    return value if scales is _SAME else None if scales is None else _computed(value, *scales)


def converted_exactly(value: Fraction, from_unit: str | None, to_unit: str | None) -> Fraction | None:
    """Return a decimal number in another unit without any rounding, or None where that is not certain."""
    scales = _scales(from_unit, to_unit)
    return value if scales is _SAME else None if scales is None else _exactly(value, *scales)


_SAME: tuple[NamedUnit, ...] = ()  # a value stays as it is


def _scales(from_unit: str | None, to_unit: str | None) -> tuple[NamedUnit, ...] | None:
    """Return both units where a value has to be computed, nothing where it stays as it is; None: it is not certain."""
    if from_unit == to_unit or is_absent(from_unit) or is_absent(to_unit):
        return _SAME
    if _is_one_of_no_unit(from_unit, to_unit):
        return _SAME
    first, second = read_unit(from_unit or ""), read_unit(to_unit or "")
    if first is None and second is None:  # nobody's unit, but perhaps one and the same: mg KOH/g
        return _SAME if _without_spaces(from_unit) == _without_spaces(to_unit) else None
    if first is None or second is None or not _alike(first.dimensions, second.dimensions):
        return None
    return _SAME if (first.scale, first.offset) == (second.scale, second.offset) else (first, second)


def _without_spaces(unit: str | None) -> str:
    text = unit or ""
    return text if len(text) > LONGEST else spelled(text).replace(" ", "")


def _computed(value: float, first: NamedUnit, second: NamedUnit) -> float | None:
    try:
        return float(_exactly(Fraction(repr(float(value))), first, second))
    except (OverflowError, ValueError):  # too large, or no number
        return None


def _exactly(value: Fraction, first: NamedUnit, second: NamedUnit) -> Fraction:
    return (value * first.scale + first.offset - second.offset) / second.scale


def is_absent(unit: str | None) -> bool:
    """Return whether a text in the place of a unit says that there is none, as ``-`` does."""
    return unit is None or unit.strip().lower() in _ABSENT


def is_known(unit: str | None) -> bool:
    """Return whether a unit is one of the closed list, so that values in it can be converted."""
    return is_absent(unit) or read_unit(unit or "") is not None


def is_missing(unit: str | None, limits_unit: str | None) -> bool:
    """Return whether a value without a unit is held against limits in one: pH and 1 are no units in this sense."""
    if not (is_absent(unit) or unit == ONE) or is_absent(limits_unit) or limits_unit == ONE:
        return False
    known = read_unit(limits_unit or "")
    return known is None or known.dimensions != _PH


def has_bare_scale(unit: str | None) -> bool:
    """Return whether a bare number could be meant on another scale: 0.012 may be 1.2 %."""
    known = None if is_absent(unit) else read_unit(unit or "")
    return known is not None and known.dimensions in _BARE_SCALES


def may_be_negative(unit: str | None) -> bool:
    """Return whether values in a unit may lie below 0, as temperatures in degC, voltages and angles do."""
    known = None if is_absent(unit) else read_unit(unit or "")
    return known is not None and known.dimensions in SIGNED


def _is_one_of_no_unit(from_unit: str | None, to_unit: str | None) -> bool:
    """Return whether a unit 1 stands where there is none: with anything but a fraction, or for a pH."""
    if from_unit == ONE:
        return not has_bare_scale(to_unit)
    known = read_unit(from_unit or "") if to_unit == ONE else None
    return known is not None and known.dimensions == _PH


def _alike(first: Dimensions, second: Dimensions) -> bool:
    """Return whether two kinds of quantity are one; ppm without a basis counts as by mass."""
    return first == second or {first, second} in ({PARTS, RATIO}, {PARTS, MASS_RATIO})
