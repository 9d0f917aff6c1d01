"""Whether an action has helped: whether the same failure came back, by counts and an interval. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.lab.quantiles import beta_quantile

ENOUGH_SAMPLES = 20  # without the failure, after which an action counts as effective
_PRIOR = 0.5  # Jeffreys' prior, as in materials.py
_TAIL = 0.05


class Effectiveness(StrEnum):
    """How an action did."""

    NOT_DONE = "not_done"
    TOO_EARLY = "too_early"  # the failure has not come back, in few samples
    EFFECTIVE = "effective"  # it has not come back in enough samples
    REDUCED = "reduced"  # it has come back, and surely less often than before
    NOT_EFFECTIVE = "not_effective"  # it has come back


@dataclass(frozen=True, kw_only=True, slots=True)
class Recurrence:
    """How often a failure came in a stretch of samples of its series."""

    samples: int
    failed: int

    @property
    def share(self) -> float:
        """Return the mean of the posterior of the share that fails (Gelman et al., 2.4 and 2.8)."""
        return (_PRIOR + self.failed) / (2 * _PRIOR + max(self.samples, self.failed))

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 90 % credible interval of the share."""
        alpha, beta = _PRIOR + self.failed, _PRIOR + max(0, self.samples - self.failed)
        return beta_quantile(alpha, beta, _TAIL), beta_quantile(alpha, beta, 1 - _TAIL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """How an action did, and by which counts: since it was done, and before its deviation."""

    effectiveness: Effectiveness
    since: Recurrence
    before: Recurrence


def effect_of(*, done: bool, since: Recurrence, before: Recurrence) -> Effect:
    """Return whether an action has helped."""
    return Effect(effectiveness=_effectiveness(done, since, before), since=since, before=before)


def _effectiveness(done: bool, since: Recurrence, before: Recurrence) -> Effectiveness:  # noqa: FBT001 - of one caller
    if not done:
        return Effectiveness.NOT_DONE
    if since.failed == 0:
        return Effectiveness.EFFECTIVE if since.samples >= ENOUGH_SAMPLES else Effectiveness.TOO_EARLY
    return Effectiveness.REDUCED if since.interval[1] < before.share else Effectiveness.NOT_EFFECTIVE
