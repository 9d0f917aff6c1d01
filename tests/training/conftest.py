"""Fitting takes one thread here, as in training: beside other tests, threads that wait for each other take minutes."""

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits

from gateway.training.candidates import boosting


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(autouse=True, scope="module")
def _few_trees(request: pytest.FixtureRequest) -> Iterator[None]:
    """Boosted trees are a baseline of every training and take half of its time; who looks at them has ALL_TREES."""
    with pytest.MonkeyPatch.context() as patch:
        if not getattr(request.module, "ALL_TREES", False):
            patch.setattr(boosting, "_TREES", boosting._TREES[:2])
        yield
