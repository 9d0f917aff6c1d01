"""Numbers in sentences: whole ones as such, others as short as they can be without saying something else. Pure."""

import math
import sys
from fractions import Fraction

_LARGEST_WHOLE = 1e15  # from there on a float has no decimals
_LONGEST = 12  # characters of a number as it was written; a computed one may have seventeen digits
_MOST_DIGITS = 17


def exact(number: float) -> Fraction:
    """Return the decimal number that a float is written as: 4.83, not its neighbour in binary.

    Raises ValueError where it is not finite.
    """
    return Fraction(repr(float(number)))


def nearest(number: Fraction) -> float:
    """Return the float nearest to an exact number; one that is too large for a float becomes the largest one."""
    try:
        return float(number)
    except OverflowError:
        return sys.float_info.max if number > 0 else -sys.float_info.max


def is_finite_percent(target: float, percent: float) -> bool:
    """Return whether so many percent of a target are a number that a float can hold."""
    return abs(exact(target) * exact(percent) / 100) <= exact(sys.float_info.max)


def plain(number: float) -> float:
    """Return a whole number as an int, so that JSON and sentences have 0 and not 0.0."""
    is_whole = math.isfinite(number) and float(number).is_integer() and abs(number) < _LARGEST_WHOLE
    return int(number) if is_whole else number


def number_text(number: float, *marks: float | None) -> str:
    """Return a number as people write it; a long one is shortened as long as it stays on its side of every mark."""
    if not math.isfinite(number):
        return str(number)
    if isinstance(plain(number), int):
        return str(plain(number))
    written = repr(float(number))
    return written if len(written) <= _LONGEST else distinct_text(exact(number), *marks, digits=10)


def distinct_text(number: Fraction, *marks: float | None, digits: int) -> str:
    """Return a number in so many significant digits, or as many more as keep it on its side of every mark."""
    known = [exact(mark) for mark in marks if mark is not None]
    for count in range(digits, _MOST_DIGITS + 1):
        text = _in_digits(nearest(number), count)
        if all((Fraction(text) > mark, Fraction(text) < mark) == (number > mark, number < mark) for mark in known):
            return text
    return repr(nearest(number))


def _in_digits(number: float, count: int) -> str:
    rounded = float(f"{number:.{count}g}")
    return str(plain(rounded)) if isinstance(plain(rounded), int) else f"{number:.{count}g}"
