"""What is played and replayed are models; of their trainings nothing else is looked at."""

import pytest

from tests.fixtures.quick_training import few_trees, without_pictures


@pytest.fixture(autouse=True, scope="module")
def _little_beside():
    with without_pictures(), few_trees():
        yield
