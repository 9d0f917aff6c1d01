"""Nelson's and Western Electric's rules: each with what just breaks it and what just does not; run lengths."""

import numpy as np
import pytest

from gateway.lab.spc_rules import MOST_VALUES, broken
from gateway.line.spc_rules import DEFAULT_RULES, RunRule

WESTERN_ELECTRIC = tuple(rule for rule in RunRule if rule.name.startswith("WESTERN"))
UP_AND_DOWN = [0.5, -0.5] * 7

CASES = {
    RunRule.NELSON_1: ([3.01], [3.0]),
    RunRule.NELSON_2: ([0.1] * 9, [0.1] * 4 + [0.0] + [0.1] * 4),
    RunRule.NELSON_3: ([0.0, 0.1, 0.2, 0.3, 0.4, 0.5], [0.0, 0.1, 0.2, 0.2, 0.4, 0.5]),
    RunRule.NELSON_4: (UP_AND_DOWN, [*UP_AND_DOWN[:-1], 0.5]),
    RunRule.NELSON_5: ([2.1, 0.0, 2.1], [2.1, 0.0, -2.1]),
    RunRule.NELSON_6: ([-1.1, -1.1, 0.0, -1.1, -1.1], [-1.1, -1.1, 0.0, -1.0, -1.1]),
    RunRule.NELSON_7: ([0.9, -0.9, 0.0] * 5, [*[0.9, -0.9, 0.0] * 4, 0.9, 1.0, 0.0]),
    RunRule.NELSON_8: ([1.1, -1.1] * 4, [1.1] * 8),
    RunRule.WESTERN_ELECTRIC_1: ([-3.01], [-3.0]),
    RunRule.WESTERN_ELECTRIC_2: ([-2.1, -2.1], [2.1, 0.0, 0.0, 2.1]),
    RunRule.WESTERN_ELECTRIC_3: ([1.1] * 4, [1.1, 1.1, 1.1, 0.9, 0.9]),
    RunRule.WESTERN_ELECTRIC_4: ([-0.1] * 8, [-0.1] * 7),
    RunRule.MOVING_RANGE: ([-1.9, 1.9], [-1.8, 1.8]),
}


@pytest.mark.parametrize("rule", RunRule)
def test_each_rule_holds_for_its_pattern_and_not_for_what_is_almost_one(rule):
    pattern, almost = CASES[rule]
    assert rule in broken(pattern, tuple(RunRule))
    assert rule not in broken(almost, tuple(RunRule))
    assert rule in broken([-value for value in pattern], (rule,))  # the other side is the same


def test_a_rule_speaks_of_the_newest_value_only():
    assert broken([3.5, 0.0]) == ()
    assert broken([2.5, 2.5, 0.0], (RunRule.NELSON_5,)) == ()


def test_by_default_the_first_two_of_nelson_are_asked():
    assert DEFAULT_RULES == (RunRule.NELSON_1, RunRule.NELSON_2)
    assert broken([]) == ()


def run_lengths(rules, count, seed):
    chance, lengths = np.random.default_rng(seed), []
    for _ in range(count):
        values, length = [], 0
        while not length or not broken(values, rules):
            values, length = [*values[-MOST_VALUES + 1 :], float(chance.normal())], length + 1
        lengths.append(length)
    return np.array(lengths)


@pytest.mark.parametrize(
    ("rules", "published", "runs"), [((RunRule.NELSON_1,), 370.4, 600), (WESTERN_ELECTRIC, 91.75, 1500)]
)
def test_in_control_run_lengths_are_the_published_ones(rules, published, runs):
    """370.4: rule 1 alone; 91.75: all four of Western Electric (Champ and Woodall 1987). Within 4 standard errors."""
    lengths = run_lengths(rules, runs, seed=5)
    assert abs(lengths.mean() - published) < 4 * lengths.std() / np.sqrt(runs)
