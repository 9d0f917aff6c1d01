"""How many tests and samples each coming day brings, with intervals, and whether the laboratory can do them. Pure.

The futures are drawn (``draws.py``) from what is known at an instant, by numbers that follow from that instant: the
same knowledge gives the same forecast. What comes on a day when the laboratory does not work counts for its next
working day.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from gateway.lab.workload.draws import (
    LotCases,
    Places,
    Tests,
    lot_cases,
    lots_of_order,
    order_cases,
    settled_ns,
    tests_of,
)
from gateway.lab.workload.history import LoadHistory, Lot, Order
from gateway.line.laboratory import LaboratoryCalendar, LaboratoryLoad
from gateway.time_units import DAY_NS, SECOND_NS

COVERAGE = 0.9
FUTURES = 400
_MOST_TESTS = 4_000_000  # drawn in all; with very many lots there are fewer futures
_FEWEST_FUTURES = 50
_FEWEST_DAYS = 6  # of the same weekday, to draw from them alone


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """What is expected, and within which limits it is in nine of ten cases."""

    expected: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Pressure:
    """Whether a day's tests can be done. ``over``: the probability that some, or some of the days before, are left.

    ``left``: how many tests are left at its end. ``capacity``: how many can be done on it.
    """

    capacity: float
    over: float
    left: Range


@dataclass(frozen=True, kw_only=True, slots=True)
class DayForecast:
    """A coming day. ``pressure``: by analyte, and under None of all tests, where a capacity is known."""

    day: date
    works: bool
    tests: Range
    samples: Range
    by_analyte: Mapping[str, Range]
    pressure: Mapping[str | None, Pressure]


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """The coming days, and what the forecast stands on: days of history, lots with tests, orders that are planned."""

    at_ns: int
    days: tuple[DayForecast, ...]
    history_days: int
    lots: int
    planned_orders: int
    lots_by_product: Mapping[str, tuple[float, ...]]  # expected to end, by day


@dataclass(frozen=True, kw_only=True, slots=True)
class _Frame:
    """The days ahead and how draws are counted."""

    begin_ns: Places  # of each day, and of the one behind the last
    counts_for: Places  # the day on which what comes on a day is done
    analytes: tuple[str, ...]
    futures: int

    @property
    def days(self) -> int:
        return len(self.counts_for)


def forecast(known: LoadHistory, load: LaboratoryLoad) -> Forecast:
    """Return what the coming weeks bring to the laboratory."""
    calendar, first = load.calendar, load.calendar.day_of(known.at_ns)
    days = [first + timedelta(days=ahead) for ahead in range(7 * load.weeks)]
    frame = _frame(known, days, calendar)
    chance = np.random.default_rng(known.at_ns // SECOND_NS)
    counts = np.zeros((frame.futures, frame.days, len(frame.analytes)), dtype=np.int64)
    samples = np.zeros((frame.futures, frame.days), dtype=np.int64)
    lots = {product: np.zeros(frame.days) for product in sorted(_products(known))}
    settled = settled_ns(known)
    for product, of_lots in lots.items():
        cases = _cases(known, product, frame.analytes, settled)
        for future, ended_ns in _lots_ahead(known, product, frame, calendar, chance):
            _count(tests_of(cases, future, ended_ns, chance), frame, counts, samples)
            place = np.searchsorted(frame.begin_ns, ended_ns, side="right") - 1
            np.add.at(of_lots, place[(place >= 0) & (place < frame.days)], 1 / frame.futures)
        for tests in _of_recent_lots(known, product, cases, frame, settled, chance):
            _count(tests, frame, counts, samples)
    if frame.counts_for[0] < frame.days:
        for (_product, analyte), count in known.waiting.items():
            counts[:, frame.counts_for[0], frame.analytes.index(analyte)] += count
    return Forecast(
        at_ns=known.at_ns,
        days=tuple(_days(days, counts, samples, frame, load)),
        history_days=max((known.at_ns - known.from_ns) // DAY_NS, 0),
        lots=len(known.lots),
        planned_orders=sum(_is_ahead(order) for order in known.orders),
        lots_by_product={product: tuple(float(number) for number in of_lots) for product, of_lots in lots.items()},
    )


def _products(known: LoadHistory) -> set[str]:
    return {lot.product for lot in known.lots} | {order.product for order in known.orders if _is_ahead(order)}


def _is_ahead(order: Order) -> bool:
    return not order.cancelled and order.ended_ns is None and bool(order.statements)


def _frame(known: LoadHistory, days: Sequence[date], calendar: LaboratoryCalendar) -> _Frame:
    begin = [_begin_ns(day, calendar) for day in (*days, days[-1] + timedelta(days=1))]
    place = {day: at for at, day in enumerate(days)}
    done = [place.get(calendar.working_day_from(day), len(days)) for day in days]  # len(days): after the last
    names = {test.analyte for lot in known.lots for test in lot.tests} | {
        analyte for _product, analyte in known.waiting
    }
    names |= {analyte for product in _products(known) for analyte in known.analytes.get(product, ())}
    mean_tests = max(sum(len(lot.tests) for lot in known.lots) / max(len(known.lots), 1), 1.0)
    planned = sum(order.statements[-1].lots for order in known.orders if _is_ahead(order))
    usual = len(known.lots) * len(days) * DAY_NS / max(known.at_ns - known.from_ns, DAY_NS)
    futures = int(_MOST_TESTS / ((planned + usual) * mean_tests + 1))
    return _Frame(
        begin_ns=np.array(begin, dtype=np.int64), counts_for=np.array(done, dtype=np.int64),
        analytes=tuple(sorted(names)), futures=min(max(futures, _FEWEST_FUTURES), FUTURES),
    )  # fmt: skip


def _begin_ns(day: date, calendar: LaboratoryCalendar) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=calendar.zone).timestamp()) * SECOND_NS


def _cases(known: LoadHistory, product: str, analytes: Sequence[str], settled: int) -> LotCases:
    """Return the tests of a product's lots that ended so long ago that all of their tests are made."""
    lots = [lot for lot in known.lots if lot.product == product and lot.ended_ns < known.at_ns - settled]
    return lot_cases(lots, analytes, known.analytes.get(product, ()))


def _lots_ahead(
    known: LoadHistory, product: str, frame: _Frame, calendar: LaboratoryCalendar, chance: "np.random.Generator"
) -> Iterator[tuple[Places, Places]]:
    """Return lots that will end: in which future, and when; of planned orders, then what no plan knows yet."""
    of_product = [order for order in known.orders if order.product == product]
    for order in of_product:
        if _is_ahead(order):
            said = order.statements[-1]
            cases = order_cases(known.orders, lead_ns=max(said.start_ns - known.at_ns, 0), at_ns=known.at_ns)
            yield lots_of_order(order, said, cases, futures=frame.futures, at_ns=known.at_ns, chance=chance)
    yield from _unplanned(known, product, frame, calendar, chance)


def _unplanned(
    known: LoadHistory, product: str, frame: _Frame, calendar: LaboratoryCalendar, chance: "np.random.Generator"
) -> Iterator[tuple[Places, Places]]:
    """Return lots that nobody plans yet: as many as ended on an earlier day and were not known so long before."""
    planned = {order.job_order_id: order for order in known.orders}
    ended = _by_day([lot for lot in known.lots if lot.product == product], calendar)
    whole = _days_between(known.from_ns, known.at_ns, calendar)[1:-1]
    for ahead in range(frame.days):
        day = calendar.day_of(int(frame.begin_ns[ahead]) + DAY_NS // 2)
        alike = _alike(whole, day, calendar)
        if not alike:
            continue
        lead_ns = max(int(frame.begin_ns[ahead]) - known.at_ns, 0)
        unknown = [_unknown(ended.get(past, ()), planned, lead_ns, calendar, past) for past in alike]
        counts = np.array([len(of_day) for of_day in unknown])
        if not counts.any():
            continue
        drawn = chance.integers(len(alike), size=frame.futures)
        future = np.repeat(np.arange(frame.futures), counts[drawn])
        of_days = [np.array(of_day, dtype=np.int64) for of_day in unknown]
        times = np.concatenate([of_days[past] for past in drawn])
        at_ns = frame.begin_ns[ahead] + times
        keep = at_ns > known.at_ns
        yield future[keep], at_ns[keep]


def _by_day(lots: Sequence[Lot], calendar: LaboratoryCalendar) -> Mapping[date, list[Lot]]:
    of_days: dict[date, list[Lot]] = {}
    for lot in lots:
        of_days.setdefault(calendar.day_of(lot.ended_ns), []).append(lot)
    return of_days


def _days_between(from_ns: int, until_ns: int, calendar: LaboratoryCalendar) -> list[date]:
    first, last = calendar.day_of(from_ns), calendar.day_of(until_ns)
    return [first + timedelta(days=later) for later in range((last - first).days + 1)]


def _alike(days: Sequence[date], day: date, calendar: LaboratoryCalendar) -> list[date]:
    """Return earlier days that are like a coming one: of its weekday; where these are few, all of or off the week.

    A day on which the laboratory is closed is like any other: production may run on it.
    """
    of_weekday = [past for past in days if past.weekday() == day.weekday()]
    if len(of_weekday) >= _FEWEST_DAYS:
        return of_weekday
    in_week = day.weekday() in calendar.weekdays
    return [past for past in days if (past.weekday() in calendar.weekdays) == in_week]


def _unknown(
    lots: Sequence[Lot], orders: Mapping[str, Order], lead_ns: int, calendar: LaboratoryCalendar, day: date
) -> list[int]:
    """Return when on its day each lot ended that no plan knew so long before, in ns since midnight."""
    begin_ns = _begin_ns(day, calendar)
    times = []
    for lot in lots:
        order = None if lot.job_order_id is None else orders.get(lot.job_order_id)
        if order is None or order.known_at(begin_ns - lead_ns) is None:
            times.append(lot.ended_ns - begin_ns)
    return times


def _of_recent_lots(
    known: LoadHistory, product: str, cases: LotCases, frame: _Frame, settled: int, chance: "np.random.Generator"
) -> Iterator[Tests]:
    """Return the tests that are still to come of lots that ended a short while ago."""
    for lot in known.lots:
        if lot.product == product and lot.ended_ns >= known.at_ns - settled and len(cases):
            ended = np.full(frame.futures, lot.ended_ns, dtype=np.int64)
            tests = tests_of(cases, np.arange(frame.futures), ended, chance)
            later = tests.at_ns > known.at_ns
            yield Tests(future=tests.future[later], at_ns=tests.at_ns[later], analyte=tests.analyte[later],
                        new_sample=tests.new_sample[later])  # fmt: skip


def _count(tests: Tests, frame: _Frame, counts: Places, samples: Places) -> None:
    place = np.maximum(np.searchsorted(frame.begin_ns, tests.at_ns, side="right") - 1, 0)
    done = np.append(frame.counts_for, frame.days)[np.minimum(place, frame.days)]
    ahead = done < frame.days
    day, future = done[ahead], tests.future[ahead]
    np.add.at(counts, (future, day, tests.analyte[ahead]), 1)
    new = tests.new_sample[ahead]
    np.add.at(samples, (future[new], day[new]), 1)


def _days(
    days: Sequence[date], counts: Places, samples: Places, frame: _Frame, load: LaboratoryLoad
) -> Iterator[DayForecast]:
    total = counts.sum(axis=2)
    works = np.array([load.calendar.works(day) for day in days])
    overall = () if load.tests_per_day is None else ((None, load.tests_per_day),)
    capacities: dict[str | None, float] = dict((*load.capacity_of.items(), *overall))
    left = {
        name: _left(total if name is None else counts[:, :, frame.analytes.index(name)], np.where(works, capacity, 0.0))
        for name, capacity in capacities.items()
        if name is None or name in frame.analytes
    }
    for at, day in enumerate(days):
        yield DayForecast(
            day=day,
            works=bool(works[at]),
            tests=_range(total[:, at]),
            samples=_range(samples[:, at]),
            by_analyte={name: _range(counts[:, at, place]) for place, name in enumerate(frame.analytes)},
            pressure={
                name: Pressure(
                    capacity=capacities[name] if works[at] else 0.0,
                    over=float((rest[:, at] > 0).mean()),
                    left=_range(rest[:, at]),
                )
                for name, rest in left.items()
            },
        )


def _left(counts: Places, capacity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what is left at the end of each day in each future: what comes and was left before, without the done."""
    left = np.zeros(counts.shape)
    before = np.zeros(len(counts))
    for day in range(counts.shape[1]):
        before = np.maximum(before + counts[:, day] - capacity[day], 0.0)
        left[:, day] = before
    return left


def _range(numbers: NDArray[np.float64] | Places) -> Range:
    tail = (1 - COVERAGE) / 2
    return Range(
        expected=float(numbers.mean()),
        low=float(np.quantile(numbers, tail, method="lower")),
        high=float(np.quantile(numbers, 1 - tail, method="higher")),
    )
