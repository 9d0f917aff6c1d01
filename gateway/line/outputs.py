"""A model's output of an analyte: its value with an interval, the probability that it is out of specification.

Here stands, too, by how much the laboratory may change the one or the other, within the bundle's bounds.
"""

from dataclasses import dataclass

from gateway.line.limits import Limits


@dataclass(frozen=True, kw_only=True, slots=True)
class BiasLimits:
    """How laboratory results may correct a model's value: towards a residual by its share ``trust``, bounded.

    ``half_life_ns``: a correction counts half when the sample it comes from is that old; None: it counts in full.
    ``signed``: results only propose, and what a person has signed is in force.
    """

    trust: float
    max_step: float
    max_total: float
    max_age_ns: int
    half_life_ns: int | None = None
    signed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AdaptiveLimits:
    """How the interval may follow its own hits and misses: how fast, and between which coverages."""

    rate: float
    min_coverage: float
    max_coverage: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Widening:
    """By how much the interval is wider than calibrated, the older the newest result behind the correction is.

    ``factors`` hold at ``ages_ns``, ascending, with straight lines between; ``uncorrected`` without any correction.
    """

    ages_ns: tuple[int, ...]
    factors: tuple[float, ...]
    uncorrected: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueOutput:
    """A predicted value: its column, the range of valid values, how sure it is, and what the laboratory may change."""

    column: int
    valid: Limits
    coverage: float
    half_width: float
    max_half_width: float | None = None  # wider than that, an interval says too little to act on
    residuals: tuple[float, ...] | None = None  # absolute calibration residuals, ascending
    sigma: float | None = None  # standard deviation of errors in service, for the charts; None: not charted
    bias: BiasLimits | None = None  # None: never corrected
    adaptive: AdaptiveLimits | None = None  # None: the half width stays
    widening: Widening | None = None  # None: however old the correction is

    @property
    def learns(self) -> bool:
        """Return whether laboratory results correct the value, or are charted against it."""
        return self.bias is not None or self.sigma is not None or self.adaptive is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbabilityOutput:
    """A predicted probability of being out of specification: its column, and from which probability on to warn."""

    column: int
    warn_at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelOutput:
    """A model's output of one analyte: its value, the probability that it is out of specification, or both."""

    analyte: str
    unit: str
    value: ValueOutput | None = None
    probability: ProbabilityOutput | None = None
