"""Units in texts are those of the plant's screens; fields for machines keep their codes."""

from types import SimpleNamespace

import pytest

from gateway.advice.phrases import with_unit
from gateway.config.tables import TextsTable
from gateway.texts import catalogue
from gateway.texts.catalogue import title, unit_in_text
from gateway.texts.units import shown_unit


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("degC", "°C"), ("mPa.s", "mPa·s"), ("degC/s", "°C/s"), ("percent", "%"), ("kg/m3", "kg/m³"),
        ("m.s-1", "m·s⁻¹"),
        ("10^9/L", "10⁹/L"), ("um", "µm"), ("W/(m2.K)", "W/(m²·K)"), (" degC", " °C"), ("[degF]", "°F"), ("", ""),
        # what is no code is as it was written
        ("1/min", "1/min"), ("mg KOH/g", "mg KOH/g"), ("cmH2O", "cmH2O"), ("NTU", "NTU"), ("%", "%"),
    ],
)  # fmt: skip
def test_a_unit_is_written_as_on_screens(code, shown):
    assert shown_unit(code) == shown


def test_a_unit_that_says_the_name_of_the_quantity_again_is_left_out():
    assert shown_unit("pH", "ph") == shown_unit(" pH", "Start-pH", "pH") == ""
    assert shown_unit("pH", "acidity") == "pH"
    assert with_unit("9.8", SimpleNamespace(analyte="ph", unit="pH")) == "9.8"


def test_the_plants_own_names_go_first_and_stand_in_titles():
    try:
        catalogue.speak("en", {"mPa.s": "cP"})
        assert unit_in_text("mPa.s") == "cP"
        words = {"words": "jacket temperature", "from_text": "70", "to_text": "72"}
        assert title("guidance_title", "RAISE_SETPOINT", unit="degC", **words).endswith("72 °C")
    finally:
        catalogue.speak("en", {})


def test_the_configuration_names_units():
    assert TextsTable.model_validate({"units": {"mPa.s": "cP"}}).units == {"mPa.s": "cP"}
