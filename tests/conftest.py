"""What all tests share: patience of the property tests, and the real parts they run against."""

import gc
import importlib
import os
from contextlib import nullcontext, suppress
from pathlib import Path

import hypothesis
import pytest
import structlog

from tests.fixtures import address_space
from tests.fixtures.fork_server import SERVER
from tests.fixtures.order import long_first

# no deadline: machines are shared, and time is for benches; for more: --hypothesis-profile=thorough
_PATIENT = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("labline", max_examples=40, **_PATIENT)
hypothesis.settings.register_profile("thorough", max_examples=500, **_PATIENT)
hypothesis.settings.load_profile("labline")

_TESTS = Path(__file__).parent

address_space.keep()
SERVER.install()

pytest_plugins = ["tests.fixtures.real_parts", "tests.fixtures.refusal_paths"]


@pytest.fixture(autouse=True)
def _logs_as_they_were():
    """A command that ran within the test has sent logs to an output that may be closed by now."""
    yield
    structlog.reset_defaults()


def _is_whole_suite(config):
    return [Path(part).resolve() for part in config.args] == [_TESTS]


def pytest_collectstart(collector):
    """Of the whole suite, let each process begin with a part: what one has rewritten and compiled, the others read."""
    worker, count = os.environ.get("PYTEST_XDIST_WORKER", ""), os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")
    if not worker or collector.path != _TESTS or not _is_whole_suite(collector.config):
        return
    modules = sorted(path.relative_to(_TESTS.parent) for path in _TESTS.rglob("test_*.py")
                     if _TESTS / "packages" not in path.parents)  # fmt: skip
    for module in modules[int(worker.removeprefix("gw")) :: int(count)]:
        with suppress(Exception, pytest.skip.Exception):  # its collection says why
            importlib.import_module(".".join(module.with_suffix("").parts))


def pytest_collection_modifyitems(config, items):
    """Of the whole suite, let what takes long begin first."""
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if count > 1 and _is_whole_suite(config):
        places = long_first([item.nodeid.partition("::")[0] for item in items], count)
        items[:] = [items[place] for place in places]


def pytest_collection_finish():
    """Spare the collector of garbage thousands of tests and all libraries; it would walk over them again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def pytest_configure(config):
    SERVER.forks_test_processes = _is_whole_suite(config)
    config.addinivalue_line("markers", "real_interpreter: what this test starts is not forked off a server")


def pytest_unconfigure():
    SERVER.close()


@pytest.fixture(autouse=True)
def _real_interpreters(request):
    """Where a test asks for it, a gateway is a Python that starts from the beginning."""
    with SERVER.away() if request.node.get_closest_marker("real_interpreter") else nullcontext():
        yield
