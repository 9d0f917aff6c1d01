"""Which deviation a result belongs to: its lot's, or the episode of its series. Pure.

A result out of specification belongs to its lot: one deviation for each lot, whichever tests failed, so that who
decides about the lot reads one document. A result without a lot, and one that is only out of trend, belongs to its
series: one deviation for each episode of a product's analyte, however many lots it runs through.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.lab.deviations import MOST_RESULTS, AnalyteSeries, DeviationScope, FailedResult
from gateway.lab.series import STABLE_AFTER
from gateway.time_units import SECOND_NS

_DAY_NS = 86_400 * SECOND_NS
BACK_IN_LINE_RESULTS = STABLE_AFTER  # in a row without a signal: as many as make a series count as stable
EPISODE_ENDS_AFTER_NS = 7 * _DAY_NS  # without another result: laboratories that measure once a day still find it
EPISODE_LONGEST_NS = 30 * _DAY_NS  # after that nobody reads it as one thing


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """The part of a deviation on record that decides whether a result joins it: its newest version."""

    deviation_id: str
    at_ns: int
    version: int = 1
    opened_ns: int | None = None
    results: tuple[FailedResult, ...] = ()
    result_count: int = 1
    series: tuple[AnalyteSeries, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Joined:
    """The deviation that a result belongs to, with the results that are in it now."""

    deviation_id: str
    version: int
    scope: DeviationScope
    opened_ns: int
    results: tuple[FailedResult, ...]
    result_count: int
    series: tuple[AnalyteSeries, ...] = ()  # of the version before


def scope_of(result: FailedResult) -> DeviationScope:
    """Return what the deviation of a result is about."""
    return DeviationScope.LOT if result.failed and result.material_lot_id is not None else DeviationScope.SERIES


def join(
    result: FailedResult,
    *,
    of_lot: Standing | None,
    of_series: Standing | None,
    in_line_since: int,
    new_id: str,
) -> Joined:
    """Return the deviation that a result opens or joins.

    Args:
        result: the result.
        of_lot: its lot's deviation.
        of_series: the newest episode of its series.
        in_line_since: how many results of the series came between the last that joined the episode and this one.
        new_id: the id of a deviation that it opens.
    """
    scope = scope_of(result)
    standing = of_lot if scope is DeviationScope.LOT else of_series
    if standing is None or (scope is DeviationScope.SERIES and _is_over(standing, result, in_line_since)):
        return Joined(
            deviation_id=new_id,
            version=1,
            scope=scope,
            opened_ns=result.joined_ns,
            results=(result,),
            result_count=1,
        )
    return _grown(standing, result, scope)


def mended(result: FailedResult, *, of_lot: Standing | None, of_series: Standing | None) -> Joined | None:
    """Return the deviation with an earlier version of a result that is inside now, or withdrawn, and with this one."""
    for scope, standing in ((DeviationScope.LOT, of_lot), (DeviationScope.SERIES, of_series)):
        if standing is None or all(earlier.measurement != result.measurement for earlier in standing.results):
            continue
        return _grown(standing, result, scope)
    return None


def _grown(standing: Standing, result: FailedResult, scope: DeviationScope) -> Joined:
    results, added = _with(standing.results, result)
    return Joined(
        deviation_id=standing.deviation_id,
        version=standing.version + 1,
        scope=scope,
        opened_ns=_opened_ns(standing),
        results=results,
        result_count=standing.result_count + added,
        series=standing.series,
    )


def _is_over(standing: Standing, result: FailedResult, in_line_since: int) -> bool:
    return (
        in_line_since >= BACK_IN_LINE_RESULTS
        or result.joined_ns - standing.at_ns > EPISODE_ENDS_AFTER_NS
        or result.joined_ns - _opened_ns(standing) > EPISODE_LONGEST_NS
    )


def _opened_ns(standing: Standing) -> int:
    return standing.at_ns if standing.opened_ns is None else standing.opened_ns


def _with(results: Sequence[FailedResult], result: FailedResult) -> tuple[tuple[FailedResult, ...], int]:
    """Return the results with a further one, and how many were added: none where it corrects a measurement in them."""
    before = next((earlier for earlier in results if earlier.measurement == result.measurement), None)
    if before is not None:
        corrected = _corrected(result, before)
        return tuple(corrected if earlier is before else earlier for earlier in results), 0
    return (*results[:1], *[*results[1:], result][-(MOST_RESULTS - 1) :]), 1


def _corrected(result: FailedResult, before: FailedResult) -> FailedResult:
    same = before.value_text == result.value_text
    return replace(result, was=before.was if same else (*before.was, before.value_text))
