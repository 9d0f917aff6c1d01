"""The benches of searches and answers run on a short season, and find what they search for."""

import pytest

from simulator.bench import ask, search


@pytest.mark.parametrize("bench", [search, ask])
def test_a_short_season_is_searched_and_asked_of(bench):
    figures = bench.measure(True)
    assert figures["lots"].value > 0
    assert all(figure.value > 0 for figure in figures.values())
