"""What ``labline check`` says of specifications in a configuration."""

import json
import unicodedata

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.config.checks import doubts
from gateway.config.line_definition import specifications_of
from gateway.config.reading import read
from gateway.errors import ConfigurationError
from tests.config.test_settings import MINIMAL


def settings_of(tmp_path, text):
    path = tmp_path / "labline.toml"
    path.write_text(MINIMAL + text, encoding="utf-8")
    return read(path)[0]


def specification(lines):
    return f'[[specification]]\nproduct = "P"\nanalyte = "a"\n{lines}\n'


_BANDS = "[specification.bands]\nrelease = [95, 105]\nreview = [98, 102]"
_ODD = specification('lower = 1\nupper = 5\ntarget = 9.5\nunit = "mg/Ll"') + specification(
    f'client = "c"\nlower = 90\ntarget = 100\nunit = "mPas"\n{_BANDS}'
)
_TAG = """
[opcua.p]
url = "opc.tcp://127.0.0.1"
[tags.t]
source = "p"
node = "nsu=u;s=t"
equipment = "R1"
unit = "degQ"
"""


def test_first_plant_14_check_names_odd_units_targets_and_bands(tmp_path):
    tag, unit, target, bands = doubts(settings_of(tmp_path, _TAG + _ODD))
    assert tag.startswith('tags.t.unit "degQ" is not a known unit: values in other units cannot be converted')
    assert unit.startswith('specification[1].unit "mg/Ll" is not a known unit')
    assert target == "specification[1].target 9.5 is above the upper limit 5: correct one of them"
    assert bands.startswith(
        "specification[2].bands are reversed: release 95 to 105 % does not lie within review 98 to 102 %"
    )


def test_first_plant_14_the_command_shows_them_as_warnings(tmp_path):
    settings_of(tmp_path, _ODD)
    shown = CliRunner().invoke(app, ["check", "--config", str(tmp_path / "labline.toml"), "--json"])
    warnings = json.loads(shown.stdout)["warnings"]
    assert shown.exit_code == 0
    assert {warning.split(" ")[0] for warning in warnings} >= {
        "specification[1].unit", "specification[1].target", "specification[2].bands"
    }  # fmt: skip


def test_first_plant_14_what_is_usual_raises_no_doubt(tmp_path):
    units = ["pH", "1", "-", "mPa.s", "% w/w", "CFU/g", "°C", "mg/dL", "NTU"]
    tables = "".join(
        specification(f'client = "c{at}"\nlower = 1\nupper = 5\ntarget = 5\nunit = "{unit}"')
        for at, unit in enumerate(units)
    )
    assert doubts(settings_of(tmp_path, tables)) == []


def test_laboratory_01_a_configuration_accepts_and_rejects_texts_in_every_language(tmp_path):
    lines = (
        'accepts = {en = ["absent", "not detected"], de = ["nicht nachgewiesen"]}\nrejects = ["detected"]\n'
        'unit = "CFU/25 g"\nnon_negative = true\nassume_unit = true'
    )
    (stated,) = specifications_of(settings_of(tmp_path, specification(lines)))
    assert stated.accepts == ("absent", "not detected", "nicht nachgewiesen")
    assert stated.rejects == ("detected",)
    assert (stated.lower, stated.upper, stated.non_negative, stated.assume_unit) == (None, None, True, True)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('accepts = "absent"', "must be a list"),
        ("accepts = [1]", "must be a list"),
        ("accepts = {en = 'absent'}", "must be a list"),
        ("accepts = []", "needs lower, upper or accepts"),
        ('rejects = ["detected"]', "needs lower, upper or accepts"),
        ('accepts = ["absent"]\nrejects = ["Absent "]', "stands in accepts and in rejects"),
        ('accepts = ["< 10"]', "is a number"),
        ('accepts = ["Failed"]', "cannot be accepted"),
        ('accepts = [" "]', "is empty"),
        ("lower = inf", "finite"),
        ("upper = 1\ntarget = 1e300\n[specification.bands]\nrelease = [1, 2]\nreview = [1, 1e300]", "too large"),
    ],
)
def test_laboratory_01_lists_that_decide_nothing_are_refused(tmp_path, lines, told):
    with pytest.raises(ConfigurationError) as refused:
        settings_of(tmp_path, specification(lines))
    (problem,) = refused.value.problems
    assert problem.key.startswith("specification[1]")
    assert told in problem.message


def test_laboratory_02_names_of_a_configuration_are_those_of_messages(tmp_path):
    names = 'product = " FG-\u00c4\u200b "\nclient = "Client\u00a0A"\nunit = " % "'
    lines = f'[[specification]]\nanalyte = "a"\nlower = 1\n{names}\n'
    (stated,) = specifications_of(settings_of(tmp_path, unicodedata.normalize("NFD", lines)))
    assert (stated.product, stated.client_id, stated.unit) == ("FG-\u00c4", "Client A", "%")
