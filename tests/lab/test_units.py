"""Units: what converts, what does not, and that a conversion puts no value on the wrong side of a limit."""

import pytest

from gateway.lab.units import converted


@pytest.mark.parametrize(
    ("value", "from_unit", "to_unit", "expected"),
    [
        (0.1, "Pa.s", "mPa.s", 100.0),
        (5.0, "mg/L", "g/m**3", 5.0),
        (1.2, "g/10min", "g/min", 0.12),
        (25.0, "degC", "degF", 77.0),
        (0.5, "%", "ppm", 5000.0),
        (3.0, "cSt", "mm**2/s", 3.0),
        (7.0, "µmol/L", "umol/L", 7.0),
        (7.0, None, "mg/L", 7.0),
        (7.0, "pH", "pH", 7.0),
        (7.0, "NTU", "NTU", 7.0),
    ],
)
def test_what_is_certain_is_converted(value, from_unit, to_unit, expected):
    assert converted(value, from_unit, to_unit) == expected


@pytest.mark.parametrize(
    ("from_unit", "to_unit"),
    [
        ("mg/L", "ppm"),  # only for water
        ("NTU", "FNU"),
        ("mPa.s", "cSt"),  # needs the density
        ("dB", "W"),
        ("", "degC/"),
        ("import os", "mg"),
        ("((", "mg"),
        ("9**9**9", "mg"),
        ("1/0", "mg"),
        ("m^99", "mg"),
        ("mg/99999999999", "mg"),
        ("(" * 5000, "mg"),
    ],
)
def test_what_is_not_certain_is_refused(from_unit, to_unit):
    assert converted(1.0, from_unit or "mg", to_unit) is None
