"""Cases 26 and 27 of the laboratory: one point a sample, and series that do not vary."""

import json
from contextlib import closing

import numpy as np
import pytest

from gateway.contract.times import rfc3339
from gateway.lab.samples import Measured, point_of
from gateway.lab.series import Series
from gateway.lab.trend_reasons import rule_name
from gateway.lab.trends import charted, charted_again
from gateway.line.spc_rules import RunRule, TrendRules
from gateway.time_units import SECOND_NS
from tests.fixtures.building import NOW_NS, line
from tests.fixtures.store_bench import Bench

MINUTE_NS = 60 * SECOND_NS


@pytest.fixture
def bench(tmp_path):
    found = Bench(tmp_path)
    with closing(found.connection):
        found.line = line(trends=(TrendRules(analyte="ph"), TrendRules(baseline=10)), specifications=())
        yield found


def usual(bench, samples, *values, test="Colour", **changes):
    """So many samples, the values by turns; those of Colour need ten for their limits."""
    for number in range(1, samples + 1):
        measured(bench, number, values[number % len(values)], test=test, **changes)


def measured(bench, number, value, *, replicate=1, test="pH", **changes):
    """One replicate of a sample with a lot of its own, drawn a minute after the one before."""
    bench.now_ns += SECOND_NS
    bench.result({
        "sample_id": f"S-{number:03}", "test_id": test, "value": value, "replicate": replicate, "status": "approved",
        "product": "FG-9", "material_lot": f"LOT-{number}", "sampled_at": rfc3339(NOW_NS - 10**13 + number * MINUTE_NS),
        "spec_min": -100, "spec_max": 100, **changes,
    })  # fmt: skip
    disposition = bench.sent("disposition")[-1]
    return disposition["recommendation"], {each["code"] for each in disposition["reasons"]}


def series(bench):
    ((body,),) = bench.rows("SELECT body FROM series")
    return json.loads(body)


# --- 26: replicates ------------------------------------------------------------------------------------


def replicated(bench, samples, *, within=0.01, between=0.3, first=1, seed=3):
    """Samples of two replicates each; returns what was recommended for each sample's lot."""
    chance, told = np.random.default_rng(seed), []
    for number in range(first, first + samples):
        level = 7 + between * chance.normal()
        values = (round(level + within * chance.normal(), 4) for _replicate in range(2))
        told += [measured(bench, number, value, replicate=at)[0] for at, value in enumerate(values, start=1)]
    return told


def test_laboratory_26_limits_of_replicated_samples_have_the_width_of_the_samples(bench):
    told = replicated(bench, 30)
    assert series(bench)["limits"]["count"] == 25
    assert series(bench)["limits"]["sigma"] == pytest.approx(0.3, rel=0.4)  # not the half of it
    assert bench.rows("SELECT count(*) FROM series_sample") == [(30,)]
    assert told[50:] == ["release"] * 10  # the lots after the baseline


def test_laboratory_26_a_failure_among_replicates_is_not_averaged_away(bench):
    usual(bench, 10, 6.0, 8.0)
    limits = {"spec_min": 6.0, "spec_max": 8.2, "test": "Colour"}
    assert measured(bench, 11, 7.0, **limits)[0] == "release"
    assert measured(bench, 11, 8.3, replicate=2, **limits) == ("hold", {"OUT_OF_SPECIFICATION"})
    measured(bench, 11, 6.1, replicate=3, **limits)
    assert bench.rows("SELECT value FROM series_sample WHERE sample_id = 'S-011'") == [(pytest.approx(21.4 / 3),)]
    assert bench.sent("disposition")[-1]["recommendation"] == "hold"


def test_laboratory_26_a_late_replicate_has_the_series_charted_again(bench):
    usual(bench, 20, 6.9, 7.1)
    before = series(bench)
    assert measured(bench, 18, 6.9, replicate=2, test="Colour")[0] == "release"
    assert series(bench) == before  # their mean is the same
    assert measured(bench, 18, 9.6, replicate=3, test="Colour") == ("review", {"OUT_OF_TREND"})
    after = series(bench)
    assert [before["recent"][at] == after["recent"][at] for at in range(10)] == [True] * 7 + [False] + [True] * 2
    assert (after["last_signal"]["sample_id"], after["last_signal"]["text"]) == ("S-018", "7.8")


def test_laboratory_26_a_withdrawn_replicate_leaves_the_others(bench):
    usual(bench, 10, 6.9, 7.1)
    measured(bench, 11, 7.0, result_version=1, test="Colour")
    measured(bench, 11, 9.0, replicate=2, result_version=1, test="Colour")
    assert series(bench)["last_signal"]["sample_id"] == "S-011"
    measured(bench, 11, 9.0, replicate=2, result_version=2, status="rejected", test="Colour")
    assert bench.rows("SELECT value FROM series_sample WHERE sample_id = 'S-011'") == [(7.0,)]
    assert series(bench)["last_signal"] is None
    measured(bench, 11, 7.0, result_version=2, status="rejected", test="Colour")
    assert bench.rows("SELECT count(*) FROM series_sample WHERE sample_id = 'S-011'") == [(0,)]


def test_laboratory_26_nine_replicates_of_one_sample_are_not_nine_samples_on_one_side(bench):
    usual(bench, 10, 6.9, 7.1)
    told = [measured(bench, 11, 7.05, replicate=replicate, test="Colour")[0] for replicate in range(1, 11)]
    assert told == ["release"] * 10


# --- 27: series that do not vary -----------------------------------------------------------------------


@pytest.mark.parametrize(("always", "other"), [(7.0, 8.9), ("<0.05", 0.45)])
def test_laboratory_27_the_first_departure_of_a_series_that_does_not_vary_is_for_a_person(bench, always, other):
    usual(bench, 30, always, test="pH")
    (audited,) = bench.rows("SELECT body FROM audit WHERE kind = 'limits_frozen'")
    assert json.loads(audited[0])["does_not_vary"] == f"{always:.6g}" if always == 7.0 else always
    assert json.loads(audited[0])["count"] == 25
    assert measured(bench, 31, other) == ("review", {"OUT_OF_TREND"})
    (reason,) = bench.sent("disposition")[-1]["reasons"]
    constant = "7" if always == 7.0 else "<0.05"
    assert reason["text"] == f"pH {other} differs from {constant}, which it always was: 25 samples did not vary."
    assert reason["parameters"] == {"rule": "does_not_vary", "constant": constant, "samples": 25, "value": other}


@pytest.mark.parametrize(
    ("always", "other"),
    [(7.0, 5.0), (7.0, 7.1), (7.0, ">14"), ("<0.05", "0.05"), ("<0.05", ">3"), (">9", 8), (0, 1), ("<LOQ", 0.45)],
)
def test_laboratory_27_whatever_departs_is_seen_each_time(bench, always, other):
    limit = {"test": "Colour", "loq": 0.05}
    usual(bench, 10, always, loq=0.05)
    assert "OUT_OF_TREND" in measured(bench, 11, other, **limit)[1]
    assert "OUT_OF_TREND" not in measured(bench, 12, always, **limit)[1]
    assert "OUT_OF_TREND" in measured(bench, 13, other, **limit)[1]


@pytest.mark.parametrize(
    ("always", "same"), [(7.0, "7.00"), ("<0.05", "<0.05"), ("<0.05", "<0.1"), ("<0.05", 0.03), (">9", 12)]
)
def test_laboratory_27_what_may_be_the_same_departs_from_nothing(bench, always, same):
    usual(bench, 12, always)
    assert "OUT_OF_TREND" not in measured(bench, 13, same, test="Colour")[1]
    assert series(bench)["last_signal"] is None


@pytest.mark.parametrize("at", [3, 10])
def test_laboratory_27_a_stray_among_values_that_do_not_vary_hides_no_later_one(bench, at):
    told = [measured(bench, number, 8.9 if number == at else 7.0, test="Colour")[0] for number in range(1, 12)]
    assert (told[at - 1] == "review") == (at == 10)  # with it the limits are frozen, and it lies outside them
    assert measured(bench, 12, 8.9, test="Colour") == ("review", {"OUT_OF_TREND"})


def test_laboratory_27_a_last_digit_that_changes_makes_limits_not_a_flood(bench):
    told = [measured(bench, number, 7.1 if number % 4 == 0 else 7.0, test="Colour")[0] for number in range(1, 30)]
    assert set(told) == {"release"}
    assert series(bench)["limits"]["sigma"] == pytest.approx(0.05)
    assert measured(bench, 30, 7.4, test="Colour")[0] == "review"


def test_laboratory_27_values_that_begin_to_vary_around_the_constant_get_limits(bench):
    usual(bench, 10, 7.0)
    told = [measured(bench, number, 7.1 if number % 3 == 0 else 7.0, test="Colour")[0] for number in range(11, 30)]
    assert told.count("review") == 3
    assert series(bench)["constant"] is None
    moved = [measured(bench, number, 8.9 + 0.1 * (number % 2), test="Colour")[0] for number in range(30, 45)]
    assert set(moved) == {"review"}


def test_laboratory_27_what_has_moved_away_is_never_taken_for_usual(bench):
    usual(bench, 10, 7.0)
    moved = [measured(bench, number, 8.9 + 0.1 * (number % 2), test="Colour")[0] for number in range(11, 35)]
    assert set(moved) == {"review"}


def test_laboratory_27_a_result_below_what_can_be_measured_departs_from_limits_that_it_cannot_reach(bench):
    usual(bench, 10, 6.9, 7.1)
    assert "OUT_OF_TREND" in measured(bench, 11, "<5", test="Colour")[1]
    assert "OUT_OF_TREND" not in measured(bench, 12, "<7", test="Colour")[1]


def test_laboratory_27_a_late_result_of_the_first_stretch_is_held_against_the_limits(bench):
    for number in (*range(1, 6), *range(7, 13)):
        measured(bench, number, 7.0, test="Colour")
    assert measured(bench, 6, 8.9, test="Colour") == ("review", {"OUT_OF_TREND"})


def test_laboratory_27_results_of_one_instant_are_held_against_the_limits_too(bench):
    at = {"sampled_at": rfc3339(NOW_NS - 10**12), "test": "Colour"}
    usual(bench, 12, 7.0, **at)
    assert measured(bench, 13, 8.9, **at)[0] == "review"


# --- 15 of the first plant: sentences for operators -----------------------------------------------------


def drifting(values, **rules):
    points = [
        point_of(f"S-{at:03}", [Measured(result_id=str(at), at_ns=at + 1, value=value)])
        for at, value in enumerate(values)
    ]
    steady, rules = [7.0 + 0.1 * (-1) ** at for at in range(25)], TrendRules(**rules)
    first = [
        point_of(f"B-{at:03}", [Measured(result_id=f"b{at}", at_ns=at - 100, value=value)])
        for at, value in enumerate(steady)
    ]
    state, told = charted_again(Series(), first, rules, name="pH").series, []
    for point in points:
        after = charted(state, point, rules, name="pH")
        state = after.series
        told += [reason.text for reason in after.reasons]
    return told


def test_first_plant_15_a_drift_is_said_for_operators():
    (text, *_others) = drifting([7.0, *[7.25] * 9], rules=(), cusum=True)
    assert text == "pH has drifted upwards over the last 6 samples (CUSUM): now 7.25, usually 6.472 to 7.536."
    (down, *_others) = drifting([6.7] * 8, rules=(), cusum=True)
    assert down.startswith("pH has drifted downwards over the last ")
    (average, *_others) = drifting([7.3] * 5, rules=(), ewma=True)
    assert average.startswith("pH has moved above its usual level on average over the last samples (EWMA): now 7.3")


@pytest.mark.parametrize(
    ("values", "rule", "says"),
    [
        ([7.6], RunRule.NELSON_1, "pH 7.6 is above its usual range (Nelson 1): usually"),
        ([6.3], RunRule.WESTERN_ELECTRIC_1, "pH 6.3 is below its usual range (Western Electric 1)"),
        ([6.9] * 9, RunRule.NELSON_2, "pH has been below its usual level for 9 samples in a row (Nelson 2): now 6.9"),
        ([7.01, 7.02, 7.03, 7.04, 7.05, 7.06], RunRule.NELSON_3, "pH has risen from sample to sample over the last 6"),
        ([7.4, 7.0, 7.4], RunRule.NELSON_5, "pH was far above its usual level in 2 of the last 3 samples (Nelson 5)"),
        ([7.3, 6.5], RunRule.MOVING_RANGE, "pH has jumped to 6.5 since the sample before (moving range)"),
    ],
)
def test_first_plant_15_every_rule_has_a_sentence_without_statistics(values, rule, says):
    assert drifting(values, rules=(rule,))[-1].startswith(says)


@pytest.mark.parametrize("rule", RunRule)
def test_first_plant_15_no_rule_is_without_words(rule):
    wild = [7 + 0.3 * (-1) ** at for at in range(14)] if rule is not RunRule.NELSON_7 else [7.0] * 15
    texts = [*drifting(wild, rules=tuple(RunRule)), *drifting([7.5] * 16, rules=tuple(RunRule)),
             *drifting([6.6, 7.5, 6.4, 7.6] * 4, rules=tuple(RunRule)),
             *drifting([7 + 0.01 * at for at in range(7)], rules=tuple(RunRule))]  # fmt: skip
    named = [text for text in texts if f"({rule_name(rule)})" in text]
    assert named
    assert all("sigma" not in text and "center" not in text for text in named)
