"""When to try again: capped exponential backoff with full jitter, reset by success."""

import random
from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Delays between attempts. Jitter keeps many gateways from knocking on one server in step."""

    first_seconds: float = 0.5
    longest_seconds: float = 30.0
    attempts: int = 0

    def next_delay(self) -> float:
        """Return how long to wait before the next attempt: half to all of the doubled delay."""
        ceiling = min(self.longest_seconds, self.first_seconds * 2.0 ** min(self.attempts, 16))
        self.attempts += 1
        return float(ceiling * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret

    def succeeded(self) -> None:
        """Start again from the first delay."""
        self.attempts = 0
