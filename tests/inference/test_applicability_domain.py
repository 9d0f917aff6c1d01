"""T2 and SPE: their limits refuse the stated share of fresh rows, and name what stands out."""

import numpy as np
import pytest

from gateway.inference.applicability_domain import distance, largest, scores
from gateway.training.applicability_domain import fit_domain, t2_limit


def correlated(count, seed, inputs=8, factors=3):
    """Rows that a few factors drive, with noise of their own."""
    chance = np.random.default_rng(seed)
    mixing = np.random.default_rng(5).normal(size=(factors, inputs))
    return chance.normal(size=(count, factors)) @ mixing + 0.3 * chance.normal(size=(count, inputs)) + 20.0


@pytest.mark.parametrize("alpha", [0.01, 0.05])
def test_each_limit_refuses_the_stated_share_of_fresh_rows_of_the_same_kind(alpha):
    """Over 40 references of 500 rows, 5,000 fresh rows each: the mean share lies within a tenth of alpha."""
    shares = []
    for seed in range(40):
        domain = fit_domain(correlated(500, seed), alpha=alpha)
        t2, spe = scores(domain, correlated(5000, 1000 + seed))
        shares.append((np.mean(t2 > domain.t2_limit), np.mean(spe > domain.spe_limit)))
    t2_share, spe_share = np.mean(shares, axis=0)
    assert t2_share == pytest.approx(alpha, rel=0.1)
    assert spe_share == pytest.approx(alpha, rel=0.1)


def test_the_limit_of_t2_is_the_published_one():
    # Tracy, Young and Mason's formula, worked by hand: 2 (30^2 - 1) / (30 * 28) * F(0.95; 2, 28) = 2.140476 * 3.340386
    assert t2_limit(rows=30, components=2, alpha=0.05) == pytest.approx(7.15002, rel=1e-5)


def test_inputs_that_are_each_in_range_but_never_stood_together_are_seen_off_the_plane():
    rows = correlated(500, 1)
    domain = fit_domain(rows, alpha=0.01)
    strange = rows.mean(axis=0)
    strange[1] += 2.5 * rows[:, 1].std()
    assert (strange >= rows.min(axis=0)).all()
    assert (strange <= rows.max(axis=0)).all()
    measured = distance(domain, strange)
    assert measured.spe > domain.spe_limit
    names = tuple(f"i{at}" for at in range(8))
    assert largest(names, measured.spe_contributions)[0] == "i1"


def test_contributions_add_up():
    rows = correlated(300, 2)
    domain = fit_domain(rows, alpha=0.01)
    measured = distance(domain, rows[7] * 1.1)
    assert measured.t2_contributions.sum() == pytest.approx(measured.t2)
    assert measured.spe_contributions.sum() == pytest.approx(measured.spe)
    t2, spe = scores(domain, rows[7:8] * 1.1)
    assert (measured.t2, measured.spe) == (pytest.approx(t2[0]), pytest.approx(spe[0]))


def test_an_input_that_was_constant_in_training_may_not_move():
    rows = np.column_stack([correlated(200, 3), np.full(200, 7.0)])
    domain = fit_domain(rows, alpha=0.01)
    moved = rows.mean(axis=0)
    moved[-1] = 12.0
    assert distance(domain, moved).spe > domain.spe_limit


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match="too few"):
        fit_domain(correlated(4, 1), alpha=0.01)
