"""The closed list of unit names: what each measures, and its exact size in metres, grams and seconds. Data only.

A name that is not here converts to nothing. Sizes are fractions of whole numbers, so that no conversion adds an error.
A quantity that has the same dimensions as another but is something else (a colony count, an enzyme activity, an energy
unlike a torque) has a dimension of its own: units convert within one kind only.

Sources: SI Brochure (9th edition), NIST SP 811 appendix B.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

Dimensions = tuple[tuple[str, int], ...]  # (base, power), in the order of the bases' names


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedUnit:
    """A unit: ``scale`` times its value, plus ``offset``, is the value in the base units of its ``dimensions``."""

    scale: Fraction
    dimensions: Dimensions
    offset: Fraction = Fraction(0)


def ratio_of(dimensions: Dimensions) -> Dimensions:
    """Return the kind of a quotient of two like quantities: a mass fraction is no volume fraction."""
    return ((f"ratio of {'.'.join(f'{base}{power}' for base, power in dimensions)}", 1),)


MASS: Dimensions = (("mass", 1),)
VOLUME: Dimensions = (("length", 3),)
AMOUNT: Dimensions = (("amount", 1),)
MASS_CONCENTRATION: Dimensions = (("length", -3), ("mass", 1))
RATIO: Dimensions = (("ratio", 1),)  # %, without a basis
PARTS: Dimensions = (("parts", 1),)  # ppm, without a basis; of solids and liquids by mass
MASS_RATIO, VOLUME_RATIO, AMOUNT_RATIO = ratio_of(MASS), ratio_of(VOLUME), ratio_of(AMOUNT)
HUMIDITY: Dimensions = (("relative humidity", 1),)

PREFIXES: Mapping[str, Fraction] = {
    "T": Fraction(10**12), "G": Fraction(10**9), "M": Fraction(10**6), "k": Fraction(1000), "h": Fraction(100),
    "da": Fraction(10), "d": Fraction(1, 10), "c": Fraction(1, 100), "m": Fraction(1, 1000),
    "u": Fraction(1, 10**6), "\u03bc": Fraction(1, 10**6), "n": Fraction(1, 10**9), "p": Fraction(1, 10**12),
    "f": Fraction(1, 10**15),
}  # fmt: skip
LONG_PREFIXES: Mapping[str, str] = {
    "giga": "G", "mega": "M", "kilo": "k", "hecto": "h", "deci": "d", "centi": "c", "milli": "m", "micro": "u",
    "nano": "n",
}  # fmt: skip

_PRESSURE: Dimensions = (("length", -1), ("mass", 1), ("time", -2))
_VISCOSITY: Dimensions = (("length", -1), ("mass", 1), ("time", -1))
_FORCE: Dimensions = (("length", 1), ("mass", 1), ("time", -2))
_PER_TIME: Dimensions = (("time", -1),)
_FLOW: Dimensions = (("length", 3), ("time", -1))
_ENERGY: Dimensions = (("energy", 1),)  # apart from torque, which has the same dimensions
_POWER: Dimensions = (("energy", 1), ("time", -1))
_KINEMATIC: Dimensions = (("length", 2), ("time", -1))
_MOLAR: Dimensions = (("amount", 1), ("length", -3))


def _own(kind: str) -> Dimensions:
    return ((kind, 1),)


# names, separated by spaces: (size, dimensions); these take the prefixes
PREFIXED: Mapping[str, tuple[str, Dimensions]] = {
    "m": ("1", _own("length")),
    "g": ("1", MASS),
    "s": ("1", _own("time")),
    "L l": ("1/1000", VOLUME),
    "mol": ("1", AMOUNT),
    "M": ("1000", _MOLAR),
    "A": ("1", _own("current")),
    "V": ("1", _own("voltage")),
    "W": ("1", _POWER),
    "J": ("1", _ENERGY),
    "Wh": ("3600", _ENERGY),
    "cal": ("4.184", _ENERGY),
    "N": ("1000", _FORCE),
    "Pa": ("1000", _PRESSURE),
    "bar": ("100000000", _PRESSURE),
    "Pas": ("1000", _VISCOSITY),  # written as one word
    "P": ("100", _VISCOSITY),
    "St": ("1/10000", _KINEMATIC),
    "Hz": ("1", _PER_TIME),
    "S": ("1", _own("conductance")),
    "Ohm ohm \u03a9": ("1", _own("resistance")),
    "Bq": ("1", _own("decays per time")),
    "Gy": ("1", _own("absorbed dose")),
    "Sv": ("1", _own("equivalent dose")),
    "Da": ("1", _own("molecular mass")),
    "tex": ("1/1000", (("length", -1), ("mass", 1))),
    "U": ("1", _own("enzyme activity")),
    "IU IE UI": ("1", _own("international unit")),
    "EU": ("1", _own("endotoxin unit")),
    "Eq eq val": ("1", _own("equivalent")),
    "Osm osm osmol Osmol": ("1", _own("osmole")),
    "barg": ("100000000", _own("gauge pressure")),
    "bara": ("100000000", _own("absolute pressure")),
}

PLAIN: Mapping[str, tuple[str, Dimensions]] = {
    "in inch inches": ("0.0254", _own("length")),
    "ft feet foot": ("0.3048", _own("length")),
    "yd": ("0.9144", _own("length")),
    "micron": ("1/1000000", _own("length")),
    "\u00c5 angstrom": ("1/10000000000", _own("length")),
    "t": ("1000000", MASS),
    "mcg": ("1/1000000", MASS),
    "lb lbs": ("453.59237", MASS),
    "oz": ("28.349523125", MASS),
    "sec": ("1", _own("time")),
    "min mins": ("60", _own("time")),
    "h hr hrs": ("3600", _own("time")),
    "d": ("86400", _own("time")),
    "wk week weeks": ("604800", _own("time")),
    "ha": ("10000", (("length", 2),)),
    "cc ccm": ("1/1000000", VOLUME),
    "gal": ("0.003785411784", VOLUME),  # of the United States, as all of these
    "qt": ("0.000946352946", VOLUME),
    "floz fl_oz": ("0.0000295735295625", VOLUME),
    "bbl": ("0.158987294928", VOLUME),
    "gpm": ("0.0000630901964", _FLOW),
    "cfm": ("0.0004719474432", _FLOW),
    "lbf": ("4448.2216152605", _FORCE),
    "kgf": ("9806.65", _FORCE),
    "dyn": ("1/100", _FORCE),
    "atm": ("101325000", _PRESSURE),
    "Torr torr": ("101325000/760", _PRESSURE),
    "mmHg": ("133322.387415", _PRESSURE),
    "inHg": ("3386389", _PRESSURE),
    "mmH2O": ("9806.65", _PRESSURE),
    "cmH2O": ("98066.5", _PRESSURE),
    "inH2O": ("249088.91", _PRESSURE),
    "psi": ("44482216152605/6451600", _PRESSURE),
    "psig": ("44482216152605/6451600", _own("gauge pressure")),
    "psia": ("44482216152605/6451600", _own("absolute pressure")),
    "BTU Btu": ("1055.05585262", _ENERGY),
    "rpm": ("1/60", _PER_TIME),
    "rev": ("1", ()),
    "lx": ("1", _own("illuminance")),
    "cd": ("1", _own("luminous intensity")),
    "CFU cfu Cfu KBE KbE kbe UFC ufc": ("1", _own("colonies")),
    "MPN mpn NPP": ("1", _own("most probable number")),
    "PFU pfu": ("1", _own("plaques")),
    "cells cell": ("1", _own("cells")),
    "particles counts count": ("1", _own("particles")),
    "NTU ntu": ("1", _own("NTU")),
    "FNU": ("1", _own("FNU")),
    "FTU": ("1", _own("FTU")),
    "FAU": ("1", _own("FAU")),
    "EBC": ("1", _own("EBC")),
    "Hazen APHA": ("1", _own("Hazen")),
    "Brix \u00b0Brix \u00b0Bx": ("1", _own("Brix")),
    "dH \u00b0dH": ("1", _own("German hardness")),
    "deg \u00b0": ("1", _own("angle")),
    "pH ph PH pH-Wert pH_unit pH_units": ("1", _own("pH")),
    "% pct percent": ("1/100", RATIO),
    "\u2030 permille": ("1/1000", RATIO),
    "1 one fraction": ("1", RATIO),
    "ppm": ("1/1000000", PARTS),
    "ppb": ("1/1000000000", PARTS),
    "K kelvin": ("1", _own("temperature")),
    "delta_degC": ("1", _own("temperature difference")),
    "delta_degF": ("5/9", _own("temperature difference")),
}

# spelled out, with prefixes and a plural
LONG: Mapping[str, str] = {
    "meter": "m", "metre": "m", "gram": "g", "gramme": "g", "second": "s", "liter": "L", "litre": "L", "mole": "mol",
    "pascal": "Pa", "newton": "N", "joule": "J", "watt": "W", "volt": "V", "ampere": "A", "hertz": "Hz", "poise": "P",
    "stokes": "St", "minute": "min", "hour": "h", "day": "d", "tonne": "t", "pound": "lb", "ounce": "oz",
    "gallon": "gal",
}  # fmt: skip

# gloss and toxic units, and mL, mm and g in capital letters: no giga, mega and tera anything
_OF_OTHERS = frozenset({"GU", "TU", "ML", "Ml", "MM", "GM", "TM"})

_TEMPERATURE = _own("temperature")
SHIFTED: Mapping[str, NamedUnit] = {
    **dict.fromkeys(
        ("degC", "\u00b0C", "deg_C", "celsius", "Celsius", "degree_Celsius", "GradC"),
        NamedUnit(scale=Fraction(1), dimensions=_TEMPERATURE, offset=Fraction("273.15")),
    ),
    **dict.fromkeys(
        ("degF", "\u00b0F", "deg_F", "fahrenheit", "Fahrenheit", "degree_Fahrenheit"),
        NamedUnit(scale=Fraction(5, 9), dimensions=_TEMPERATURE, offset=Fraction("273.15") - 32 * Fraction(5, 9)),
    ),
}

# kinds of which a value may be below 0; every other quantity stops there
SIGNED = frozenset(
    {_TEMPERATURE, _own("temperature difference"), _own("voltage"), _own("current"), _own("angle"),
     _own("gauge pressure")}
)  # fmt: skip

# how the basis of a fraction is written, without spaces and in small letters -> (kind, size of the whole)
_BASES: tuple[tuple[str, Dimensions, int], ...] = (
    ("w/w m/m wt/wt wt./wt. mass/mass weight/weight w wt wt. weight byweight mass bymass m", MASS_RATIO, 1),
    ("gew gew. gewichts ma ma. masse massen", MASS_RATIO, 1),
    ("v/v vol/vol vol./vol. volume/volume v vol vol. volume byvolume volumen abv", VOLUME_RATIO, 1),
    ("mol/mol n/n mol mol. mole amount stoffmengen", AMOUNT_RATIO, 1),
    ("w/v m/v wt/v wt/vol wt./vol. mass/volume weight/volume", MASS_CONCENTRATION, 10**6),  # of 1 g/mL
    ("rh r.h. rel.h.", HUMIDITY, 1),
)  # fmt: skip
BASES: Mapping[str, tuple[Dimensions, Fraction]] = {
    word: (kind, Fraction(whole)) for words, kind, whole in _BASES for word in words.split()
}
PART_SIZES: Mapping[str, Fraction] = {
    "%": Fraction(1, 100), "pct": Fraction(1, 100), "percent": Fraction(1, 100), "\u2030": Fraction(1, 1000),
    "ppm": Fraction(1, 10**6), "ppb": Fraction(1, 10**9),
}  # fmt: skip


def names() -> dict[str, NamedUnit]:
    """Return every unit by every name of it."""
    known = {name: _unit(*entry) for text, entry in (*PREFIXED.items(), *PLAIN.items()) for name in text.split()}
    known |= SHIFTED
    for text in PREFIXED:
        for name in text.split():
            for prefix, factor in PREFIXES.items():
                if prefix + name not in _OF_OTHERS:
                    known.setdefault(prefix + name, _times(factor, known[name]))
    for long, short in LONG.items():
        for prefix, letter in {"": "", **LONG_PREFIXES}.items():
            if not prefix or letter + short in known:
                known |= dict.fromkeys((prefix + long, prefix + long + "s"), known[letter + short])
    return known


def _unit(size: str, dimensions: Dimensions) -> NamedUnit:
    top, _, bottom = size.partition("/")
    return NamedUnit(scale=Fraction(top) / Fraction(bottom or 1), dimensions=dimensions)


def _times(factor: Fraction, unit: NamedUnit) -> NamedUnit:
    return NamedUnit(scale=factor * unit.scale, dimensions=unit.dimensions)
