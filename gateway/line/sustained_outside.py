"""The state "the process is outside what the model has learned": how it begins, and how it ends. Pure.

A fault that creeps or oscillates is refused once and accepted again. Where enough of the last predictions were refused
because of where the process was, those between are not trusted either, until enough in a row were inside. Nothing is
kept for it: it follows from the predictions before, as they are on record, so that a replay comes to the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class SustainedOutside:
    """Begins when ``enters_after`` of the last ``of`` predictions were outside; ends after so many in a row inside."""

    enters_after: int
    of: int
    leaves_after: int

    @property
    def looks_back(self) -> int:
        """Return how many predictions before the present one decide."""
        return max(self.of, self.leaves_after) - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class PastJudgement:
    """How a prediction was judged: whether the process was outside, None where that was not known; and the state."""

    outside: bool | None
    stands: bool


def stands_now(rules: SustainedOutside, before: Sequence[PastJudgement], *, outside: bool | None) -> bool:
    """Return whether the state stands at a prediction that is outside or not; ``before``: the newest first."""
    if before and before[0].stands:
        run = [outside, *(past.outside for past in before[: rules.leaves_after - 1])]
        return len(run) < rules.leaves_after or any(item is not False for item in run)
    if not outside:
        return False
    run = [outside, *(past.outside for past in before[: rules.of - 1])]
    return sum(item is True for item in run) >= rules.enters_after
