"""What stands in a cell: a number, no value, a reading that its source itself calls bad, or an error. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

EMPTY = frozenset({"", "-", "--", "---", ".", "?", "nan", "na", "n/a", "#n/a", "null", "none", "nil", "(null)", "<na>"})
BAD = frozenset(
    {
        "bad", "bad quality", "bad value", "bad input", "error", "err", "invalid", "#value!", "#ref!", "#div/0!",
        "#num!", "#null!", "#name?", "i/o timeout", "no data", "no value", "no result", "no good data", "scan off",
        "pt created", "comm fail", "calc failed", "configure", "shutdown", "not connected", "out of service",
        "under range", "over range", "inf", "-inf", "+inf", "infinity", "-infinity",
    }
)  # fmt: skip
_BEYOND = re.compile(r"[<>\u2264\u2265]=?\s*[+-]?\d[\d., ]*")  # below or above what the method can tell: no number
_TRUTH = {"true": 1.0, "false": 0.0}
_CODED = "[-"  # a historian's digital state, such as "[-11059] No Good Data For Calculation"
_SPACES = {" ": "[ \u00a0\u202f]"}  # blanks that do not break a line stand for a blank


@dataclass(frozen=True, kw_only=True, slots=True)
class CellStyle:
    """How numbers are written in a file, and which further texts say that there is no value."""

    decimal: str = "."
    thousands: str | None = None
    no_value: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberColumn:
    """A column of numbers: ``values`` with NaN where there is none, ``bad`` where its source says why, ``texts``."""

    values: NDArray[np.float64]
    bad: NDArray[np.bool_]
    texts: Counter[str]


def number_column(cells: Sequence[str], style: CellStyle) -> tuple[NumberColumn, list[int]]:
    """Return a column of numbers, and at which places something else stands."""
    values, bad, texts, wrong = np.full(len(cells), np.nan), np.zeros(len(cells), np.bool_), Counter[str](), list[int]()
    grouped, plain = _grouped(style), style.decimal == "." and not style.no_value
    for at, cell in enumerate(cells):
        if plain and "_" not in cell:
            try:
                value = float(cell)
            except ValueError:
                pass
            else:
                if value - value == 0:
                    values[at] = value
                    continue
        text = cell.strip()
        meaning = text.lower()
        if meaning in EMPTY or text in style.no_value or _BEYOND.fullmatch(text):
            texts[text] += 1
        elif meaning in BAD or meaning.startswith(_CODED):
            texts[text] += 1
            bad[at] = True
        elif meaning in _TRUTH:
            values[at] = _TRUTH[meaning]
        elif (number := _number(text, style, grouped)) is not None:
            values[at] = number
        else:
            wrong.append(at)
    return NumberColumn(values=values, bad=bad, texts=texts), wrong


def _grouped(style: CellStyle) -> re.Pattern[str] | None:
    if style.thousands is None:
        return None
    mark = _SPACES.get(style.thousands, re.escape(style.thousands))
    return re.compile(rf"[+-]?\d{{1,3}}(?:{mark}\d{{3}})+(?:{re.escape(style.decimal)}\d*)?")


def _number(text: str, style: CellStyle, grouped: re.Pattern[str] | None) -> float | None:
    """Return the finite number that a text is in the file's style, or None."""
    if grouped is not None and style.thousands is not None and grouped.fullmatch(text):
        text = re.sub(_SPACES.get(style.thousands, re.escape(style.thousands)), "", text)
    if "_" in text or (style.decimal != "." and "." in text):
        return None
    try:
        number = float(text.replace(style.decimal, ".", 1))
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def style_hint(texts: Iterable[str]) -> str | None:
    """Return which key would let these cells, nearly all of them, be read as numbers, or None."""
    cells = [*texts]
    few = len(cells) // 10
    for style, hint in (
        (CellStyle(decimal=","), 'set decimal = ","'),
        (CellStyle(decimal=",", thousands="."), 'set decimal = "," and thousands = "."'),
        (CellStyle(thousands=","), 'set thousands = ","'),
        (CellStyle(thousands=" "), 'set thousands = " "'),
        (CellStyle(), 'set decimal = "."'),
    ):
        if len(number_column(cells, style)[1]) <= few:
            return hint
    return None
