"""A store with users, and the console on it."""

import pytest

from tests.fixtures.building import line
from tests.fixtures.console import console_at_work, new_store_with_users, quick_passwords


@pytest.fixture
def directory(tmp_path, monkeypatch):
    """A store with a user of each role."""
    quick_passwords(monkeypatch)
    new_store_with_users(tmp_path)
    return tmp_path


@pytest.fixture
async def served(directory):
    """The console at work on that store."""
    async with console_at_work(directory, line()) as at_work:
        yield at_work
