"""Fitting takes one thread here, as in training: beside other tests, threads that wait for each other take minutes."""

from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from threadpoolctl import threadpool_limits

from tests.fixtures.quick_training import few_trees, without_pictures


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(autouse=True, scope="module")
def _little_beside(request: pytest.FixtureRequest) -> Iterator[None]:
    """No pictures, and few boosted trees; who looks at these has ALL_TREES."""
    with without_pictures(), nullcontext() if getattr(request.module, "ALL_TREES", False) else few_trees():
        yield
