"""The order of the whole suite: every test once, what takes long at the heads of the processes' stretches."""

from fnmatch import filter  # noqa: A004 - what it is called there

import pytest

from tests.fixtures.order import LONG_FIRST, long_first
from tests.fixtures.real_parts import REPOSITORY

QUICK, LONG = "tests/lab/test_charts.py", ("tests/crash/test_disk.py", "tests/crash/test_kills.py")


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_every_test_is_run_once_and_the_long_ones_begin(processes):
    names = [QUICK] * 5 + [LONG[0]] * 2 + [QUICK] * 3 + [LONG[1]]
    places = long_first(names, processes)
    assert sorted(places) == list(range(len(names)))
    assert names[places[0]] == LONG[0]
    assert names[places[-(-len(names) // processes) if processes > 1 else 2]] == LONG[1]
    assert [place for place in places if names[place] == LONG[0]] == [5, 6]


def test_what_is_named_as_long_is_there():
    modules = [str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "tests").rglob("test_*.py")]
    assert [pattern for pattern in LONG_FIRST if not filter(modules, pattern)] == []
