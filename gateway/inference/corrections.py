"""What the laboratory has taught of a model, and what that adds to a prediction at an instant. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from gateway.inference.function_space import KnownError, conditioned, in_use, standardised
from gateway.lab.charts import Cusum, Ewma
from gateway.line.outputs import BiasLimits, FunctionSpaceLimits, ValueOutput


@dataclass(frozen=True, kw_only=True, slots=True)
class ProductState:
    """What the laboratory has taught of one product."""

    bias: float = 0.0
    version: int = 0
    newest_ns: int | None = None
    ewma: Ewma = field(default_factory=Ewma)
    cusum: Cusum = field(default_factory=Cusum)


@dataclass(frozen=True, kw_only=True, slots=True)
class BiasState:
    """What the laboratory has taught so far. ``bias`` is added to what the model says.

    Where products are corrected apart, ``products`` has what is known of each, and bias and charts are those of the
    product of the newest result.
    """

    bias: float = 0.0
    version: int = 0  # of the bias: counts its changes
    newest_ns: int | None = None  # drawn time of the newest result in it
    miss_rate: float | None = None  # the share of results that the interval may miss, as adapted; None: as calibrated
    ewma: Ewma = field(default_factory=Ewma)
    cusum: Cusum = field(default_factory=Cusum)
    latched: bool = False  # whether an alarm was latched because of these charts
    results: int = 0
    covered: int = 0
    scale: float = 1.0  # of recent errors, as a multiple of training's
    errors: tuple[KnownError, ...] = ()  # that a correction in function space stands on, by their samples' time
    products: Mapping[str, ProductState] = field(default_factory=dict)

    @property
    def drifts(self) -> bool:
        """Return whether a chart of the residuals signals."""
        charts: list[Ewma | Cusum] = [self.ewma, self.cusum]
        for product in self.products.values():
            charts += [product.ewma, product.cusum]
        return any(chart.signals for chart in charts)

    @property
    def coverage(self) -> float | None:
        """Return the share of results inside the interval that stood when they were drawn, or None without any."""
        return self.covered / self.results if self.results else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Instant:
    """What is predicted: at which instant, with which features, of which product."""

    at_ns: int
    features: tuple[float, ...] = ()
    product: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Corrected:
    """What the laboratory adds to a prediction: the correction, its version, and the interval's half width.

    ``version``: of the bias; in function space the number of results that it stands on. ``half_width`` is None where no
    honest one can be given, and is that of the value where the bundle states it (``ValueOutput.width_factor``).
    ``half_width_elsewhere``: of what a move or time would lead to, where the present resembles results and that may
    not; None: it is as wide.
    """

    correction: float
    version: int
    half_width: float | None
    half_width_elsewhere: float | None = None


def corrected(state: BiasState, output: ValueOutput, instant: Instant) -> Corrected:
    """Return what the laboratory adds to a prediction by a state that was known at the instant."""
    if output.function_space is None:
        own = state_of_product(state, output, instant.product)
        return Corrected(
            correction=bias_at(own, output.bias, instant.at_ns),
            version=own.version,
            half_width=half_width_of(own, output, instant.at_ns),
        )
    width = half_width_of(state, output, instant.at_ns)
    errors = in_use(state.errors, output.function_space, instant.at_ns)
    if not errors or len(instant.features) != len(output.function_space.center):
        return Corrected(correction=0.0, version=0, half_width=width)
    inputs = standardised(np.array([instant.features], np.float64), output.function_space)
    by_errors = conditioned(errors, output.function_space, np.array([instant.at_ns]), inputs)
    return Corrected(
        correction=float(by_errors.corrections[0]),
        version=len(errors),
        half_width=None if width is None else width * float(by_errors.spreads[0]),
        half_width_elsewhere=width,
    )


def state_of_product(state: BiasState, output: ValueOutput, product: str | None) -> BiasState:
    """Return the state with the correction and charts of a product; of an unknown one there is none."""
    if output.bias is None or not output.bias.per_product:
        return state
    own = state.products.get(product) if product is not None else None
    if own is None:
        none = begun(output)
        return replace(state, bias=0.0, version=0, newest_ns=None, ewma=none.ewma, cusum=none.cusum)
    return replace(state, bias=own.bias, version=own.version, newest_ns=own.newest_ns, ewma=own.ewma, cusum=own.cusum)


def begun(output: ValueOutput) -> BiasState:
    """Return the state before any result, with the charts as the bundle limits them."""
    charts = output.charts
    return BiasState(ewma=Ewma(width=charts.ewma_width), cusum=Cusum(decision=charts.cusum_decision))


def bias_at(state: BiasState, limits: BiasLimits | None, at_ns: int) -> float:
    """Return the bias that holds at an instant: it fades with the age of its newest result, and ends with the limit."""
    age_ns = correction_age_ns(state, limits, at_ns)
    if age_ns is None or limits is None:
        return 0.0
    return state.bias if limits.half_life_ns is None else float(state.bias * 0.5 ** (age_ns / limits.half_life_ns))


def half_width_of(state: BiasState, output: ValueOutput, at_ns: int) -> float | None:
    """Return the half width of the interval at an instant, or None where no honest one can be given.

    The ceil((n + 1)(1 - a))-th smallest of n calibration residuals, a the share of misses to allow; where that rank
    exceeds n, the calibration cannot vouch for so wide a coverage. Residuals and width are scaled by the age of the
    correction, as locally weighted conformal intervals are (Lei et al. 2018, "Distribution-free predictive inference
    for regression", section 5.2).
    """
    widened = widening_at(state, output, at_ns) * (1.0 if output.tracked is None else state.scale)
    if state.miss_rate is None or output.residuals is None:
        return output.half_width * widened
    count = len(output.residuals)
    rank = math.ceil((count + 1) * (1 - state.miss_rate) - 1e-9)
    return None if rank > count else output.residuals[rank - 1] * widened


def widening_at(state: BiasState, output: ValueOutput, at_ns: int) -> float:
    """Return by how much the interval is wider than calibrated at an instant, for the age of the correction then."""
    widening, age_ns = output.widening, correction_age_ns(state, output.function_space or output.bias, at_ns)
    if widening is None:
        return 1.0
    return widening.uncorrected if age_ns is None else float(np.interp(age_ns, widening.ages_ns, widening.factors))


def correction_age_ns(state: BiasState, limits: BiasLimits | FunctionSpaceLimits | None, at_ns: int) -> int | None:
    """Return how old the newest result in the correction is at an instant, None where none holds."""
    if limits is None or state.newest_ns is None or at_ns - state.newest_ns > limits.max_age_ns:
        return None
    return max(at_ns - state.newest_ns, 0)
