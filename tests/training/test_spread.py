"""What arithmetic leaves of an input that stands still is no movement."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.line.definition import Aggregate, InputDefinition
from gateway.training.applicability_domain import fit_domain
from gateway.training.candidates.scaled import center_and_scale
from gateway.training.learned_limits import Margins, with_ranges
from gateway.training.spread import scale_of

PLAIN = InputDefinition(
    name="TI1", tag="TI1", aggregate=Aggregate.LAST, window_ns=0, lag_ns=0, unit="degC", validated=(-1, 1)
)


def counted(rows=200):
    """Return the change of a counter within four rows: always the same, but for how numbers are kept."""
    counter = np.arange(rows) * 0.01 + 7
    return np.column_stack([counter[4:] - counter[:-4], np.sin(np.arange(rows - 4))])


def test_a_change_that_is_always_the_same_has_no_scale_of_its_own():
    features = counted()
    assert np.ptp(features[:, 0]) > 0
    assert scale_of(features)[0] == 1.0
    assert center_and_scale(features)[1][0] == 1.0
    assert fit_domain(features, alpha=0.001).scale[0] == 1.0
    assert scale_of(features)[1] == pytest.approx(features[:, 1].std())


def test_a_row_whose_numbers_are_kept_otherwise_is_within_the_range():
    features = counted()
    none = np.zeros(2)
    first, _second = with_ranges(
        (PLAIN, PLAIN), features[:50], Margins(below=none, above=none, t2_limit=1.0, spe_limit=1.0)
    )
    assert ((features[:, 0] >= first.validated[0]) & (features[:, 0] <= first.validated[1])).all()
    assert first.validated[1] - first.validated[0] < 1e-9
    assert first.learned == (features[:50, 0].min(), features[:50, 0].max())


@given(st.floats(-1e6, 1e6), st.integers(2, 50))
def test_a_constant_of_any_size_stands_still(value, rows):
    assert scale_of(np.full((rows, 1), value)) == [1.0]
