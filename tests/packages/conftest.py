"""What the tests of packages share: a release, built once by one test process."""

from pathlib import Path

import pytest

from tests.fixtures.once import once
from tests.fixtures.packages import Release, make_release


@pytest.fixture(scope="session")
def release(tmp_path_factory):
    version, *files = once(tmp_path_factory, "release", make_release)
    return Release(version, *map(Path, files))
