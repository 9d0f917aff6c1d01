"""Margins beyond what a model has learned are earned by errors on blocks of time that were left out, and only there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.line.definition import Aggregate, InputDefinition
from gateway.training.learned_limits import LeftOut, holds_up_to, margins_of, with_ranges
from gateway.training.recipe_tables.output import OutputTable

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
    assert getattr(margins, side)[0] == pytest.approx(0.345, abs=0.01)  # ten rows lie farther out
    assert getattr(margins, other)[0] == 0


def test_a_plant_whose_errors_grow_outside_earns_nothing():
    column = excursion()
    margins = margins_of(left_out(column, errors_of(column, growth=20)), table())
    assert margins.above[0] == 0


def test_where_errors_grow_farther_out_the_margin_ends_before():
    column = excursion()
    grown = np.where(column > 1.5, 6.0, 1.0)
    margins = margins_of(left_out(column, grown), table())
    assert 0 < margins.above[0] <= 0.25


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
    assert first.validated == pytest.approx((0, 2.69), abs=0.01)


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
    assert 0.2 < margins[1] < 0.375  # it went 0.6 of the 1.6 that all span
    assert margins[2] < 0.05
