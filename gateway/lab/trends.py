"""Series of results of one product's analyte: limits frozen from its first stretch, charts from then on. Pure.

A series has one point for each sample (``gateway.lab.samples``). It goes on from its state with each sample that comes
in its order. Where one comes late, gets another replicate, is corrected or withdrawn, the series is charted again from
the points on record, so that the order of arrival does not change the chart. A series that does not
vary is frozen as such: any other value departs from it. Out of trend is not out of specification: it asks for a
person's look, never for a hold.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.lab.charts import Cusum, Ewma
from gateway.lab.phase_one import MOST_LEFT_OUT, ChartLimits, frozen_limits
from gateway.lab.samples import ABOVE, BELOW, Point
from gateway.lab.series import LEARNED_FROM, Constant, Series, Signal, begun, state_before
from gateway.lab.spc_rules import MOST_VALUES, broken
from gateway.lab.trend_reasons import CUSUM, DEPARTED, EWMA, SINGLE_VALUE_RULES, departed_reason, trend_reason
from gateway.line.spc_rules import TrendRules
from gateway.records.verdicts import Reason

_BY_DEFAULT = TrendRules()
CHARTED_AGAIN = 200  # points on record that a series is charted again from: older ones have no weight any more


@dataclass(frozen=True, kw_only=True, slots=True)
class Charted:
    """A series after a point, and what that point signals; ``frozen``: whether limits were frozen just now."""

    series: Series
    reasons: tuple[Reason, ...] = ()
    frozen: bool = False


def charted(series: Series, point: Point, rules: TrendRules, *, name: str) -> Charted:
    """Return the series after one more point in its order, and the reasons for a look that it gives."""
    if series.constant is not None:
        return _held_against_constant(series, series.constant, point, name)
    if series.limits is None:
        return Charted(series=replace(series, last_ns=point.at_ns))
    if point.qualifier is not None:
        return _beyond_what_is_measured(series, series.limits, point, rules, name)
    standardised = series.limits.standardised(point.value)
    if not math.isfinite(standardised):  # no chart has a place for it; its specification judges it
        return Charted(series=series)
    recent = (*series.recent, standardised)[-MOST_VALUES:]
    ewma, cusum = series.ewma.after(standardised), series.cusum.after(standardised)
    signals, limits = _signals(recent, ewma, cusum, rules), series.limits
    reasons = tuple(
        trend_reason(signal, name=name, value=point.text, limits=limits, recent=recent, ewma=ewma, cusum=cusum)
        for signal in signals
    )
    after = _counted(series, point, signals, recent=recent, ewma=ewma, cusum=cusum, before=state_before(series, point))
    return Charted(series=after, reasons=_with_value(reasons, point))


def _held_against_constant(series: Series, constant: Constant, point: Point, name: str) -> Charted:
    before = state_before(series, point)
    if constant.includes(point):
        return Charted(series=_counted(series, point, (), before=before))
    reason = departed_reason(name=name, value=point.text, constant=constant.text, count=constant.count)
    after = _counted(series, point, (DEPARTED,), before=before, departures=series.departures + 1)
    return Charted(series=after, reasons=_with_value((reason,), point))


def _beyond_what_is_measured(
    series: Series, limits: ChartLimits, point: Point, rules: TrendRules, name: str
) -> Charted:
    """Return the series after a censored sample: it signals where all of its possible values are outside the limits."""
    rule = next((single for single in SINGLE_VALUE_RULES if single in rules.rules), None)
    low, high = point.span
    if rule is None or (low < limits.upper and high > limits.lower):
        return Charted(series=series)  # it says nothing, so its place in the order matters to nothing
    at = limits.standardised(point.value)
    reason = trend_reason(
        rule.value, name=name, value=point.text, limits=limits, recent=(at,), ewma=series.ewma, cusum=series.cusum
    )
    after = _counted(series, point, (rule.value,), before=state_before(series, point))
    return Charted(series=after, reasons=_with_value((reason,), point))


def _counted(series: Series, point: Point, signals: Sequence[str], **changes: Any) -> Series:
    """Return a series with what a point changes of its charts, and how long ago a point has signalled."""
    if not signals:
        return replace(series, last_ns=point.at_ns, since_signal=series.since_signal + 1, **changes)
    signal = Signal(rule=signals[0], sample_id=point.sample_id, at_ns=point.at_ns, text=point.text)
    return replace(series, last_ns=point.at_ns, since_signal=0, last_signal=signal, **changes)


def _with_value(reasons: tuple[Reason, ...], point: Point) -> tuple[Reason, ...]:
    charted_value = {"value": point.value, **({} if point.qualifier is None else {"qualifier": point.qualifier})}
    return tuple(replace(reason, parameters={**reason.parameters, **charted_value}) for reason in reasons)


def charted_again(
    series: Series, points: Iterable[Point], rules: TrendRules, *, name: str, of: str | None = None
) -> Charted:
    """Return the series after all of its points that are on record, in their order, and what one of them signals.

    Limits that are frozen stay. Where there are none yet and points enough, they are frozen from the newest of them.
    ``of``: the sample whose signals are returned. Where it was drawn before the limits were frozen but they do not rest
    on it, it is compared with them by itself.
    """
    ordered = sorted(points, key=lambda point: (point.at_ns, point.sample_id))
    again = frozen_from(begun(series), ordered, rules)
    newly = again.rests_on != series.rests_on or series.frozen != again.frozen
    reasons: tuple[Reason, ...] = ()
    for point in ordered:
        in_question = point.sample_id == of
        if point.at_ns <= again.frozen_until_ns:
            if in_question and not (newly and set(point.result_ids) <= set(again.rests_on)):
                reasons = charted(begun(again), point, rules, name=name).reasons
            elif in_question and series.frozen:  # until it came the series did not vary
                reasons = charted(begun(series), point, rules, name=name).reasons
            again = replace(again, last_ns=point.at_ns)
            continue
        after = charted(again, point, rules, name=name)
        again, reasons = after.series, after.reasons if in_question else reasons
    return Charted(series=again, reasons=reasons, frozen=newly and again.frozen)


def frozen_from(series: Series, ordered: Sequence[Point], rules: TrendRules) -> Series:
    """Return the series with what can be frozen from its newest points: limits, or that it does not vary.

    Limits need as many numbers as the baseline says; that it does not vary, as many points alike, up to a tenth of
    strays left out. What was frozen stays, but for a constant around which the values have begun to vary.
    """
    if series.limits is not None:
        return series
    numbers = [point for point in ordered if point.qualifier is None][-rules.baseline :]
    limits, outside = (
        frozen_limits([point.value for point in numbers]) if len(numbers) == rules.baseline else (None, ())
    )
    since = [point for point in ordered if point.at_ns > series.frozen_until_ns]
    if limits is not None and (series.constant is None or _varies_around(series.constant, limits, since)):
        return _frozen(replace(series, limits=limits, constant=None), numbers, outside)
    first = ordered[-rules.baseline :]
    if series.constant is not None or len(first) < rules.baseline:
        return series
    ((value, qualifier), _count), *_others = Counter((point.value, point.qualifier) for point in first).most_common(1)
    constant = Constant(value=value, qualifier=qualifier, count=len(first))
    strays = tuple(at for at, point in enumerate(first) if not constant.includes(point))
    if len(strays) > MOST_LEFT_OUT * len(first):
        return series
    return _frozen(replace(series, constant=replace(constant, count=len(first) - len(strays))), first, strays)


def _varies_around(constant: Constant, limits: ChartLimits, since: Sequence[Point]) -> bool:
    """Return whether the values vary around the former constant now; if not, they have moved away from it."""
    if sum(not constant.includes(point) for point in since) < LEARNED_FROM:
        return False
    if constant.qualifier == BELOW:
        return limits.center < constant.value
    if constant.qualifier == ABOVE:
        return limits.center > constant.value
    return limits.lower <= constant.value <= limits.upper


def _frozen(series: Series, first: Sequence[Point], left_out: Sequence[int]) -> Series:
    return replace(
        series,
        rests_on=tuple(name for at, point in enumerate(first) if at not in left_out for name in point.result_ids),
        left_out=tuple(name for at, point in enumerate(first) if at in left_out for name in point.result_ids),
        frozen_until_ns=first[-1].at_ns,
    )


def _signals(recent: Sequence[float], ewma: Ewma, cusum: Cusum, rules: TrendRules) -> tuple[str, ...]:
    charts = (
        *((EWMA,) if rules.ewma and ewma.signals else ()),
        *((CUSUM,) if rules.cusum and cusum.signals else ()),
    )
    return (*(rule.value for rule in broken(recent, rules.rules)), *charts)


def rules_for(stated: Iterable[TrendRules], *, product: str | None, analyte: str) -> TrendRules:
    """Return how a series is charted: by the first of the stated that is of it, else by default."""
    return next(
        (rules for rules in stated if rules.product in {None, product} and rules.analyte in {None, analyte}),
        _BY_DEFAULT,
    )
