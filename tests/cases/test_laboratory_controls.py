"""Case 12 of the laboratory: the controls of several materials, within a run and over runs, after Westgard."""

import pytest

from gateway.contract.times import rfc3339
from tests.decisions.test_qc_samples import bench, control, judged

__all__ = ["bench"]
HIGH = {"control_id": "OIL-500"}


def run(bench, number, low, high):
    """Both levels of one run, in standard deviations; returns what each says."""
    of_run = {"run_id": f"run-{number}", "instrument_id": "VISC-1"}
    return control(bench, 100 + 0.5 * low, **of_run), control(bench, 500 + 2 * high, **of_run, **HIGH)


def judged_by(bench):
    return judged(bench, instrument_id="VISC-1")


def test_laboratory_12_two_of_one_level_over_two_runs_reject_though_the_other_level_lies_between(bench):
    run(bench, 1, 2.2, 0.1)
    assert judged_by(bench)[0] == "release"
    low, high = run(bench, 2, 2.3, -0.2)
    assert (low[0], low[1] - {"WARNING_1_2S"}) == (True, {"REJECT_2_2S"})
    assert high == (False, set())
    assert judged_by(bench) == ("review", {"CONTROL_REJECTED"})
    run(bench, 3, 0.2, 0.1)
    assert judged_by(bench)[0] == "release"


@pytest.mark.parametrize(
    ("runs", "rules"),
    [
        ([(2.2, 2.3)], {"REJECT_2_2S"}),  # across materials, within a run
        ([(2.2, -2.3)], {"REJECT_R_4S"}),
        ([(2.2, 0.1), (-2.3, 0.1)], set()),  # the range is a rule of one run
        ([(3.2, 0.1)], {"REJECT_1_3S"}),
        ([(1.2, 0.1), (1.3, -0.1), (1.2, 0.1), (1.4, -0.2)], {"REJECT_4_1S"}),
        ([(1.2, 1.1), (1.3, 1.2)], {"REJECT_4_1S"}),
        ([(0.2, 0.1 * (-1) ** number) for number in range(10)], {"REJECT_10_X"}),
        ([(0.2, 0.3)] * 5, {"REJECT_10_X"}),
        ([(0.2, 0.1 * (-1) ** number) for number in range(9)], set()),
    ],
)
def test_laboratory_12_each_rule_within_and_across_materials(bench, runs, rules):
    for number, (low, high) in enumerate(runs):
        told = run(bench, number, low, high)
    assert {code for _rejected, codes in told for code in codes} - {"WARNING_1_2S"} == rules
    assert any(rejected for rejected, _codes in told) == bool(rules)
    assert judged_by(bench)[0] == ("review" if rules else "release")


def test_laboratory_12_three_levels_of_a_run_reject_by_the_first_and_the_last(bench):
    control(bench, 101.1, run_id="R")
    control(bench, 500.0, run_id="R", **HIGH)
    assert control(bench, 98.9, run_id="R") == (True, {"WARNING_1_2S", "REJECT_R_4S"})


def test_laboratory_12_a_late_control_of_a_run_has_the_one_after_it_judged_again(bench):
    control(bench, 100.0)
    instants = [bench.now_ns + step * 60 * 10**9 for step in (1, 2, 3)]
    control(bench, 101.1, run_id="1", analysed_at=rfc3339(instants[0]))
    control(bench, 98.9, run_id="2", analysed_at=rfc3339(instants[2]))
    assert judged(bench)[0] == "release"
    control(bench, 504.2, run_id="2", analysed_at=rfc3339(instants[1]), **HIGH)
    assert judged(bench) == ("review", {"CONTROL_REJECTED"})


def test_laboratory_12_a_rejected_level_is_not_forgotten_while_the_other_is_measured_often(bench):
    control(bench, 508.0, **HIGH)
    for number in range(45):
        control(bench, 100.1 if number % 2 else 99.9)
    assert judged(bench) == ("review", {"CONTROL_REJECTED"})
