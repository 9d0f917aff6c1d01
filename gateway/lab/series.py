"""The state of a series of results: what values are compared with, and its charts up to the newest sample. Pure."""

import math
from dataclasses import dataclass, field, replace

from gateway.lab.charts import Cusum, Ewma
from gateway.lab.phase_one import ChartLimits
from gateway.lab.samples import ABOVE, BELOW, Point, Side
from gateway.records.scope import Scope

STABLE_AFTER = 25  # values without a signal
LEARNED_FROM = 3  # samples that departed from a constant, before variation around it is taken for usual
_EQUAL = 1e-9  # relative: a converted value is the same


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesKey:
    """Which results a series is of: those of one analyte of one product, measured for one client and study."""

    scope: Scope
    product: str
    analyte: str

    def columns(self) -> dict[str, str]:
        """Return the key as columns, in the order of the tables of series."""
        return {**self.scope.columns(), "product": self.product, "analyte": self.analyte}


@dataclass(frozen=True, kw_only=True, slots=True)
class Constant:
    """The only value that a series had when it was frozen, and how many samples had it."""

    value: float
    qualifier: Side | None
    count: int

    @property
    def text(self) -> str:
        """Return the value as people write it."""
        return f"{self.qualifier or ''}{self.value:.6g}"

    def includes(self, point: Point) -> bool:
        """Return whether a point may have that value, too: ``0.03`` and ``<0.1`` do not depart from ``<0.05``."""
        low, high = point.span
        if self.qualifier == BELOW:
            return low < self.value
        if self.qualifier == ABOVE:
            return high > self.value
        if point.qualifier is not None:
            return low < self.value < high
        return math.isclose(point.value, self.value, rel_tol=_EQUAL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Signal:
    """The newest point that signalled: by which rule, and where it stands."""

    rule: str
    sample_id: str
    at_ns: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Before:
    """The state of a series before its newest sample: another replicate of that sample replaces its point."""

    sample_id: str
    recent: tuple[float, ...]
    ewma: Ewma
    cusum: Cusum
    last_ns: int
    since_signal: int
    last_signal: Signal | None
    departures: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """Where a series stands. ``rests_on``: the results that its limits rest on; ``left_out``: those that were not.

    It has limits, or a constant where its first stretch did not vary, or neither yet.
    """

    unit: str | None = None
    limits: ChartLimits | None = None
    constant: Constant | None = None
    rests_on: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    frozen_until_ns: int = 0  # the last of them; what comes after is charted
    recent: tuple[float, ...] = ()  # standardised, as many as rules look back to
    ewma: Ewma = field(default_factory=Ewma)
    cusum: Cusum = field(default_factory=Cusum)
    last_ns: int = 0
    since_signal: int = 0  # values since one signalled, or since it was frozen
    last_signal: Signal | None = None
    departures: int = 0  # from the constant
    before: Before | None = None

    @property
    def frozen(self) -> bool:
        """Return whether the series has limits, or a constant, that a value is compared with."""
        return self.limits is not None or self.constant is not None

    @property
    def stable(self) -> bool:
        """Return whether it has limits, and nothing has signalled for a while."""
        return self.limits is not None and not self.signalled_within(STABLE_AFTER)

    def signalled_within(self, values: int) -> bool:
        """Return whether one of so many newest values has signalled."""
        return self.last_signal is not None and self.since_signal < values


def begun(series: Series) -> Series:
    """Return a series with its limits, before any point that is charted by them."""
    return replace(
        series,
        recent=(),
        ewma=Ewma(),
        cusum=Cusum(),
        last_ns=0,
        since_signal=0,
        last_signal=None,
        departures=0,
        before=None,
    )


def goes_on(series: Series, sample_id: str, at_ns: int, *, known: bool) -> bool:
    """Return whether a sample drawn then is charted from the state alone: it is the newest, or its replicate.

    ``known``: whether the sample has a point already. A series without limits needs its points to be frozen from, and
    one that did not vary needs them where so many samples have departed that it may vary now.
    """
    may_vary = series.constant is not None and series.departures >= LEARNED_FROM - 1
    if not series.frozen or may_vary:
        return False
    if not known:
        return at_ns > series.last_ns
    return series.before is not None and series.before.sample_id == sample_id and at_ns > series.before.last_ns


def without_newest(series: Series, sample_id: str) -> Series:
    """Return a series as it was before its newest sample, if that is the named one; else unchanged."""
    before = series.before
    if before is None or before.sample_id != sample_id:
        return series
    return replace(
        series,
        recent=before.recent,
        ewma=before.ewma,
        cusum=before.cusum,
        last_ns=before.last_ns,
        since_signal=before.since_signal,
        last_signal=before.last_signal,
        departures=before.departures,
        before=None,
    )


def state_before(series: Series, point: Point) -> Before:
    """Return the state of a series before a point that becomes its newest."""
    return Before(
        sample_id=point.sample_id,
        recent=series.recent,
        ewma=series.ewma,
        cusum=series.cusum,
        last_ns=series.last_ns,
        since_signal=series.since_signal,
        last_signal=series.last_signal,
        departures=series.departures,
    )
