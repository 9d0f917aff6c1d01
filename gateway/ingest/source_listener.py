"""The listener to whom the feed of a source reports how its source is."""

from collections.abc import Mapping
from typing import Protocol


class SourceListener(Protocol):
    """Hears how each source of process values is."""

    def source(self, name: str, connected: bool, /) -> None:  # noqa: FBT001 - a state
        """Take whether a source is connected."""

    def source_reason(self, name: str, why: str, /) -> None:
        """Take why a source is not connected."""

    def condition(self, code: str, stands: bool, /) -> None:  # noqa: FBT001 - a state
        """Take whether an alarm stands."""

    def skew(self, name: str, seconds: float, /) -> None:
        """Take how far a source's clock is ahead of ours."""

    def tags(self, name: str, reasons: Mapping[str, str], /) -> None:
        """Take which tags of a source cannot be used, and why."""
