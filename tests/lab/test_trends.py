"""Series of results: limits frozen from the first stretch, signals apart from specifications, any order of arrival."""

import json
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from gateway.cli import app
from gateway.contract.times import rfc3339
from gateway.lab.samples import Measured, point_of
from gateway.lab.series import Series, goes_on, without_newest
from gateway.lab.trends import charted, charted_again
from gateway.line.spc_rules import RunRule, Together, TrendRules
from gateway.store.audit import trail as audit
from gateway.time_units import SECOND_NS
from tests.config.test_settings import MINIMAL
from tests.fixtures.building import NOW_NS, VISCOSITY, line
from tests.fixtures.store_bench import Bench, viscosity

RULES = TrendRules(product="FG-100", analyte="viscosity", baseline=10)
STEADY = (99.6, 100.4, 99.8, 100.1, 99.9, 100.5, 99.5, 100.2, 100.0, 100.3)  # limits about 98.6 to 101.4


@pytest.fixture
def bench(tmp_path):
    found = Bench(tmp_path)
    with closing(found.connection):
        found.line = line(trends=(RULES,))
        found.context("order_started", job_order_id="WO-1", material_definition_id="FG-100", equipment_id="R1")
        yield found


def measured(bench, value, *, number, at=None, **changes):
    """One sample of a lot of its own, drawn a minute after the one before; returns its disposition."""
    bench.now_ns += SECOND_NS
    drawn_ns = NOW_NS - 10**12 + (number if at is None else at) * 60 * SECOND_NS // 100
    own = {"sample_id": f"S-{number}", "material_lot_id": f"TREND-{number}", "product": "FG-100", "value": value}
    bench.result(viscosity(**{**own, "sampled_at": rfc3339(drawn_ns), **changes}))
    return bench.sent("disposition")[-1]


def steady(bench, first=1):
    return [measured(bench, value, number=number) for number, value in enumerate(STEADY, start=first)]


@pytest.mark.parametrize("value", [-0.0, "-0.00", 5e-324, 123456.75])
def test_what_is_charted_holds_whatever_number_it_is(bench, value):
    measured(bench, value, number=1)
    assert bench.rows("SELECT holds FROM series_sample_checked") == [(1,)]


def series(bench, analyte="viscosity"):
    ((body,),) = bench.rows("SELECT body FROM series WHERE analyte = ?", analyte)
    return json.loads(body)


def test_limits_are_frozen_from_the_first_stretch_and_what_follows_is_held_against_them(bench):
    assert {each["recommendation"] for each in steady(bench)} == {"release"}
    assert series(bench)["limits"]["count"] == 10
    assert bench.rows("SELECT subject FROM audit WHERE kind = 'limits_frozen'") == [("viscosity",)]
    within = measured(bench, 100.9, number=11)
    assert (within["recommendation"], within["rests_on"]["trends"]) == ("release", [])
    out = measured(bench, 103.0, number=12)  # inside the specification of 95 to 105
    assert out["recommendation"] == "review"
    assert (out["latched"], out["flags"]) == (False, ["OUT_OF_TREND"])
    assert out["rests_on"]["trends"] == ["S-12 Viscosity: nelson1"]
    assert out["reasons"][0]["text"].startswith("Viscosity 103 is above its usual range (Nelson 1): usually 98.")
    assert audit.verify(bench.connection)[1] is None


def test_out_of_specification_is_a_hold_whatever_the_trend(bench):
    steady(bench)
    out = measured(bench, 106.0, number=11)
    assert (out["recommendation"], out["reasons"][0]["code"]) == ("hold", "OUT_OF_SPECIFICATION")
    assert "OUT_OF_TREND" in out["flags"]


def test_a_review_for_its_trend_stays_when_a_harmless_result_joins_the_lot(bench):
    steady(bench)
    measured(bench, 103.0, number=11)
    bench.result(
        {"sample_id": "S-11", "test_name": "pH", "result": 7.0, "material_lot": "TREND-11", "status": "approved"}
    )
    after = bench.sent("disposition")[-1]
    assert (after["recommendation"], after["reasons"][0]["code"]) == ("review", "OUT_OF_TREND")


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "entered"},
        {"value": "<103"},
        {"status": "rejected"},
        {"unit": "cSt"},
        {"product": None},
    ],
)
def test_what_the_laboratory_does_not_vouch_for_is_not_charted(bench, changes):
    steady(bench)
    before = series(bench)
    told = measured(bench, **{"value": 103.0, **changes}, number=11)
    assert "OUT_OF_TREND" not in told["flags"]
    assert series(bench) == before


def test_a_value_in_another_unit_is_charted_in_the_series_own(bench):
    steady(bench)
    assert measured(bench, 0.1002, number=11, unit="Pa.s")["recommendation"] == "release"
    assert measured(bench, 0.103, number=12, unit="Pa.s")["recommendation"] == "review"


def test_a_correction_takes_the_place_of_the_point_it_corrects(bench):
    steady(bench)
    measured(bench, 103.0, number=11, result_version=1)
    corrected = measured(bench, 100.0, number=11, result_version=2)
    assert "OUT_OF_TREND" not in corrected["flags"]
    assert series(bench)["recent"][-1] == pytest.approx(0.0, abs=0.2)
    measured(bench, 100.0, number=11, result_version=3, status="rejected")
    assert bench.rows("SELECT count(*) FROM series_sample") == [(10,)]
    assert series(bench)["recent"] == []


def test_a_result_that_comes_late_is_charted_where_it_was_drawn(bench):
    steady(bench)
    for number in range(11, 20):
        measured(bench, 100.2, number=number, at=number + (number > 14))  # the place of the fifth stays free
    assert measured(bench, 100.0, number=30, at=15)["flags"] == []
    values = series(bench)["recent"]
    assert [value > 0 for value in values] == [True] * 4 + [False] + [True] * 5


VALUES = st.one_of(st.floats(90, 110), st.sampled_from([100.0, 100.0, 100.1]))
SAMPLES = st.one_of(
    st.lists(st.lists(VALUES, min_size=1, max_size=3), min_size=0, max_size=60),
    st.lists(st.lists(st.sampled_from([100.0] * 9 + [100.1]), min_size=1, max_size=3), min_size=10, max_size=60),
)


@settings(max_examples=40, deadline=None)
@given(SAMPLES, st.sampled_from([None, "<", ">"]), st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing_of_where_a_series_stands(samples, qualifier, chance):
    """Against charting one after the other: from the replicates of samples in any order, the same series."""
    rules = replace(RULES, rules=tuple(RunRule), ewma=True, cusum=True)
    replicates = [
        (f"{at:02}", Measured(result_id=f"{at:02}-{number}", at_ns=at + 1, value=value,
                              qualifier=qualifier if at % 7 == 6 else None))
        for at, values in enumerate(samples)
        for number, value in enumerate(values)
    ]  # fmt: skip
    by_sample: dict[str, list[Measured]] = {}
    one_by_one = Series()
    for sample, result in replicates:
        known = sample in by_sample
        by_sample.setdefault(sample, []).append(result)
        newest = point_of(sample, by_sample[sample])
        if goes_on(one_by_one, sample, result.at_ns, known=known):
            one_by_one = charted(without_newest(one_by_one, sample), newest, rules, name="x").series
        else:
            points = [point_of(*each) for each in by_sample.items()]
            one_by_one = charted_again(one_by_one, points, rules, name="x").series
    frozen = replace(one_by_one, last_ns=0)
    points = [point_of(sample, chance.sample(results, len(results))) for sample, results in by_sample.items()]
    chance.shuffle(points)
    assert charted_again(frozen, points, rules, name="x").series == one_by_one


def test_analytes_that_do_not_belong_together_are_seen_though_each_is_within_its_own_limits(bench):
    chance = np.random.default_rng(4)
    bench.line = line(
        trends=(replace(RULES, analyte=None, baseline=20),),
        together=(Together(product="FG-100", analytes=("viscosity", "ph"), baseline=20),),
        specifications=(VISCOSITY,),
    )

    def sample(number, viscosity_value, ph):
        measured(bench, viscosity_value, number=number)
        bench.result({"sample_id": f"S-{number}", "test_name": "pH", "result": ph, "spec_min": 6, "spec_max": 8,
                      "material_lot": f"TREND-{number}", "product": "FG-100", "status": "approved"})  # fmt: skip
        return bench.sent("disposition")[-1]

    for number in range(1, 21):
        shared = chance.normal()
        sample(number, 100 + shared, 7 + 0.1 * shared + 0.01 * chance.normal())
    assert bench.rows("SELECT count(*) FROM analytes_together") == [(1,)]
    assert sample(21, 101.0, 7.1)["flags"] == ["NO_SAMPLED_AT"]
    apart = sample(22, 101.0, 6.9)
    assert (apart["recommendation"], apart["reasons"][0]["code"]) == ("review", "OUT_OF_LINE")
    assert "do not belong together" in apart["reasons"][0]["text"]


@pytest.mark.parametrize("value", [1e308, 1e29, -1.7976931348623157e308])
def test_a_number_that_was_never_measured_stops_no_series(bench, value):
    for number, each in enumerate(STEADY[:5], start=1):
        measured(bench, each, number=number)
    assert measured(bench, value, number=50, at=6)["recommendation"] == "hold"
    for number, each in enumerate((*STEADY[5:], *STEADY), start=7):
        measured(bench, each, number=number)
    assert measured(bench, value, number=60)["recommendation"] == "hold"
    assert measured(bench, 110.0, number=61)["recommendation"] == "hold"
    assert bench.rows("SELECT count(*) FROM dead_letter") == [(0,)]
    assert series(bench)["limits"] is not None


def test_a_correction_to_another_product_leaves_no_trace_in_the_series_it_left(bench):
    steady(bench)
    measured(bench, 103.0, number=11, result_version=1)
    measured(bench, 103.0, number=11, result_version=2, product="FG-200")
    assert bench.rows("SELECT product FROM series_sample WHERE sample_id = 'S-11'") == [("FG-200",)]
    ((body,),) = bench.rows("SELECT body FROM series WHERE product = 'FG-100'")
    assert json.loads(body)["recent"] == []


def test_a_correction_without_a_drawn_time_stays_where_its_point_was(bench):
    for number, value in enumerate(STEADY, start=1):
        bench.now_ns += SECOND_NS
        bench.result(viscosity(value, sample_id=f"S-{number}", product="FG-100", result_version=1))
    before = bench.rows("SELECT sample_id FROM series_sample ORDER BY at_ns")
    bench.now_ns += SECOND_NS
    bench.result(viscosity(99.7, sample_id="S-1", product="FG-100", result_version=2))
    assert bench.rows("SELECT sample_id FROM series_sample ORDER BY at_ns") == before


def test_analytes_belong_together_though_others_are_measured_too_and_some_samples_are_incomplete(bench):
    bench.line = line(together=(Together(product="FG-100", analytes=("viscosity", "ph"), baseline=10),))
    chance = np.random.default_rng(6)
    for number in range(1, 15):
        measured(bench, 100 + chance.normal(), number=number)
        for test in ("pH", "density", "colour")[: 3 if number % 5 else 0]:
            bench.result({"sample_id": f"S-{number}", "test_id": test, "value": 7 + 0.1 * chance.normal(),
                          "product": "FG-100", "material_lot": f"TREND-{number}", "status": "approved"})  # fmt: skip
    assert bench.rows("SELECT analytes FROM analytes_together") == [("viscosity + ph",)]


def test_the_command_shows_limits_and_withholds_capability_until_it_says_something(bench, tmp_path):
    config = tmp_path / "labline.toml"
    config.write_text(
        MINIMAL.replace("/tmp/x", str(bench.directory))  # noqa: S108
        + '[[specification]]\nproduct = "FG-100"\nanalyte = "viscosity"\nlower = 95.0\nupper = 105.0\n'
    )
    steady(bench)
    told = json.loads(CliRunner().invoke(app, ["trend", "list", "--config", str(config), "--json"]).stdout)
    (series_told,) = told["series"]
    assert (series_told["values"], series_told["cpk"]) == (10, None)
    assert "they need 25 values, there are 10" in series_told["why not"]
    assert series_told["state"] == "in control"
    for number in range(11, 41):
        measured(bench, STEADY[number % 10], number=number)
    told = json.loads(CliRunner().invoke(app, ["trend", "list", "--config", str(config), "--json"]).stdout)
    assert told["series"][0]["cpk"] > 2
