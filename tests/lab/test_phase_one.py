"""Limits of charts, capability, T2 over analytes and control samples, against published numbers and rates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.lab.capability import capability
from gateway.lab.hotelling_t2 import anomaly, reference, t2_limit
from gateway.lab.phase_one import ChartLimits, chart_limits, frozen_limits
from gateway.lab.westgard import ControlPoint, ControlRule, control_rules_broken
from gateway.records.laboratory import Specification

NIST = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]


def test_an_individuals_chart_gives_the_numbers_of_the_handbook():
    """NIST/SEMATECH 6.3.2.2."""
    limits = chart_limits(NIST)
    assert limits is not None
    assert limits.center == pytest.approx(50.81)
    assert limits.mean_moving_range == pytest.approx(1.8778, abs=5e-5)
    assert (limits.lower, limits.upper) == (pytest.approx(45.8159, abs=2e-4), pytest.approx(55.8041, abs=2e-4))


@pytest.mark.parametrize("values", [[], [1.0], [2.0, 2.0, 2.0]])
def test_what_does_not_vary_has_no_limits(values):
    assert chart_limits(values) is None
    assert frozen_limits(values) == (None, ())


def test_a_stray_value_is_left_out_of_frozen_limits_and_a_wild_stretch_gives_none():
    limits, left_out = frozen_limits([*NIST, *NIST, 90.0])
    assert left_out == (20,)
    assert limits is not None
    assert limits.count == 20
    wild = [0.0, 1.0] * 10 + [50.0, 51.0] * 10  # two levels: no stretch to freeze limits from
    assert frozen_limits(wild)[0] is None


def limits(**changes):
    return ChartLimits(**{"center": 100.0, "sigma": 1.0, "count": 30, "mean_moving_range": 1.128, "overall_sigma": 1.25,
                          **changes})  # fmt: skip


def test_capability_compares_the_spread_with_the_specification():
    found = capability(limits(), Specification(analyte="x", lower=94.0, upper=103.0), stable=True)
    assert found.cp == pytest.approx(9 / 6)
    assert found.cpk == pytest.approx(1.0)
    assert found.pp == pytest.approx(9 / 7.5)
    assert found.ppk == pytest.approx(0.8)
    one_sided = capability(limits(), Specification(analyte="x", lower=None, upper=103.0), stable=True)
    assert (one_sided.cp, one_sided.cpk) == (None, pytest.approx(1.0))


@pytest.mark.parametrize(("changes", "stable", "why"), [({}, False, "not in control"), ({"count": 24}, True, "25")])
def test_capability_is_withheld_where_it_would_say_nothing(changes, stable, why):
    found = capability(limits(**changes), Specification(analyte="x", lower=94.0, upper=103.0), stable=stable)
    assert found.cpk is None
    assert why in (found.withheld or "")


def correlated(chance, count):
    shared = chance.normal(size=(count, 1))
    return 10 + shared + 0.2 * chance.normal(size=(count, 3))


def test_t2_sees_values_that_do_not_belong_together_and_names_the_one():
    known = reference(("a", "b", "c"), correlated(np.random.default_rng(1), 200))
    assert known is not None
    together = anomaly(known, {"a": 11.5, "b": 11.5, "c": 11.5})
    assert not together.signals
    apart = anomaly(known, {"a": 11.0, "b": 9.6, "c": 11.0})  # each within 1.5 sigma of its own mean
    assert apart.signals
    assert next(iter(apart.contributions)) == "b"


def test_t2_gives_the_stated_share_of_false_alarms_on_fresh_rows():
    """At alpha .01 and references of 40 rows: 1 %, within 4 standard errors."""
    chance, alarms, tried = np.random.default_rng(2), 0, 0
    for _ in range(60):
        known = reference(("a", "b", "c"), correlated(chance, 40))
        for row in correlated(chance, 100):
            alarms += anomaly(known, dict(zip("abc", row, strict=True))).signals
            tried += 1
    assert abs(alarms / tried - 0.01) < 4 * np.sqrt(0.01 * 0.99 / tried)


def test_the_limit_is_the_formula_for_new_rows():
    assert t2_limit(10_000_000, 2) == pytest.approx(9.2103, abs=1e-3)  # chi2(.99; 2), where n is endless


def test_too_few_rows_or_analytes_that_repeat_each_other_are_no_reference():
    rows = correlated(np.random.default_rng(3), 14)
    assert reference(("a", "b", "c"), rows) is None
    twice = np.column_stack([rows[:, 0], 2 * rows[:, 0]])
    assert reference(("a", "b"), twice) is None


W, R2, R4, R41, R10 = (
    ControlRule.WARNING_1_2S, ControlRule.REJECT_2_2S, ControlRule.REJECT_R_4S, ControlRule.REJECT_4_1S,
    ControlRule.REJECT_10_X,
)  # fmt: skip


def controls(text):
    """Points written as ``material:deviations@run``, a minute apart."""
    points = []
    for at, word in enumerate(text.split()):
        material, _, rest = word.partition(":")
        deviations, _, run = rest.partition("@")
        points.append(
            ControlPoint(result_id=str(at), material=material, analyte="x", instrument_id=None, run_id=run or None,
                         at_ns=at * 60 * 10**9, arrived_ns=at, deviations=float(deviations))
        )  # fmt: skip
    return points


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("L:1.9", set()),
        ("L:2.1", {W}),
        ("L:3.1", {W, ControlRule.REJECT_1_3S}),
        ("L:2.1 L:2.1", {W, R2}),
        ("L:2.1@1 H:0.1@1 L:2.1@2", {W, R2}),  # within a material over runs
        ("L:2.1@1 H:2.1@1", {W, R2}),  # across materials within a run
        ("L:2.1@1 N:0@1 H:2.1@1", {W, R2}),  # two of three levels of one run
        ("L:2.1@1 N:0@2 H:2.1@2", {W}),  # neither consecutive, nor of one material or run
        ("L:2.1@1 L:-2.1@1", {W, R4}),
        ("L:2.1@1 N:0@1 H:-2.1@1", {W, R4}),
        ("L:2.1@1 L:-2.1@2", {W}),  # over runs it is no matter of the range
        ("L:2.1 L:-2.1", {W}),
        ("L:-1.1 L:-1.1 L:-1.1 L:-1.1", {R41}),
        ("L:-1.1 H:-1.1 L:-1.1 H:-1.1", {R41}),
        ("L:1.1 H:0 L:1.1 H:0 L:1.1 H:0 L:1.1", {R41}),
        ("L:1.1 H:-0.1 L:1.1 H:0.1 L:0.9 H:0 L:1.1", set()),
        ("L:0.1 " * 10, {R10}),
        ("L:0.1 " * 9, set()),
        ("L:0.1 H:0.2 " * 5, {R10}),
        ("L:0.1 H:-0.2 " * 9 + "L:0.1", {R10}),
    ],
)
def test_control_samples_are_held_to_westgards_rules(text, found):
    *before, newest = controls(text)
    assert set(control_rules_broken(newest, before)) == found
    assert all(rule.rejects for rule in found if rule is not ControlRule.WARNING_1_2S)


def test_the_name_of_a_run_that_is_used_again_on_another_day_joins_no_controls():
    first, *_, last = controls("L:2.1@A " + "N:0@A " * (25 * 60) + "L:-2.1@A")
    assert set(control_rules_broken(last, [first])) == {W}


ONE_OF = st.sampled_from([-2.2, -1.2, 0.1, 1.2, 2.2, 3.2])


@given(st.lists(ONE_OF, min_size=1, max_size=12), st.lists(st.tuples(st.integers(0, 12), ONE_OF), max_size=30))
def test_what_other_materials_do_in_between_hides_no_rule_that_a_material_breaks_by_itself(own, others):
    alone = controls(" ".join(f"L:{value}" for value in own))
    words = [f"L:{value}" for value in own]
    for at, value in others:
        words.insert(min(at, len(words) - 1), f"H:{value}")
    among = controls(" ".join(words))
    found = set(control_rules_broken(alone[-1], alone[:-1]))
    assert found <= set(control_rules_broken(among[-1], among[:-1]))
