"""Every problem of a configuration at once: parts that are built one after the other, and their errors put together."""

from collections.abc import Callable
from typing import TypeVar

from gateway.errors import ConfigurationError, Problem

T = TypeVar("T")


class AllAtOnce:
    """Builds parts; ``done`` raises one ConfigurationError with the problems of all that could not be built."""

    def __init__(self) -> None:
        self._problems: dict[Problem, None] = {}

    def part(self, build: Callable[[], T]) -> T | None:
        """Return a part, or None where its problems are kept for the end."""
        try:
            return build()
        except ConfigurationError as error:
            self._problems |= dict.fromkeys(error.problems)
            return None

    def done(self, part: T | None) -> T:
        """Return a part; raises ConfigurationError where any could not be built."""
        if self._problems or part is None:
            raise ConfigurationError(tuple(self._problems))
        return part
