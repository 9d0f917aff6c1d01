"""What all tests share: patience of the property tests, and the real parts they run against."""

import hypothesis
import pytest
import structlog

from tests import address_space

# no deadline: machines are shared, and time is for benches
hypothesis.settings.register_profile("labline", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("labline")

address_space.keep()

pytest_plugins = ["tests.integration.parts"]


@pytest.fixture(autouse=True)
def _logs_as_they_were():
    """A command that ran within the test has sent logs to an output that may be closed by now."""
    yield
    structlog.reset_defaults()
