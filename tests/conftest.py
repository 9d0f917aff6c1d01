"""What all tests share: patience of the property tests, and the real parts they run against."""

import hypothesis

# no deadline: machines are shared, and time is for benches
hypothesis.settings.register_profile("labline", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("labline")

pytest_plugins = ["tests.integration.parts"]
