"""Ranges of tag and bundle that leave no value between them are an error of the configuration."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.bundles import never_inside
from gateway.config.line_definition import define_line
from gateway.config.reading import read
from gateway.line.definition import Interlock
from gateway.line.limits import intersection
from tests.config.test_settings import MODELS, problems, written
from tests.fixtures.building import bundle, tag

EXAMPLE = (MODELS.parent / "deploy" / "labline.toml").read_text().replace("../models", str(MODELS))


def with_range(name, limits):
    """Return the example configuration with another validated range of a tag."""
    head, found, rest = EXAMPLE.partition(f"[tags.{name}]")
    assert found
    table, bracket, others = rest.partition("\n[")
    lines = [each for each in table.splitlines() if not each.startswith("validated")]
    return f"{head}{found}" + "\n".join([*lines, f"validated = {limits}"]) + "\n" + bracket + others


@pytest.mark.parametrize(
    ("name", "limits", "told"),
    [
        ("reactor_temperature", [10.0, 20.0], "reactor_temperature.mean.0s-1s"),
        ("reactor_temperature", [81.995, 90.0], "reactor_temperature.mean.1s-2.5s"),
        ("reactor_temperature_setpoint", [81.0, 90.0], "setpoint reactor_temperature_setpoint"),
    ],
)
def test_attacks_22_disjoint_ranges_of_tag_and_bundle_are_a_problem_with_both_ranges(tmp_path, name, limits, told):
    found = problems(written(tmp_path, with_range(name, limits)))["model[1].bundle"]
    assert told in found.message
    assert f"tags.{name}.validated is {limits[0]:g} to {limits[1]:g}" in found.message
    assert found.hint


def test_attacks_22_ranges_that_overlap_are_taken_and_the_overlap_holds(tmp_path):
    settings, _ = read(written(tmp_path, with_range("reactor_temperature_setpoint", [76.0, 90.0])))
    line = define_line(settings, path=tmp_path / "labline.toml")
    assert [item.validated for item in line.model_named("viscosity").bundle.manipulated] == [(76.0, 81.0)]


def test_attacks_22_an_interlock_that_can_never_hold_is_told():
    (setpoint,) = bundle().manipulated
    locked = bundle(manipulated=(replace(setpoint, interlocks=(Interlock(tag="mode", within=(2.0, 3.0)),)),))
    tags = {name: tag(name) for name in ("temperature", "temperature_setpoint")}
    assert never_inside(locked, locked, {**tags, "mode": tag("mode", validated=(0.0, 4.0))}) == []
    (told,) = never_inside(locked, locked, {**tags, "mode": tag("mode", validated=(0.0, 1.0))})
    assert "interlock mode" in told


limits = st.tuples(st.floats(-100, 100), st.floats(-100, 100)).filter(lambda pair: pair[0] < pair[1])


@given(own=limits, wanted=limits)
def test_attacks_22_it_is_told_exactly_where_less_than_a_range_is_left(own, wanted):
    (item,) = bundle().inputs
    made = bundle(inputs=(replace(item, validated=wanted),), manipulated=())
    here = replace(made, inputs=(replace(item, validated=intersection(wanted, own)),))
    told = never_inside(made, here, {"temperature": tag("temperature", validated=own)})
    assert bool(told) == (max(own[0], wanted[0]) >= min(own[1], wanted[1]))
