"""Whether an action has helped: in how many lots the same failure came since, by an interval. Pure.

Lots count, not samples: ten samples of a lot that is right say no more than one. A lot in which nothing was measured
that could fail so says nothing, and is not counted; where results name no lot, each sample stands for one.
"""

from dataclasses import dataclass
from enum import StrEnum

from gateway.lab.quantiles import beta_quantile
from gateway.records.corrective_actions import ActionRecorded

FEWEST_LOTS = 10  # without the failure, before which no action counts as effective
_PRIOR = 0.5  # Jeffreys' prior, as in materials.py
_TAIL = 0.05


class Effectiveness(StrEnum):
    """How an action did."""

    NOT_DONE = "not_done"
    TOO_EARLY = "too_early"  # the failure has not come back, in so few lots that it need not have
    EFFECTIVE = "effective"  # it has not come back, and surely comes less often than before
    REDUCED = "reduced"  # it has come back, and surely less often than before
    NOT_EFFECTIVE = "not_effective"  # it has come back


@dataclass(frozen=True, kw_only=True, slots=True)
class Recurrence:
    """In how many lots a failure came in a stretch of time, of how many in which it could have been seen.

    ``samples`` and ``failed``: how many samples of these lots were measured, and in how many of them it was seen.
    """

    lots: int
    failed_lots: int
    samples: int
    failed: int

    @property
    def share(self) -> float:
        """Return the mean of the posterior of the share of lots that fail (Gelman et al., 2.4 and 2.8)."""
        return (_PRIOR + self.failed_lots) / (2 * _PRIOR + max(self.lots, self.failed_lots))

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 90 % interval of the share of lots, with equal tails (Brown, Cai and DasGupta 2001, 3.3)."""
        alpha, beta = _PRIOR + self.failed_lots, _PRIOR + max(0, self.lots - self.failed_lots)
        return beta_quantile(alpha, beta, _TAIL), beta_quantile(alpha, beta, 1 - _TAIL)


NOTHING_YET = Recurrence(lots=0, failed_lots=0, samples=0, failed=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """How an action did, and by which counts: since it was done, and before its deviation."""

    effectiveness: Effectiveness
    since: Recurrence
    before: Recurrence


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionOnRecord:
    """An action with what was done about it, and how it did."""

    action: ActionRecorded
    done_ns: int | None
    done_by: str | None
    note: str | None
    effect: Effect


def effect_of(*, done: bool, since: Recurrence, before: Recurrence) -> Effect:
    """Return whether an action has helped."""
    return Effect(effectiveness=_effectiveness(done, since, before), since=since, before=before)


def _effectiveness(done: bool, since: Recurrence, before: Recurrence) -> Effectiveness:  # noqa: FBT001 - of one caller
    if not done:
        return Effectiveness.NOT_DONE
    less_often = since.interval[1] < before.share
    if since.failed_lots == 0:
        surely = less_often and since.lots >= FEWEST_LOTS
        return Effectiveness.EFFECTIVE if surely else Effectiveness.TOO_EARLY
    return Effectiveness.REDUCED if less_often else Effectiveness.NOT_EFFECTIVE
