"""Limits of charts, capability, T2 over analytes and control samples, against published numbers and rates."""

import numpy as np
import pytest

from gateway.lab.anomaly import anomaly, reference, t2_limit
from gateway.lab.capability import capability
from gateway.lab.phase_one import ChartLimits, chart_limits, frozen_limits
from gateway.lab.westgard import ControlRule, control_rules_broken
from gateway.records import Specification

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


@pytest.mark.parametrize(
    ("values", "same_run", "found"),
    [
        ([1.9], False, set()),
        ([2.1], False, {ControlRule.WARNING_1_2S}),
        ([3.1], False, {ControlRule.WARNING_1_2S, ControlRule.REJECT_1_3S}),
        ([2.1, 2.1], False, {ControlRule.WARNING_1_2S, ControlRule.REJECT_2_2S}),
        ([2.1, -2.1], True, {ControlRule.WARNING_1_2S, ControlRule.REJECT_R_4S}),
        ([2.1, -2.1], False, {ControlRule.WARNING_1_2S}),
        ([-1.1] * 4, False, {ControlRule.REJECT_4_1S}),
        ([0.1] * 10, False, {ControlRule.REJECT_10_X}),
        ([0.1] * 9, False, set()),
    ],
)
def test_control_samples_are_held_to_westgards_rules(values, same_run, found):
    assert set(control_rules_broken(values, same_run=same_run)) == found
    assert all(rule.rejects for rule in found if rule is not ControlRule.WARNING_1_2S)
