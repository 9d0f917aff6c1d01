"""What all tests share: patience of the property tests, and the real parts they run against."""

from contextlib import nullcontext

import hypothesis
import pytest
import structlog

from tests.fixtures import address_space
from tests.fixtures.fork_server import SERVER

# no deadline: machines are shared, and time is for benches
hypothesis.settings.register_profile("labline", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("labline")

address_space.keep()
SERVER.install()

pytest_plugins = ["tests.fixtures.real_parts", "tests.fixtures.refusal_paths"]


@pytest.fixture(autouse=True)
def _logs_as_they_were():
    """A command that ran within the test has sent logs to an output that may be closed by now."""
    yield
    structlog.reset_defaults()


def pytest_configure(config):
    config.addinivalue_line("markers", "real_interpreter: what this test starts is not forked off a server")


def pytest_unconfigure():
    SERVER.close()


@pytest.fixture(autouse=True)
def _real_interpreters(request):
    """Where a test asks for it, a gateway is a Python that starts from the beginning."""
    with SERVER.away() if request.node.get_closest_marker("real_interpreter") else nullcontext():
        yield
