"""Case 12 of the first plant: ``trend list`` says what it knows of a series, and why not more."""

import json
from contextlib import closing

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.cli import output as presentation
from gateway.lab.samples import Measured, point_of
from gateway.lab.series import Series, SeriesKey
from gateway.lab.trends import charted, charted_again
from gateway.line.spc_rules import TrendRules
from gateway.records.laboratory import Specification
from gateway.records.scope import Scope
from gateway.store.audit.evidence import with_hash
from gateway.store.codec import encode
from gateway.store.database import open_state
from gateway.store.statements import SQL
from tests.config.test_settings import MINIMAL

STEADY = (99.6, 100.4, 99.8, 100.1, 99.9, 100.5, 99.5, 100.2, 100.0, 100.3)
SPECIFICATION = (
    '[[specification]]\nproduct = "FG-100"\nanalyte = "viscosity"\nlower = 95.0\nupper = 105.0\nunit = "mPa.s"\n'
)
MINUTE_NS = 60 * 10**9


@pytest.fixture
def plant(tmp_path):
    """A store without a gateway: ``plant(values)`` charts them; ``plant.told()`` is what the command says."""
    return Plant(tmp_path)


class Plant:
    def __init__(self, directory):
        self.directory, self.config = directory, directory / "labline.toml"
        self.config.write_text(MINIMAL.replace("/tmp/x", str(directory)) + SPECIFICATION)  # noqa: S108

    def chart(self, values, *, product="FG-100", analyte="viscosity", qualifier=None, unit="mPa.s"):
        points = [
            point_of(f"S-{at:02}", [Measured(result_id=f"{product}{analyte}{at}", at_ns=at * MINUTE_NS, value=value,
                                             qualifier=qualifier)])
            for at, value in enumerate(values, start=1)
        ]  # fmt: skip
        series = charted_again(Series(unit=unit), points[:25], TrendRules(), name="x").series
        for point in points[25:]:
            series = charted(series, point, TrendRules(), name="x").series
        with closing(open_state(self.directory)) as connection, connection:
            key = SeriesKey(scope=Scope(), product=product, analyte=analyte).columns()
            connection.execute(SQL["insert_series"], with_hash("series", {**key, "body": encode(series)}))
            for point in points:
                results = json.dumps([{"result_id": each.result_id, "at_ns": each.at_ns, "value": each.value,
                                       "qualifier": each.qualifier} for each in point.results])  # fmt: skip
                row = {**key, "sample_id": point.sample_id, "at_ns": point.at_ns,
                       "value": float(point.value), "qualifier": point.qualifier, "results": results}  # fmt: skip
                connection.execute(SQL["insert_sample"], with_hash("series_sample", row))

    def told(self):
        said = CliRunner().invoke(app, ["trend", "list", "--config", str(self.config), "--json"])
        assert said.exit_code == 0, said.output
        return json.loads(said.stdout)["series"]

    def shown(self):
        said = CliRunner().invoke(app, ["trend", "list", "--config", str(self.config)])
        assert said.exit_code == 0, said.output
        return said.stdout


@pytest.mark.parametrize("count", [3, 21])
def test_first_plant_12_too_few_values_are_said_to_be_too_few(plant, count):
    plant.chart((STEADY * 3)[:count])
    (told,) = plant.told()
    assert (told["state"], told["reason"]) == ("too few values", f"{count} of 25")
    assert (told["cpk"], told["why not"]) == (None, "it has too few values")
    assert "not in control" not in plant.shown()


def test_first_plant_12_a_series_in_control_has_its_limits_and_its_capability(plant):
    plant.chart((STEADY * 3)[:25])
    (told,) = plant.told()
    assert (told["state"], told["values"]) == ("in control", 25)
    assert told["limits"] == told["reason"] == "98.609 to 101.42"
    assert (told["cp"], told["cpk"]) == (3.553, 3.541)  # 10 / 6 sigma, sigma by moving ranges
    assert told["ppk"] > told["cpk"]  # the values alternate more than they spread
    assert f"Cp {told['cp']:.2f} Cpk {told['cpk']:.2f} Pp" in plant.shown()


def test_first_plant_12_a_signal_names_rule_value_sample_and_time(plant):
    plant.chart([*(STEADY * 3)[:25], 100.1, 103.0, 100.0])
    (told,) = plant.told()
    assert told["state"] == "not in control"
    assert told["reason"] == "Nelson 1 by 103 in S-27 at 1970-01-01T00:27:00Z, 1 sample ago"
    assert told["cpk"] is None
    assert told["why not"] == "it is not in control"


def test_first_plant_12_after_25_values_without_a_signal_it_is_in_control_again(plant):
    plant.chart([*(STEADY * 3)[:25], 103.0, *(STEADY * 3)[:25]])
    assert plant.told()[0]["state"] == "in control"


def test_first_plant_12_a_first_stretch_that_is_not_in_control_says_which_values(plant):
    plant.chart([*[0.0, 1.0] * 8, *[50.0, 51.0] * 5])
    (told,) = plant.told()
    assert told["state"] == "not in control"
    assert "of the last 25 lie outside their own limits (Nelson 1), first " in told["reason"]


@pytest.mark.parametrize(
    ("values", "qualifier", "reason"),
    [([7.0] * 30, None, "7 in 25 samples"), ([0.05] * 30, "<", "<0.05 in 25 samples")],
)
def test_laboratory_27_trend_list_says_that_a_series_does_not_vary(plant, values, qualifier, reason):
    plant.chart(values, qualifier=qualifier)
    (told,) = plant.told()
    assert (told["state"], told["reason"]) == ("does not vary", reason)
    assert told["why not"] == "it does not vary"
    shown = plant.shown()
    assert "does not vary" in shown
    assert "not in control" not in shown


def test_first_plant_12_without_a_specification_it_says_so(plant):
    plant.chart(STEADY * 3, analyte="colour")
    plant.chart(STEADY * 3, unit="degC")
    colour, viscosity = plant.told()
    assert colour["why not"] == "no specification is in force"
    assert viscosity["why not"] == "the specification's unit mPa·s does not fit °C"


def test_first_plant_12_a_specification_of_master_data_serves_as_well(plant):
    plant.chart(STEADY * 3, analyte="colour", unit=None)
    stated = Specification(product="FG-100", analyte="colour", lower=95.0, upper=105.0, version="1")
    with closing(open_state(plant.directory)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")  # the event that stated it does not matter here
        connection.execute(
            SQL["insert_specification_stated"],
            {"event_id": "e", "product": "FG-100", "analyte": "colour", "client_id": "", "version": "1", "withdrawn": 0,
             "at_ns": 1, "body": encode(stated)},
        )  # fmt: skip
    assert plant.told()[0]["cpk"] > 3


def test_first_plant_12_a_damaged_series_is_shown_as_damaged(plant):
    plant.chart(STEADY * 3)
    with closing(open_state(plant.directory)) as connection, connection:
        connection.execute("UPDATE series SET body = '{}'")
    assert plant.told()[0]["state"] == "damaged"
    assert "labline audit verify" in plant.shown()


def test_first_plant_12_names_of_others_are_shown_and_never_obeyed(plant, monkeypatch):
    plant.chart(STEADY * 3, product="[red]FG[/red] [/]\x1b[2J", analyte="[bold")
    for width in (None, 80):
        if width:
            monkeypatch.setattr(presentation.out, "_width", width)
        shown = plant.shown()
        assert "[red]FG[/red]" in shown
        assert "\x1b" not in shown


def test_first_plant_12_eighty_columns_break_no_word(plant, monkeypatch):
    plant.chart([*(STEADY * 3)[:25], 100.1, 103.0, 100.0])
    monkeypatch.setattr(presentation.out, "_width", 80)
    monkeypatch.setattr(type(presentation.out), "is_terminal", property(lambda _self: True))
    shown = plant.shown()
    assert "1970-01-01T00:27:00Z" in shown
    assert "viscosity" in shown
