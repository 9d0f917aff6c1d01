"""Margins beyond what a model has learned are earned by errors on blocks of time that were left out, and only there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.line.definition import Aggregate, InputDefinition
from gateway.line.outputs import ValueOutput
from gateway.training.backtest import Served
from gateway.training.cross_validation import blocks
from gateway.training.learned_limits import LeftOut, margins_of, quantities_of, with_limits, with_ranges
from gateway.training.margin_evidence import grows_beyond, holds_up_to
from gateway.training.recipe import read_recipe
from gateway.training.recipe_tables.output import OutputTable
from gateway.training.refusals import gated_rows
from gateway.training.train import train
from tests.fixtures import generated_plants as plants

ROWS = 400


def table(**keys):
    return OutputTable(analyte="quality", unit="%", valid=(0, 100), **keys)


def left_out(column, errors):
    features = np.column_stack([column, np.sin(np.arange(len(column)))])
    return LeftOut(features=features, errors=errors, folds=4, gap=2)


def excursion(*, up=True):
    """Return an input between 0 and 1 that goes on to 2, or down to -1, within the second quarter."""
    column = np.tile(np.linspace(0, 1, 20), ROWS // 20)
    column[130:160] = np.linspace(1, 2, 30) if up else np.linspace(0, -1, 30)
    return column


def errors_of(column, *, growth):
    """Return errors of one size, larger by ``growth`` for each unit outside 0 to 1."""
    sign = np.where(np.arange(len(column)) % 2, 1.0, -1.0)
    return sign * (1 + growth * np.maximum(np.maximum(column - 1, -column), 0))


@pytest.mark.parametrize(("up", "side", "other"), [(True, "above", "below"), (False, "below", "above")])
def test_an_input_earns_how_far_outside_errors_held_on_that_side_only(up, side, other):
    column = excursion(up=up)
    margins = margins_of(left_out(column, errors_of(column, growth=0)), table())
    assert getattr(margins, side)[0] == pytest.approx(0.69, abs=0.01)  # of the range 0 to 1; ten rows lie farther out
    assert getattr(margins, other)[0] == 0


def test_a_plant_whose_errors_grow_outside_earns_nothing():
    column = excursion()
    margins = margins_of(left_out(column, errors_of(column, growth=20)), table())
    assert margins.above[0] == 0


def test_where_errors_grow_farther_out_the_margin_ends_before():
    column = excursion()
    grown = np.where(column > 1.5, 6.0, 1.0)
    margins = margins_of(left_out(column, grown), table())
    assert 0 < margins.above[0] <= 0.5


def test_many_rows_close_by_do_not_vouch_for_a_few_far_off():
    distances = np.concatenate([np.full(500, 0.05), np.full(20, 1.0)])
    errors = np.concatenate([np.ones(500), np.full(20, 4.0)])
    assert holds_up_to(distances, errors, inside=np.ones(500)) == 0.05


def test_a_constant_input_and_one_that_never_left_its_range_earn_nothing():
    inside = np.tile(np.linspace(0, 1, 20), ROWS // 20)
    for column in (np.full(ROWS, 3.0), inside):
        margins = margins_of(left_out(column, np.ones(ROWS)), table(range_margin=0.0))
        assert (margins.below[0], margins.above[0]) == (0, 0)


def test_too_few_rows_outside_earn_nothing():
    column = np.tile(np.linspace(0, 1, 20), ROWS // 20)
    column[130:135] = 2
    assert margins_of(left_out(column, np.ones(ROWS)), table()).above[0] == 0


def test_the_recipe_bounds_what_is_earned_and_switches_it_off():
    column = excursion()
    rows = left_out(column, np.ones(ROWS))
    assert margins_of(rows, table(most_margin=0.2)).above[0] == pytest.approx(0.2)
    assert margins_of(rows, table(earned_margin=False, range_margin=0.1)).above[0] == 0.1
    assert margins_of(rows, table(range_margin=0.7)).above[0] == 0.7  # the least stands


def test_an_input_has_the_range_learned_and_the_one_with_its_margin():
    column = excursion()
    rows = left_out(column, np.ones(ROWS))
    plain = InputDefinition(
        name="TI1", tag="TI1", aggregate=Aggregate.LAST, window_ns=0, lag_ns=0, unit="degC", validated=(-1, 1)
    )
    first, _second = with_ranges((plain, plain), rows.features, margins_of(rows, table()))
    assert first.learned == (0, 2)
    assert first.validated == pytest.approx((0, 2 + 0.69 * 2), abs=0.01)


@given(
    st.lists(st.tuples(st.floats(0.001, 3), st.floats(-9, 9)), max_size=60),
    st.lists(st.floats(-2, 2), min_size=10, max_size=80),
)
def test_what_is_earned_lies_within_what_was_seen_and_its_errors_hold(outside, inside):
    distances, errors = (np.array([pair[at] for pair in outside]) for at in (0, 1))
    reach = holds_up_to(distances, errors, inside=np.array(inside))
    if reach:
        assert reach in distances
        order = np.argsort(distances, kind="stable")
        means = np.cumsum(errors[order] ** 2) / np.arange(1, len(errors) + 1)
        assert means[9:][distances[order][9:] >= reach].min() <= 1.5**2 * np.mean(np.square(inside)) * (1 + 1e-9)


def test_models_of_earlier_blocks_vouch_for_how_far_the_plant_went_on_from_the_past():
    column = np.tile(np.linspace(0, 1, 20), ROWS // 20)
    column[200:] += 0.6  # the second half lies higher, all of it
    features, errors = np.column_stack([column, np.sin(np.arange(ROWS))]), np.ones(ROWS)
    later = np.where(np.arange(ROWS) < 100, np.nan, 1.0)
    plain = LeftOut(features=features, errors=errors, folds=4, gap=2)
    known = LeftOut(features=features, errors=errors, folds=4, gap=2, later_errors=later)
    grown = LeftOut(
        features=features, errors=errors, folds=4, gap=2, later_errors=np.where(column > 1, 9 * later, later)
    )
    margins = [margins_of(rows, table()).above[0] for rows in (plain, known, grown)]
    assert margins[0] == 0
    assert 0.4 < margins[1] < 0.6  # it went 0.6 of the range that models of the first half knew
    assert margins[2] < 0.05


def test_rows_beyond_an_input_that_a_model_had_hardly_seen_move_vouch_for_nothing():
    column = np.full(ROWS, 0.5)
    column[300:] = np.linspace(0, 10, 100)  # before the last quarter it stood still
    earlier = np.where(np.arange(ROWS) < 100, np.nan, 1.0)
    features = np.column_stack([column, np.sin(np.arange(ROWS))])
    rows = LeftOut(features=features, errors=np.ones(ROWS), folds=4, gap=2, later_errors=earlier)
    margins = margins_of(rows, table())
    assert (margins.below[0], margins.above[0]) == (0, 0)


def lagged(column, lags):
    return np.column_stack([np.concatenate([np.full(lag, column[0]), column[: ROWS - lag]]) for lag in lags])


def test_the_lags_of_a_tag_are_heard_together_an_excursion_passes_one_after_the_other():
    column = np.tile(np.linspace(0, 1, 20), ROWS // 20)
    column[150:157] = 1.6  # seven rows: too few for a lag by itself
    features = np.column_stack([lagged(column, (0, 7, 14)), np.sin(np.arange(ROWS))])
    apart, together = (
        margins_of(
            LeftOut(features=features, errors=np.ones(ROWS), folds=4, gap=20, quantities=of), table(shared_margin=0)
        )
        for of in (None, (0, 0, 0, 3))
    )
    assert apart.above.tolist() == [0, 0, 0, 0]
    assert together.above == pytest.approx([0.6, 0.6, 0.6, 0])


def test_the_same_quantity_at_another_lag_is_known_by_all_but_its_lag():
    inputs = tuple(
        InputDefinition(name=name, tag=tag, aggregate=aggregate, window_ns=window_ns, lag_ns=lag_ns, unit="1",
                        validated=(0, 1), difference_ns=difference_ns)
        for name, tag, aggregate, window_ns, lag_ns, difference_ns in (
            ("a0", "a", Aggregate.LAST, 0, 0, None), ("a4", "a", Aggregate.LAST, 0, 4, None),
            ("b0", "b", Aggregate.LAST, 0, 0, None), ("am", "a", Aggregate.MEAN, 5, 0, None),
            ("d0", "a", Aggregate.LAST, 0, 0, 4), ("d4", "a", Aggregate.LAST, 0, 4, 4),
        )
    )  # fmt: skip
    assert quantities_of(inputs) == (0, 0, 2, 3, 4, 4)


def a_little_outside(*, error=1.0, of=range(4), size=1.0):
    """Return the rows of four tags: a fifth of the rows lies up to 0.3 of its range above in one or another of them.

    ``error``: of the rows outside in the tags ``of``, where others err by 1; ``size``: how many tags leave their range.
    """
    chance = np.random.default_rng(4)
    features, errors = chance.uniform(size=(ROWS, 4)), np.where(np.arange(ROWS) % 2, 1.0, -1.0)
    for number in range(ROWS // 5):
        tag, row = number % int(4 * size), number * 5 + 1
        features[row, tag] = 1 + 0.3 * chance.uniform()
        errors[row] *= error if tag in of else 1.0
    # blocks take turns: within each one tag lies outside of what the others have seen
    outside = features > 1.0
    for tag in range(4):
        own = np.arange(ROWS) // (ROWS // 4) == tag
        features[:, tag] = np.where(outside[:, tag] & ~own, 0.5, features[:, tag])
    return LeftOut(features=features, errors=errors, folds=4, gap=2)


def test_inputs_that_are_hardly_ever_outside_have_a_margin_where_all_together_vouch_for_it():
    rows = a_little_outside()
    alone, shared = (margins_of(rows, table(shared_margin=most)) for most in (0, 0.25))
    assert alone.below.max() == 0
    assert (shared.above > 0.1).all()
    assert (shared.below > 0.1).all()
    assert max(shared.above.max(), shared.below.max()) <= 0.25


def test_an_input_whose_few_rows_outside_err_more_has_no_margin_whatever_others_vouch_for():
    margins = margins_of(a_little_outside(error=2.0, of=(2,)), table())
    assert margins.above[2] < 0.02
    assert margins.above[0] > 0.05


def test_nothing_is_shared_where_errors_grow_outside():
    margins = margins_of(a_little_outside(error=6.0), table())
    assert max(margins.above.max(), margins.below.max()) < 0.02


def test_two_inputs_do_not_vouch_for_all_others():
    margins = margins_of(a_little_outside(size=0.5), table())
    assert margins.above.max() < 0.05
    assert margins.below.max() < 0.05


def test_an_input_that_a_model_has_hardly_seen_move_has_no_share():
    rows = a_little_outside()
    rows.features[:, 3] = np.where(np.arange(ROWS) < 300, 0.5, rows.features[:, 3])
    margins = margins_of(rows, table())
    assert (margins.below[3], margins.above[3]) == (0, 0)
    assert margins.below[0] > 0


@given(
    st.lists(st.tuples(st.floats(0.001, 3), st.floats(-9, 9)), max_size=40),
    st.lists(st.floats(-2, 2), min_size=10, max_size=80),
)
def test_rows_that_deny_a_margin_lie_beyond_it(outside, inside):
    distances, errors = (np.array([pair[at] for pair in outside]) for at in (0, 1))
    beyond = grows_beyond(distances, errors, inside=np.array(inside))
    assert beyond in {np.inf, 0.0, *distances.tolist()}
    largest = np.max(np.square(inside))
    too_large = distances[errors**2 > len(outside) * max(largest, 2.25 * np.mean(np.square(inside)))]
    assert not len(too_large) or beyond <= too_large.min()


LAGS = (0, 2, 4)


@pytest.fixture(scope="module")
def judged():
    """Return what the gates of a model of a usual plant, with margins that it has earned, say of tags."""
    plant = plants.continuous(count=1200, seed=21)
    names = tuple(plant.tags)
    inputs = tuple(
        InputDefinition(name=f"{tag}.{lag}", tag=tag, aggregate=Aggregate.LAST, window_ns=0, lag_ns=lag, unit="1",
                        validated=(0, 1))
        for tag in names for lag in LAGS
    )  # fmt: skip
    shifted = [[np.concatenate([np.full(lag, plant.tags[tag][0]), plant.tags[tag][: 1200 - lag]]) for lag in LAGS]
               for tag in names]  # fmt: skip
    features = np.column_stack([column for of_tag in shifted for column in of_tag])
    known, errors = slice(0, 800), np.full(800, np.nan)
    for fitting, leaving in blocks(800, folds=4, gap=6):
        design = np.column_stack([np.ones(800), features[known]])
        fitted, *_rest = np.linalg.lstsq(design[fitting], plant.y[known][fitting], rcond=None)
        errors[leaving] = plant.y[known][leaving] - design[leaving] @ fitted
    left_out = LeftOut(features=features[known], errors=errors, folds=4, gap=6, quantities=quantities_of(inputs))
    margins = margins_of(left_out, table())
    limits = with_ranges(inputs, features[known], margins), with_limits(features[known], margins, alpha=0.001)

    def accepted(change):
        """Return the share of 100 rows of a later time that the gates accept, as a fault changes the first tag."""
        tags = features[900:1000].copy()
        tags[:, :3] = change(tags[:, :3])
        nothing = np.full(100, np.nan)
        served = Served(values=np.zeros(100), half_widths=np.ones(100), ages_ns=nothing, widenings=nothing)
        output = ValueOutput(column=0, valid=(-1e9, 1e9), coverage=0.9, half_width=1.0)
        return float(gated_rows(*limits, tags, served, output).accepted.mean())

    return accepted


@pytest.mark.parametrize(
    ("fault", "most"),
    [
        (lambda tag: tag, 1.0),
        (np.zeros_like, 0.0),  # a dead sensor
        (lambda tag: tag * 10, 0.0),  # in another unit
        (lambda tag: np.full_like(tag, 180.0), 0.0),  # stuck at the end of its scale
        (lambda tag: tag + np.linspace(0, 60, 100)[:, None], 0.6),  # drifts to twelve of its standard deviations
    ],
)
def test_earned_margins_leave_the_faults_of_a_sensor_refused(judged, fault, most):
    share = judged(fault)
    assert share <= most
    assert share > 0.9 or most < 1


def test_a_plant_that_turns_round_outside_earns_next_to_nothing():
    plant = plants.errs_outside(count=800)
    features = np.column_stack(list(plant.tags.values()))
    errors = np.full(800, np.nan)
    design = np.column_stack([np.ones(800), features])
    for fitting, leaving in blocks(800, folds=4, gap=6):
        fitted, *_rest = np.linalg.lstsq(design[fitting], plant.y[fitting], rcond=None)
        errors[leaving] = plant.y[leaving] - design[leaving] @ fitted
    assert margins_of(LeftOut(features=features, errors=errors, folds=4, gap=6), table()).above[0] < 0.05


def with_others(plant, *, count=5, seed=31):
    """Return the plant with more tags, that say nothing and wander: in one or another of them rows lie outside."""
    others = plants.continuous(len(plant.y), seed=seed), plants.continuous(len(plant.y), seed=seed + 1)
    tags = {f"{tag}{number}": values for number, other in enumerate(others) for tag, values in other.tags.items()}
    return plants.GeneratedPlant(
        tags={**plant.tags, **dict(list(tags.items())[:count])}, y=plant.y, explained=plant.explained, every_rows=1
    )  # fmt: skip


def test_rows_where_errors_grow_are_refused_beside_inputs_that_vouch_for_each_other(tmp_path):
    plant = with_others(plants.errs_outside(count=600))
    recipe = read_recipe(plant.write(tmp_path, tables='[candidates]\nkinds = ["ridge"]\nfolds = 4\n', lags=[0]))
    trained = train(recipe, folder=tmp_path)
    tag = trained.rows.features[trained.test][:, [item.tag for item in trained.inputs].index("TI1")]
    limits = {item.tag: item for item in trained.inputs}
    turned, usual = tag > limits["TI1"].learned[1], np.abs(tag) < 2
    assert turned.sum() >= 5
    assert trained.accepted[turned].mean() == 0
    assert trained.accepted[usual].mean() > 0.9
    assert trained.refusals.error_refused > 3 * trained.refusals.error_accepted
    assert limits["TI1"].validated[1] < limits["TI1"].learned[1] + 0.1
