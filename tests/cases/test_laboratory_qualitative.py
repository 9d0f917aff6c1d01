"""Laboratory messages through the whole decision: what is recommended for their lots, and what people read of it."""

from contextlib import closing

import pytest

from gateway.records.laboratory import Bands, Specification
from tests.fixtures.building import PH, VISCOSITY, line
from tests.fixtures.store_bench import Bench

_OF_FG_100 = (
    VISCOSITY,
    PH,
    Specification(
        product="FG-100", analyte="Salmonella", lower=None, upper=None, unit="CFU/25 g",
        accepts=("absent", "not detected"), rejects=("detected",), version="1",
    ),
    Specification(product="FG-100", analyte="Count", lower=0.0, upper=100.0, unit="CFU/g", version="1"),
    Specification(product="FG-100", analyte="Ethanol", lower=70.0, upper=85.0, unit="% v/v", version="1"),
    Specification(product="FG-100", analyte="HbA1c", lower=None, upper=6.5, unit="%", version="1"),
    Specification(product="FG-100", analyte="Density", lower=1000.0, upper=1050.0, unit="kg/m3", version="1"),
    Specification(
        product="FG-100", analyte="Titer", lower=None, upper=5.5, target=4.6, version="1",
        bands=Bands(release=(98.0, 102.0), review=(95.0, 105.0)),
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    built = Bench(tmp_path_factory.mktemp("qualitative"))
    with closing(built.connection):
        built.line = line(specifications=_OF_FG_100)
        built.order()
        yield built


def lot_of(bench, test, value, **changes):
    """What is recommended for a lot whose only other result is a passing pH, and why."""
    bench.now_ns += 10**9
    lot = f"LOT-{bench.now_ns}"
    common = {"material_lot": lot, "product": "FG-100"}
    bench.result({"sample_id": f"{lot}-a", "test_name": test, "result": value, **changes, **common})
    bench.result({"sample_id": f"{lot}-b", "test_name": "pH", "result": 7.0, **common})
    sent = bench.sent("disposition")[-1]
    return sent["recommendation"], {reason["code"] for reason in sent["reasons"]}


@pytest.mark.parametrize(
    ("test", "value", "unit", "expected"),
    [
        ("Salmonella", "Detected in 25 g", None, ("hold", {"OUT_OF_SPECIFICATION"})),
        ("Salmonella", "suspect", None, ("review", {"TEXT_UNKNOWN"})),
        ("Salmonella", "absent in 10 g", None, ("review", {"TEXT_UNKNOWN"})),
        ("Salmonella", 0, "CFU/25 g", ("review", {"NUMBER_UNEXPECTED"})),
        ("Count", "TNTC", None, ("hold", {"OUT_OF_SPECIFICATION"})),
        ("Count", "\u2265100", "KBE/g", ("review", {"CENSORED_UNDECIDED"})),
        ("Count", 10, "CFU/mL", ("review", {"UNIT_MISMATCH"})),
        ("Ethanol", 85, "% w/w", ("review", {"UNIT_MISMATCH"})),
        ("HbA1c", 60, "mmol/mol", ("review", {"UNIT_MISMATCH"})),
        ("HbA1c", 0.012, None, ("review", {"UNIT_MISSING"})),
        ("Titer", 4.8301, None, ("hold", {"OUT_OF_REVIEW_BAND"})),
        ("Titer", 4.83, None, ("review", {"IN_REVIEW_BAND"})),
        ("Viscosity", 100, "9\u2079\u2079\u2079\u2079\u2079\u2079\u2079\u2079\u2079", ("review", {"UNIT_MISMATCH"})),
        ("Viscosity", 100, "m**(9)**(9)**(9)", ("review", {"UNIT_MISMATCH"})),
        ("Viscosity", "failed", None, ("hold", {"OUT_OF_SPECIFICATION"})),
        ("Viscosity", "pass", None, ("review", {"VALUE_UNKNOWN"})),
    ],
)
def test_laboratory_01_06_07_23_30_a_lot_with_such_a_result_is_not_released(bench, test, value, unit, expected):
    assert lot_of(bench, test, value, unit=unit) == expected


@pytest.mark.parametrize(
    ("test", "value", "unit"),
    [
        ("Salmonella", "Not detected", None),
        ("Salmonella", "absent in 25 g", None),
        ("Count", "<10", "cfu/g"),
        ("Count", 0, "KBE/g"),
        ("Ethanol", "85", "vol%"),
        ("HbA1c", 6.5, "%"),
        ("Density", 1.05, "g/mL"),
        ("Density", "1.05", "g/cm\u00b3"),
        ("Viscosity", 105, "cP"),
        ("Viscosity", 0.105, "Pas"),
        ("Titer", 4.692, None),
    ],
)
def test_laboratory_24_25_a_lot_with_such_a_result_is_released(bench, test, value, unit):
    assert lot_of(bench, test, value, unit=unit)[0] == "release"


def test_laboratory_01_the_hold_says_which_word_and_which_list(bench):
    lot_of(bench, "Salmonella", "Detected")
    hold = [each for each in bench.sent("guidance") if each["kind"] == "hold"][-1]
    assert hold["reasons"][0]["text"] == 'Salmonella "Detected" is what the specification rejects.'
    assert (hold["measured"]["value"], hold["measured"]["value_text"]) == (None, "Detected")
    assert hold["specification"]["accepts"] == ["absent", "not detected"]
