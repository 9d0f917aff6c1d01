"""Series of results of one product's analyte: limits frozen from its first stretch, charts from then on. Pure.

A series goes on from its state with each result that comes in its order. Where one comes late, is corrected or
withdrawn, the series is charted again from the points on record, so that the order of arrival changes nothing but what
was said meanwhile. Out of trend is not out of specification: it asks for a person's look, never for a hold.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gateway.chart_rules import RunRule, Together, TrendRules
from gateway.lab.anomaly import Anomaly, Reference, anomaly, reference
from gateway.lab.charts import Cusum, Ewma
from gateway.lab.phase_one import ChartLimits, frozen_limits
from gateway.lab.run_rules import MOST_VALUES, SENTENCES, broken
from gateway.records import Reason

CHARTED_AGAIN = 200  # points on record that a series is charted again from: older ones have no weight any more
STABLE_AFTER = 25  # values without a signal


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """A result's number in its series."""

    result_id: str
    sample_id: str
    at_ns: int
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """Where a series stands. ``rests_on``: the results that its limits rest on; ``left_out``: those that were not."""

    unit: str | None = None
    limits: ChartLimits | None = None
    rests_on: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    frozen_until_ns: int = 0  # the last of them; what comes after is charted
    recent: tuple[float, ...] = ()  # standardised, as many as rules look back to
    ewma: Ewma = field(default_factory=Ewma)
    cusum: Cusum = field(default_factory=Cusum)
    last_ns: int = 0
    since_signal: int = 0  # values since one signalled

    @property
    def stable(self) -> bool:
        """Return whether nothing has signalled for a while."""
        return self.limits is not None and self.since_signal >= STABLE_AFTER


@dataclass(frozen=True, kw_only=True, slots=True)
class Charted:
    """A series after a point, and what that point signals; ``frozen``: whether limits were frozen just now."""

    series: Series
    reasons: tuple[Reason, ...] = ()
    frozen: bool = False


def charted(series: Series, point: Point, rules: TrendRules, *, name: str) -> Charted:
    """Return the series after one more point in its order, and the reasons for a look that it gives."""
    if series.limits is None:
        return Charted(series=replace(series, last_ns=point.at_ns))
    standardised = series.limits.standardised(point.value)
    if not math.isfinite(standardised):  # no chart has a place for it; its specification judges it
        return Charted(series=series)
    recent = (*series.recent, standardised)[-MOST_VALUES:]
    ewma, cusum = series.ewma.after(standardised), series.cusum.after(standardised)
    found = _signals(recent, ewma, cusum, rules)
    reasons = tuple(_reason(each, point.value, series.limits, name) for each in found)
    since_signal = 0 if found else series.since_signal + 1
    after = replace(series, last_ns=point.at_ns, recent=recent, ewma=ewma, cusum=cusum, since_signal=since_signal)
    return Charted(series=after, reasons=reasons)


def charted_again(
    series: Series, points: Iterable[Point], rules: TrendRules, *, name: str, of: str | None = None
) -> Charted:
    """Return the series after all of its points that are on record, in their order, and what one of them signals.

    Limits that are frozen stay. Where there are none yet and points enough, they are frozen from the newest of them.
    ``of``: the result that is asked about.
    """
    ordered = sorted(points, key=lambda each: (each.at_ns, each.result_id))
    again = _frozen(_begun(series), ordered, rules)
    reasons: tuple[Reason, ...] = ()
    for point in ordered:
        if point.at_ns <= again.frozen_until_ns:
            again = replace(again, last_ns=point.at_ns)
            continue
        found = charted(again, point, rules, name=name)
        again, reasons = found.series, found.reasons if point.result_id == of else reasons
    return Charted(series=again, reasons=reasons, frozen=series.limits is None and again.limits is not None)


def _begun(series: Series) -> Series:
    """Return a series with its limits, before any point that is charted by them."""
    return replace(series, recent=(), ewma=Ewma(), cusum=Cusum(), last_ns=0, since_signal=0)


def _frozen(series: Series, ordered: Sequence[Point], rules: TrendRules) -> Series:
    if series.limits is not None or len(ordered) < rules.baseline:
        return series
    first = ordered[-rules.baseline :]
    limits, outside = frozen_limits([each.value for each in first])
    if limits is None:
        return series
    return replace(
        series,
        limits=limits,
        rests_on=tuple(each.result_id for at, each in enumerate(first) if at not in outside),
        left_out=tuple(each.result_id for at, each in enumerate(first) if at in outside),
        frozen_until_ns=first[-1].at_ns,
    )


_CHARTS = {
    "ewma": "the weighted average of the last values lies outside its limits (EWMA)",
    "cusum": "the deviations from the center line add up beyond their limit (CUSUM)",
}


def _signals(recent: Sequence[float], ewma: Ewma, cusum: Cusum, rules: TrendRules) -> tuple[str, ...]:
    charts = (
        *(("ewma",) if rules.ewma and ewma.signals else ()),
        *(("cusum",) if rules.cusum and cusum.signals else ()),
    )
    return (*(rule.value for rule in broken(recent, rules.rules)), *charts)


def _reason(signal: str, value: float, limits: ChartLimits, name: str) -> Reason:
    said = _CHARTS.get(signal) or SENTENCES[RunRule(signal)]
    return Reason(
        code="OUT_OF_TREND",
        parameters={"rule": signal, "value": value, "center": limits.center, "sigma": limits.sigma,
                    "lower": limits.lower, "upper": limits.upper},
        text=f"{name} {value:.6g}: {said} (center {limits.center:.4g}, "
        f"limits {limits.lower:.4g} to {limits.upper:.4g}).",
    )  # fmt: skip


def rules_for(stated: Iterable[TrendRules], *, product: str | None, analyte: str) -> TrendRules:
    """Return how a series is charted: by the first of the stated that is of it, else by default."""
    return next(
        (each for each in stated if each.product in {None, product} and each.analyte in {None, analyte}), TrendRules()
    )


# --- several analytes of one sample --------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class FrozenReference:
    """A reference as it is kept: rows of the covariance's inverse, and the samples it rests on."""

    analytes: tuple[str, ...]
    mean: tuple[float, ...]
    inverse: tuple[tuple[float, ...], ...]
    count: int
    limit: float
    rests_on: tuple[str, ...]

    def reference(self) -> Reference:
        """Return it as arrays."""
        return Reference(
            analytes=self.analytes,
            mean=np.array(self.mean),
            inverse=np.array(self.inverse),
            count=self.count,
            limit=self.limit,
        )


def frozen_reference(wanted: Together, rows: Sequence[tuple[str, Sequence[float]]]) -> FrozenReference | None:
    """Return the reference of the first samples, each (sample, its values), or None where they are too few or alike."""
    if len(rows) < wanted.baseline:
        return None
    found = reference(wanted.analytes, np.array([values for _sample, values in rows], np.float64))
    if found is None:
        return None
    return FrozenReference(
        analytes=found.analytes,
        mean=tuple(found.mean.tolist()),
        inverse=tuple(tuple(row) for row in found.inverse.tolist()),
        count=found.count,
        limit=found.limit,
        rests_on=tuple(sample for sample, _values in rows),
    )


def out_of_line(known: FrozenReference, values: dict[str, float]) -> tuple[Reason, ...]:
    """Return the reason for a look where the values of one sample do not belong together."""
    found: Anomaly = anomaly(known.reference(), values)
    if not found.signals:
        return ()
    first = next(iter(found.contributions))
    return (
        Reason(
            code="OUT_OF_LINE",
            parameters={"t2": found.t2, "limit": found.limit, "contributions": dict(found.contributions)},
            text=f"The values of {', '.join(known.analytes)} do not belong together: T2 {found.t2:.4g}, limit "
            f"{found.limit:.4g}; most of it comes from {first}.",
        ),
    )
