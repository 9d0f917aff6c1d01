"""A model's output of an analyte: its value with an interval, the probability that it is out of specification.

Here stands, too, by how much the laboratory may change the one or the other, within the bundle's bounds.
"""

from dataclasses import dataclass

from gateway.line.limits import Limits

EWMA_L = 2.962  # with a weight of 0.2, in-control run length 499 (Lucas and Saccucci 1990, table 3)
CUSUM_H = 5.0  # with an allowance of 0.5, two-sided, in-control run length 465 (Montgomery, 9.1)


@dataclass(frozen=True, kw_only=True, slots=True)
class BiasLimits:
    """How laboratory results may correct a model's value: towards a residual by its share ``trust``, bounded.

    ``half_life_ns``: a correction counts half when the sample it comes from is that old; None: it counts in full.
    ``signed``: results only propose, and what a person has signed is in force. ``per_product``: a product is corrected
    by its own results alone, and one without any not at all.
    """

    trust: float
    max_step: float
    max_total: float
    max_age_ns: int
    half_life_ns: int | None = None
    signed: bool = False
    per_product: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionSpaceLimits:
    """How laboratory results correct a model's value where and when they resemble the present: see ``function_space``.

    ``center`` and ``scale`` standardise the inputs, by the model's training. ``weight``: of the likeness of inputs
    beside that of time alone; ``noise``: of a result, as a share of what time alone explains.
    """

    tau_ns: int
    memory_ns: int
    length: float
    weight: float
    noise: float
    max_residual: float
    max_total: float
    max_age_ns: int
    most_results: int
    center: tuple[float, ...]
    scale: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackedLimits:
    """How the interval follows the size of recent errors: how fast, and between which multiples of training's.

    ``mean_error``: the mean size of errors in training, over what the age of the correction explains.
    """

    rate: float
    mean_error: float
    least_scale: float
    most_scale: float


@dataclass(frozen=True, kw_only=True, slots=True)
class DriftLimits:
    """How errors are charted: cut to so many sigmas (None: as they are), and the charts' limits.

    ``ewma_width``: in sigmas of the average; ``cusum_decision``: of the sums, in sigmas of errors.
    """

    winsorise: float | None = None
    ewma_width: float = EWMA_L
    cusum_decision: float = CUSUM_H


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
class ProportionalWidth:
    """That an interval is as wide as its value is large: the half width is that of the value ``at``.

    It is no narrower than at the value ``least``. For grades of very different size, whose errors are shares of them.
    """

    at: float
    least: float

    def factor(self, value: float) -> float:
        """Return by how much the half width of a value differs from the one that is stated."""
        return max(abs(value), self.least) / self.at


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
    function_space: FunctionSpaceLimits | None = None  # None: not corrected by likeness
    tracked: TrackedLimits | None = None  # None: the interval does not follow the size of errors
    charts: DriftLimits = DriftLimits()
    proportional: ProportionalWidth | None = None  # None: the interval is as wide whatever the value

    @property
    def learns(self) -> bool:
        """Return whether laboratory results correct the value, or are charted against it."""
        parts = (self.bias, self.function_space, self.sigma, self.adaptive, self.tracked)
        return any(part is not None for part in parts)

    def width_factor(self, value: float) -> float:
        """Return by how much half widths and errors are larger at a value than where they are stated."""
        return 1.0 if self.proportional is None else self.proportional.factor(value)


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
