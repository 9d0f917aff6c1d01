"""How a language writes numbers in sentences: its decimal mark, and what stands after a percentage. Pure.

Fields for machines never pass here: a payload's numbers and parameters are the same in every language.
"""

import re
from dataclasses import dataclass
from typing import Any

_NUMBERS = (int, float)
_POINT = re.compile(r"(?<=\d)\.(?=\d)")  # between digits: the point of mPa.s is none


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberStyle:
    """A language's decimal mark, and its percent sign with the space before it, if any."""

    decimal_mark: str
    percent_sign: str

    def written(self, text: str) -> str:
        """Return a number that was written with a point, as the language writes it."""
        return _POINT.sub(self.decimal_mark, text)

    def shown(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return a text's parameters, its numbers so that they are formatted as the language writes them."""
        return {
            name: _Number(value, self) if isinstance(value, _NUMBERS) and not isinstance(value, bool) else value
            for name, value in parameters.items()
        }


POINT = NumberStyle(decimal_mark=".", percent_sign="%")  # as Python writes them


class _Number:
    """A number within a template."""

    __slots__ = ("_style", "_value")

    def __init__(self, value: float, style: NumberStyle) -> None:
        self._value = value
        self._style = style

    def __format__(self, form: str) -> str:
        written = format(self._value, form).replace(".", self._style.decimal_mark)
        return f"{written[:-1]}{self._style.percent_sign}" if form.endswith("%") else written
