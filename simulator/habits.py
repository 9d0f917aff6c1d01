"""How an operator at a terminal takes guidance: after how long, and what of it they refuse.

The demonstration's operator always needs the same time and refuses nothing. A real one answers after a while that
differs from call to call, and sometimes knows better. A log-normal delay is what studies of operators' reactions
usually fit: most answers come soon, a few very late.
"""

import math
import random
from dataclasses import dataclass, field

from simulator.scenarios import PLANT_SECONDS

MEDIAN_PLANT_SECONDS = 120.0  # from the call to the answer: to see it, to understand it, to decide
SPREAD = 0.75  # of the delay's logarithm: one answer in twenty takes more than seven minutes
REFUSED_SHARE = 0.2
REASONS = ("the line is being cleaned", "the laboratory doubts the analyser", "the shift wants to wait for a result")


@dataclass(slots=True)
class Habits:
    """Reaction times in seconds of the bench, and refusals with their reason."""

    median_seconds: float
    spread: float = 0.0
    refused_share: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(0))

    def reaction_seconds(self) -> float:
        """Return after how long the next call is answered."""
        return self.median_seconds * math.exp(self.spread * self.chance.gauss(0.0, 1.0))

    def refusal(self) -> str | None:
        """Return why the next suggestion is refused, None where it is followed."""
        if self.chance.random() >= self.refused_share:
            return None
        return self.chance.choice(REASONS)


def realistic(seed: int) -> Habits:
    """Return the habits of a real operator; the same seed gives the same delays and refusals."""
    return Habits(
        median_seconds=MEDIAN_PLANT_SECONDS / PLANT_SECONDS,
        spread=SPREAD,
        refused_share=REFUSED_SHARE,
        chance=random.Random(f"{seed}/operator"),
    )
