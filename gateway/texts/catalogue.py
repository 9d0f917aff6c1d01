"""Gives the text of a code in the plant's language, with the parameters of the case filled in.

``en.toml`` has a table for each group and a key for each code. A value is one of:

- a template with named parameters: ``"{tag} is {age_seconds:.1f} s old."``;
- ``{one = "...", other = "..."}``, chosen by the parameter ``count``;
- a table of variants, chosen by the parameter ``variant``: one reason that is said in several sentences;
- a list of wordings of one title, from the longest to the shortest.

Numbers are written as the language's ``[convention]`` says. A parameter that a template does not name is ignored. A
code without a text, or a text without one of its parameters, is a mistake of the program and raises ``KeyError``; the
tests go through all codes.
"""

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from gateway.texts.numbers import POINT, NumberStyle
from gateway.texts.units import shown_unit

ENGLISH = "en"
LONGEST_TITLE = 60  # characters that a terminal has room for

_Text = str | dict[str, str] | list[str]
_Texts = Mapping[tuple[str, str], _Text]
_language = ENGLISH
_texts: _Texts = {}  # of that language, once the first is asked for
_numbers = POINT
_units: Mapping[str, str] = {}  # as the plant writes them on its screens
_UNITS = frozenset({"unit", "unit_wanted", "of_series"})  # parameters that name a unit
_QUANTITIES = ("name", "analyte", "test")  # and those that name what is measured in it


class Convention(StrEnum):
    """The codes of the group ``convention``: how a language writes numbers."""

    DECIMAL_MARK = "DECIMAL_MARK"
    PERCENT_SIGN = "PERCENT_SIGN"


def speak(name: str, units: Mapping[str, str] | None = None) -> None:
    """Set the language of this process's texts, once and before the first of them, by the name of its file: ``en``.

    ``units``: how the plant's screens write units, by their codes; None: as before.
    """
    global _language, _texts, _numbers, _units  # noqa: PLW0603  # as gettext.install: a plant has one language
    _units = _units if units is None else dict(units)
    _texts = catalogue(name)
    _numbers = number_style(_texts)
    _language = name


def number_style(texts: _Texts) -> NumberStyle:
    """Return how a language writes numbers, by its texts."""
    mark, percent = (str(texts["convention", code]) for code in Convention)
    style = NumberStyle(decimal_mark=mark, percent_sign=percent)
    return POINT if style == POINT else style


def number_in_text(written: str) -> str:
    """Return a number that is written with a point, with or without its unit, as the plant's language writes it."""
    return written if _numbers is POINT else _numbers.written(written)


def language() -> str:
    """Return the language of this process's texts: ``en``."""
    return _language


@cache
def languages() -> frozenset[str]:
    """Return the languages that there are texts in, by the names of their files."""
    names = (file.name for file in files("gateway.texts").iterdir())
    return frozenset(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


@cache
def catalogue(name: str) -> _Texts:
    """Return all texts of a language by group and code; FileNotFoundError where there is no such language."""
    groups = tomllib.loads(files("gateway.texts").joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    return {(group, code): entry for group, codes in groups.items() for code, entry in codes.items()}


def _read() -> _Texts:
    speak(_language)
    return _texts


def text(group: str, code: str, /, **parameters: Any) -> str:
    """Return the sentence of a code; ``variant`` chooses between variants, ``count`` between singular and plural."""
    return _form(group, code, (_texts or _read())[group, code], parameters).format_map(_shown(parameters))


class _Left:
    """Stands for a parameter whose value is left open."""

    def __format__(self, _how: str) -> str:
        return "…"


class _LeftOpen(dict[str, Any]):
    def __missing__(self, _name: str) -> _Left:
        return _Left()


def text_of_many(group: str, code: str) -> str:
    """Return the sentence of a code for many cases at once: without the values that differ between them."""
    entry = (_texts or _read())[group, code]
    form = next(iter(reversed(entry.values()))) if isinstance(entry, dict) else entry
    return str(form).format_map(_LeftOpen())


def text_in(name: str, group: str, code: str, /, **parameters: Any) -> str:
    """Return the sentence of a code in a language, whatever the plant's is, with numbers as it writes them."""
    texts = catalogue(name)
    numbers = number_style(texts)
    units = {key: unit_in_text(value) for key, value in parameters.items() if key in _UNITS and isinstance(value, str)}
    shown = parameters | units
    return _form(group, code, texts[group, code], parameters).format_map(
        shown if numbers is POINT else numbers.shown(shown)
    )


def number_in(name: str, written: str) -> str:
    """Return a number that is written with a point as a language writes it, whatever the plant's is."""
    return number_style(catalogue(name)).written(written)


def english_text(group: str, code: str, /, **parameters: Any) -> str:
    """Return the sentence of a code in English, whatever the plant's language: as records keep it."""
    return _form(group, code, catalogue(ENGLISH)[group, code], parameters).format_map(parameters)


def _form(group: str, code: str, entry: _Text, parameters: dict[str, Any]) -> str:
    """Return the template of a code for these parameters."""
    if isinstance(entry, str):
        return entry
    if isinstance(entry, dict):
        return entry[parameters["variant"] if "variant" in parameters else _number(parameters["count"])]
    raise KeyError((group, code))


def unit_in_text(unit: str | None, *quantities: str) -> str:
    """Return a unit as people at the plant read it; empty where it only says the name of what is measured again."""
    return shown_unit(unit or "", *quantities, own=_units)


def _shown(parameters: dict[str, Any]) -> dict[str, Any]:
    named = [name for name in parameters if name in _UNITS and isinstance(parameters[name], str)]
    if named:
        quantities = [str(parameters[name]) for name in _QUANTITIES if name in parameters]
        parameters = parameters | {name: unit_in_text(parameters[name], *quantities) for name in named}
    return parameters if _numbers is POINT else _numbers.shown(parameters)


def _number(count: int) -> str:
    return "one" if count == 1 else "other"


def wordings(group: str, code: str, /, **parameters: Any) -> tuple[str, ...]:
    """Return all wordings of a title, from the longest to the shortest."""
    entry = (_texts or _read())[group, code]
    if not isinstance(entry, list):
        raise KeyError((group, code))
    shown = _shown(parameters)
    return tuple(wording.format_map(shown) for wording in entry)


def title(group: str, code: str, /, **parameters: Any) -> str:
    """Return the longest wording that a title has room for; where names leave room for none, the shortest."""
    return fitting(*wordings(group, code, **parameters))


def fitting(*titles: str) -> str:
    """Return the first of some titles that has room; where none has, the shortest."""
    return next((wording for wording in titles if len(wording) <= LONGEST_TITLE), min(titles, key=len))
