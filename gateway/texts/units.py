"""How people read a unit: ``degC`` is °C on the plant's screens, and mPa.s is mPa·s. Pure.

Fields for machines never pass here: a payload's units and parameters keep their codes.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "degC": "°C", "Cel": "°C", "degF": "°F", "[degF]": "°F", "deg": "°", "percent": "%", "pct": "%", "Ohm": "Ω",
        "ohm": "Ω", "um": "µm", "ug": "µg", "uL": "µL", "ul": "µL", "umol": "µmol", "uS": "µS", "us": "µs",
        "uA": "µA", "uV": "µV", "umol/L": "µmol/L",
    }
)  # fmt: skip
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_WORD = re.compile(r"\[degF\]|[A-Za-z]+")
_PRODUCT = re.compile(r"(?<=[A-Za-z0-9°µΩ])\.(?=[A-Za-z°µΩ])")  # mPa.s, not 1.5
_POWER = re.compile(r"(?<=[A-Za-zµ])\^?(-?[1-9])(?![\d.A-Za-z])|(?<=\d)\^(-?\d+)")  # m2, m^-1, s-1, 10^9
_LONGEST_WORD = 40


def shown_unit(unit: str, *quantities: str, own: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return a unit as screens write it; empty where it only says the name of a quantity again (a pH of 7.2).

    Spaces around it stay, so that a unit may be handed over with the one that stands before it. ``own``: how the plant
    writes some.
    """
    code = unit.strip()
    if not code or len(code) > _LONGEST_WORD:
        return unit
    if code.casefold() in {quantity.casefold() for quantity in quantities}:
        return ""
    return unit.replace(code, own.get(code) or _written(code))


def _written(code: str) -> str:
    named = _WORD.sub(lambda word: _NAMES.get(word[0], word[0]), code)
    dotted = _PRODUCT.sub("·", named)
    return _POWER.sub(lambda power: (power[1] or power[2]).translate(_SUPERSCRIPTS), dotted)
