"""Distances from the domain may be averaged over the last predictions: one noisy row decides nothing, a fault does."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.guardrails.gates import judge_domain
from gateway.inference.applicability_domain import as_judged, averaged_scores, distance, scores
from gateway.line.definition import Aggregate, InputDefinition
from gateway.line.model_domain import Domain
from gateway.line.outputs import ValueOutput
from gateway.line.sustained_outside import SustainedOutside
from gateway.records.prediction import FeatureVector, Prediction
from gateway.store.codec import decode
from gateway.training.backtest import Served
from gateway.training.learned_limits import LeftOut, margins_of
from gateway.training.recipe_tables.output import OutputTable
from gateway.training.refusals import chosen_average
from tests.fixtures.building import assignment, bundle, line, mean_input
from tests.fixtures.store_bench import Bench

INSIDE, NOISY, FAR = 78.0, 80.9, 85.0  # T2 0, 8.4 and 49 where 5 is the limit


def domain(averaged_over=3):
    """One component: the temperature alone, of unit spread around 78."""
    return Domain(center=np.array([78.0]), scale=np.array([1.0]), loadings=np.array([[1.0]]), variances=np.array([1.0]),
                  t2_limit=5.0, spe_limit=1.0, alpha=0.001, averaged_over=averaged_over)  # fmt: skip


def model(averaged_over=3, **changes):
    inputs = (mean_input("temperature", validated=(0.0, 200.0)),)
    return assignment(bundle=bundle(inputs=inputs, manipulated=(), domain=domain(averaged_over), **changes))


def refused(course, *, averaged_over=3):
    """Return at which instants of a course the domain refuses, each judged with those before it."""
    here = model(averaged_over).bundle
    rows = [(value,) for value in course]
    return [
        at for at, row in enumerate(rows)
        if judge_domain(here, FeatureVector(end_ns=0, names=("t",), values=row, evidence=(), sha256=""),
                        tuple(rows[:at][::-1]))
    ]  # fmt: skip


def test_one_noisy_row_between_others_is_not_refused():
    course = [INSIDE, INSIDE, NOISY, INSIDE, INSIDE]
    assert refused(course) == []
    assert refused(course, averaged_over=1) == [2]


def test_what_is_far_out_is_refused_at_once_and_what_follows_it_is_doubted():
    assert refused([INSIDE, INSIDE, FAR, INSIDE, INSIDE, INSIDE]) == [2, 3, 4]


@given(st.floats(5.0001, 500.0), st.lists(st.floats(70, 86), min_size=3, max_size=6))
def test_a_fault_is_refused_at_most_two_predictions_late(t2, before):
    fault = 78.0 + t2**0.5
    first = len(before)
    assert first + 2 in refused([*before, fault, fault, fault])


@given(st.lists(st.floats(70, 90), min_size=1, max_size=12), st.integers(1, 5))
def test_training_averages_as_service_does(course, over):
    here = domain(over)
    rows = np.array(course)[:, None]
    own = scores(here, rows)[0]
    judged = averaged_scores(here, own, here.t2_limit)
    for at in range(len(course)):
        earlier = tuple((value,) for value in course[:at][::-1])
        alone = as_judged(here, distance(here, rows[at]), earlier)
        assert alone.t2 == pytest.approx(judged[at], rel=1e-9, abs=1e-12)


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    bench.line = line(models=(model(outside=SustainedOutside(enters_after=9, of=10, leaves_after=2)),))
    return bench


def codes(bench, temperature, *, after_ns=10**9):
    bench.now_ns += after_ns
    bench.model_due(temperature)
    ((body,),) = bench.rows("SELECT body FROM prediction ORDER BY rowid DESC LIMIT 1")
    return [reason.code for reason in decode(Prediction, body).verdict.reasons]


def test_in_service_it_follows_from_the_predictions_on_record_and_comes_out_the_same_again(bench, tmp_path):
    course = [INSIDE, INSIDE, NOISY, INSIDE, NOISY, NOISY, FAR, INSIDE]
    (tmp_path / "again").mkdir()
    again = Bench(tmp_path / "again")
    again.line = bench.line
    reasons = [codes(bench, value) for value in course]
    outside = [at for at, codes_there in enumerate(reasons) if codes_there]
    assert outside == refused(course) == [4, 5, 6, 7]
    assert reasons[4] == ["OUTSIDE_DOMAIN_T2"]
    assert [codes(again, value) for value in course] == reasons


def test_what_was_long_ago_is_not_averaged_with(bench):
    codes(bench, INSIDE)
    codes(bench, INSIDE)
    assert codes(bench, NOISY, after_ns=3600 * 10**9) == ["OUTSIDE_DOMAIN_T2"]


@pytest.mark.parametrize(("worse_by", "over"), [(1.0, 2), (9.0, 1)])
def test_training_averages_where_single_rows_are_refused_and_predicted_as_well_as_others(worse_by, over):
    chance = np.random.default_rng(4)
    features = np.clip(chance.normal(size=(600, 3)), -1.6, 1.6)
    single = np.arange(20, 600, 29)
    features[single] = np.sign(features[single]) * 1.9  # each input inside its range, together farther out than others
    errors = chance.normal(size=600)
    errors[single] *= worse_by
    left_out = LeftOut(features=features, errors=errors, folds=4, gap=2, domain_alpha=0.05)
    inputs = tuple(
        InputDefinition(
            name=name, tag=name, aggregate=Aggregate.LAST, window_ns=0, lag_ns=0, unit="1", validated=(0, 1)
        )
        for name in "abc"
    )
    margins = margins_of(left_out, OutputTable(analyte="quality", unit="%", valid=(-9, 9), range_margin=0.5))
    margins = replace(margins, t2_limit=0.0, spe_limit=0.0)  # as the fitted domain says
    nothing = np.full(600, np.nan)
    served = Served(values=np.zeros(600), half_widths=np.ones(600), ages_ns=nothing, widenings=nothing)
    output = ValueOutput(column=0, valid=(-9, 9), coverage=0.9, half_width=1.0)
    chosen = chosen_average(left_out, served, inputs, margins, output, most=3)
    assert (chosen > 1) is (over > 1)
    assert chosen_average(left_out, served, inputs, margins, output, most=1) == 1
