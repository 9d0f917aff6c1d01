"""Units as laboratories write them, what converts between them, and what does not."""

import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.lab import unit_grammar
from gateway.lab.specifications import judge
from gateway.lab.unit_names import PREFIXES, names
from gateway.lab.units import converted, is_known
from gateway.records.laboratory import Specification
from tests.fixtures.building import result

_SAME = [  # each line: spellings of one unit
    ("g/cm3", "g/cm³", "g/cm^3", "g/cm**3", "g/mL", "g/ml", "g cm-3", "g·cm⁻³", "kg/L", "g/cc"),
    ("mPa.s", "mPas", "mPa*s", "mPa·s", "mPa⋅s", "mPa s", "mPa-s", "cP", "centipoise"),
    ("mm2/s", "mm²/s", "mm^2/s", "cSt"),
    ("1/min", "/min", "min-1", "min^-1", "min⁻¹", "rpm", "rev/min", "1 per min"),
    ("CFU/mL", "cfu/ml", "KBE/ml", "UFC/mL"),
    ("CFU/100 mL", "CFU/100mL", "KBE/100 ml"),
    ("µmol/L", "μmol/L", "umol/L", "µM"),
    (
        "% w/w",
        "%w/w",
        "%(m/m)",
        "% (w/w)",
        "wt%",
        "wt.-%",
        "Gew.-%",
        "mass%",
        "% by weight",
        "Massen-%",
        "% (weight/weight)",
        "g/100 g",
        "g/100g",
    ),
    ("% v/v", "v/v %", "(v/v)%", "%(v/v)", "vol%", "Vol.-%", "% vol", "%ABV", "mL/100mL"),
    ("% w/v", "g/100mL", "g/dL"),
    ("mg/kg", "ppm", "µg/g", "g/t"),
    ("°C", "degC", "deg C", "℃", "celsius"),
    ("°F", "degF", "deg F"),
    ("g/10min", "g/10 min", "dg/min"),
    ("mL/min/1.73m2", "mL/min/1.73 m²"),
    ("10^9/L", "10⁹/L", "10*9/L", "x10^9/L"),
    ("mmHg", "mm Hg"),
    ("W/(m.K)", "W/m/K", "W/(m-K)"),
    ("J/(kg.K)", "J/kg/K", "J/(kg K)"),
    ("IU/mL", "IE/ml"),
    ("mg KOH/g", "mgKOH/g", "mg  KOH / g"),
    ("g I2/100 g", "gI2/100g"),
]


@pytest.mark.parametrize("spellings", _SAME, ids=lambda spellings: spellings[0])
def test_laboratory_25_spellings_of_one_unit_are_one_unit(spellings):
    assert [converted(7.3, each, spellings[0]) for each in spellings] == [7.3] * len(spellings)
    assert [converted(7.3, spellings[0], each) for each in spellings] == [7.3] * len(spellings)


@pytest.mark.parametrize(
    ("value", "from_unit", "to_unit", "expected"),
    [
        (1.05, "g/cm3", "kg/m3", 1050.0),
        (1.0, "g/L", "mg/L", 1000.0),
        (1e-6, "m2/s", "mm2/s", 1.0),
        (12.0, "CFU/100 mL", "CFU/mL", 0.12),
        (3.0, "mg/dL", "g/L", 0.03),
        (14.7, "psi", "kPa", 101.35293220957492),
        (1.0, "lb/gal", "g/mL", 0.11982642731689663),
        (212.0, "degF", "degC", 100.0),
        (37.0, "degC", "degF", 98.6),
        (0.3, "mmol/mol", "mol%", 0.03),
        (1.0, "kWh", "MJ", 3.6),
        (0.012, "1", "%", 1.2),
        (1500.0, "ppm", "% w/w", 0.15),
        (1.0, "% w/v", "mg/mL", 10.0),
        (60.0, "1/min", "Hz", 1.0),
        (2.0, "bar", "mmHg", 1500.1231516913126),
    ],
)
def test_laboratory_25_units_of_one_kind_convert(value, from_unit, to_unit, expected):
    assert converted(value, from_unit, to_unit) == expected


@pytest.mark.parametrize(
    ("from_unit", "to_unit"),
    [
        ("% w/w", "% v/v"), ("% v/v", "% w/w"), ("wt%", "vol%"), ("mol%", "wt%"), ("g/kg", "mL/L"), ("ppmv", "ppmw"),
        ("ppm v/v", "mg/kg"), ("% w/w", "%"), ("%", "% v/v"), ("%", "mg/kg"), ("mmol/mol", "%"), ("%", "mmol/mol"),
        ("mm/m", "%"), ("%RH", "%"), ("% w/v", "% w/w"), ("mg/L", "ppm"), ("mg/L", "mmol/L"), ("meq/L", "mmol/L"),
        ("CFU/mL", "CFU/g"), ("CFU/mL", "1/mL"), ("CFU/mL", "MPN/mL"), ("U/L", "IU/L"), ("NTU", "FNU"),
        ("N.m", "J"), ("Bq", "1/s"), ("Gy", "Sv"), ("barg", "bar"), ("psig", "psi"), ("mPa.s", "cSt"), ("pH", "mg/L"),
        ("J/kg.K", "J/(kg.K)"), ("ML", "mL"), ("mg/L", "foo"), ("foo", "bar"), ("mg/kg/d", "1/d"),
    ],
)  # fmt: skip
def test_laboratory_06_07_units_of_other_kinds_do_not_convert(from_unit, to_unit):
    assert converted(1.0, from_unit, to_unit) is None


@pytest.mark.parametrize(
    ("found", "wanted", "value", "upper"), [("% w/w", "% v/v", 85.0, 85.0), ("mmol/mol", "%", 60.0, 6.5)]
)
def test_laboratory_06_07_a_fraction_of_another_kind_is_for_review(found, wanted, value, upper):
    specification = Specification(analyte="x", lower=None, upper=upper, unit=wanted)
    recommendation, reason = judge(result(value=value, unit=found), specification)
    assert (recommendation.value, reason.code) == ("review", "UNIT_MISMATCH")


_HOSTILE = [
    "9⁹⁹⁹⁹⁹⁹⁹⁹⁹", "m**(9)**(9)**(9)", "9**9**9", "m**9**9", "m^99", "m⁹⁹", "m^^9", "m^-", "m^0", "mg/99999999999",
    "g/0min", "g/10", "g/1e9min", "g/10min/10min", "10^99/L", "10^9^9/L", "(" * 40, "m" * 5000, "((m))", "m()", "/",
    "1/", "m//s", "import os", "__import__('os')", "mg;", "m\x00", "\ufdfa" * 40, "m." * 20, "1/0", "NaN", "inf", "9",
]  # fmt: skip


@pytest.mark.parametrize("text", _HOSTILE, ids=ascii)
def test_attacks_01_a_text_that_is_no_unit_is_refused_before_anything_is_computed(text, monkeypatch):
    def computes(_factors):
        raise AssertionError("nothing of such a text may be multiplied")

    monkeypatch.setattr(unit_grammar, "_composed", computes)
    unit_grammar._read_short.cache_clear()
    assert converted(1.0, text, "mg") is None
    assert converted(1.0, "mg", text) is None


@given(st.text(max_size=60))
def test_attacks_01_any_text_is_a_unit_or_none(text):
    assert is_known(text) in {True, False}
    assert unit_grammar._read_short.cache_info().currsize <= unit_grammar._read_short.cache_info().maxsize


@given(st.lists(st.sampled_from([*"m^*/(). 0123456789-⁹⁻µ%", "10^", "mg", "Pa", "min", "CFU"]), max_size=25))
def test_attacks_01_what_looks_like_a_unit_stays_small(parts):
    known = unit_grammar.read_unit("".join(parts))
    if known is not None:
        assert all(abs(power) <= 9 * 9 * 8 for _base, power in known.dimensions)
        assert len(str(known.scale)) < 2500


def test_attacks_01_every_name_has_one_meaning_and_units_known_are_bounded():
    known = names()
    taken = [name for name in known if len(name) > 1 and name[0] in PREFIXES and name[1:] in known]
    assert len(known) < 2000
    assert {"cd", "min", "ha", "dH", "ft", "Pa"} <= known.keys()
    assert known["min"].scale == 60
    assert len(taken) > 100
    for number in range(2000):
        converted(1.0, f"unit{number}x", "mg")
    assert unit_grammar._read_short.cache_info().currsize <= 512


_DECIMALS = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places), st.integers(1, 999_999), st.integers(0, 6)
)


@given(
    _DECIMALS,
    st.sampled_from([("g/L", "mg/L"), ("Pa.s", "mPas"), ("%", "ppm"), ("m", "km"), ("L", "gal"), ("g/cm3", "kg/m3")]),
)
def test_laboratory_23_a_value_that_touches_a_limit_touches_it_in_another_unit(limit, pair):
    """1 g/L is 1000 mg/L: to the digit, both ways."""
    small, large = pair
    there = converted(float(limit), small, large)
    assert there is not None
    specification = Specification(analyte="x", lower=there, upper=there, unit=large)
    assert judge(result(value=float(limit), unit=small), specification)[0].value == "release"


@given(_DECIMALS)
def test_laboratory_23_a_conversion_is_the_nearest_float_to_the_exact_value(value):
    assert converted(float(value), "mg/L", "g/m3") == float(value)
    assert converted(float(value), "inch", "mm") == float(Fraction(value) * Fraction("25.4"))


def test_laboratory_25_the_units_of_the_documents_are_known():
    text = (Path(__file__).parents[2] / "docs" / "laboratory.md").read_text(encoding="utf-8")
    section = text.split("## Units")[1].split("\n## ")[0]
    table = [line.split("|")[2] for line in section.splitlines() if line.startswith("|") and "`" in line]
    named = [unit for cell in table for unit in re.findall("`([^`]+)`", cell)]
    assert len(named) > 30
    assert [unit for unit in named if not is_known(unit)] == []


@pytest.mark.parametrize(("first", "second"), [("", "mg/L"), (None, "pH"), ("-", "mPa.s"), ("pH", "1"), ("1", "mPa.s")])
def test_what_is_no_unit_leaves_a_value_as_it_is(first, second):
    assert converted(7.0, first, second) == 7.0
