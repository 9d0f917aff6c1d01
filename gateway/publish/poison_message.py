"""Which message the broker drops the connection over. Pure.

When the connection goes again and again with nothing acknowledged in between, messages go one at a time on a connection
that has stood for a moment, and the one that still costs it is the one to park.
"""

from collections.abc import Collection
from dataclasses import dataclass

_LOSSES_UNTIL_CAREFUL = 3
_STRIKES_UNTIL_PARKED = 3


@dataclass(slots=True)
class PoisonMessageDetector:
    """How often the connection went with messages in flight and none acknowledged in between."""

    losses: int = 0
    strikes: int = 0
    suspect: int | None = None

    @property
    def careful(self) -> bool:
        """Return whether messages go one at a time."""
        return self.losses >= _LOSSES_UNTIL_CAREFUL

    def cleared(self) -> None:
        """Note that the broker has acknowledged something."""
        self.losses, self.strikes, self.suspect = 0, 0, None

    def lost(self, seqs: Collection[int]) -> int | None:
        """Note a loss; return the message to park, or None."""
        if self.careful and len(seqs) == 1:
            (seq,) = seqs
            self.strikes = self.strikes + 1 if seq == self.suspect else 1
            self.suspect = seq
        self.losses += 1
        return self.suspect if self.strikes >= _STRIKES_UNTIL_PARKED else None
