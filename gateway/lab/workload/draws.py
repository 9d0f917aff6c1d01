"""Drawing a future of the laboratory from its past: orders by how earlier plans came true, lots by earlier lots. Pure.

Nothing is assumed to be normal or independent within an order or a lot: a future order takes delay, duration and number
of lots of one earlier order together, a future lot all tests of one earlier lot of its product (a bootstrap of whole
cases: Efron and Tibshirani 1993, 9.2). What no plan knows ahead is drawn from earlier days, by what was not known of
their lots as long before. The generator is named in quotes: its name alone would load numpy.random at each start.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.lab.workload.history import LoadHistory, Lot, Order, OrderStatement, TestOfLot
from gateway.time_units import DAY_NS

Numbers = NDArray[np.float64]
Places = NDArray[np.int64]

FEWEST = 5  # earlier cases; with fewer, plain ones are added
_USUAL_AFTER_NS = DAY_NS // 6  # of a product without earlier lots: tests four hours after the lot's end
_LONGEST_AFTER_DAYS = 14


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderCases:
    """How earlier plans came true: delay of the start in ns, duration and lots as shares of what was planned."""

    delay_ns: Numbers
    duration: Numbers
    lots: Numbers
    never: float  # share of planned orders that were never run


@dataclass(frozen=True, kw_only=True, slots=True)
class LotCases:
    """The tests of earlier lots of a product, one behind the other: ``begin`` and ``count`` of each lot."""

    begin: Places
    count: Places
    analyte: Places
    after_ns: Places
    new_sample: NDArray[np.bool_]  # the first test of its sample

    def __len__(self) -> int:
        """Return how many lots there are."""
        return len(self.begin)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tests:
    """Tests that are drawn: in which future, when, and of which analyte."""

    __test__ = False

    future: Places
    at_ns: Places
    analyte: Places
    new_sample: NDArray[np.bool_]


def order_cases(orders: Sequence[Order], *, lead_ns: int, at_ns: int) -> OrderCases:
    """Return how plans came true that were as far ahead; of few, plans that held to a day are added."""
    cases = [case for order in orders if (case := _case(order, lead_ns)) is not None]
    if len(cases) < FEWEST:
        cases = [case for order in orders if (case := _case(order, 0)) is not None]
    if len(cases) < FEWEST:
        cases += [(0.0, 1.0, 1.0), (float(DAY_NS), 1.0, 1.0), (-float(DAY_NS), 1.0, 1.0)]
    due = [order for order in orders if order.statements and order.statements[-1].start_ns < at_ns - 7 * DAY_NS]
    never = sum(order.started_ns is None for order in due)
    delay, duration, lots = np.array(cases).T
    return OrderCases(delay_ns=delay, duration=duration, lots=lots, never=never / (len(due) + 2))


def _case(order: Order, lead_ns: int) -> tuple[float, float, float] | None:
    """Return delay, duration and lots of an order that is over, beside what was planned so long before its start."""
    if order.started_ns is None or order.ended_ns is None or order.ended_lots == 0:
        return None
    known = next((item for item in reversed(order.statements) if item.stated_ns <= item.start_ns - lead_ns), None)
    if known is None or known.end_ns <= known.start_ns:
        return None
    duration = (order.ended_ns - order.started_ns) / (known.end_ns - known.start_ns)
    return float(order.started_ns - known.start_ns), duration, order.ended_lots / known.lots


def lot_cases(lots: Sequence[Lot], analytes: Sequence[str], usual: Sequence[str]) -> LotCases:
    """Return the tests of a product's earlier lots; of few, lots with each of its ``usual`` analytes once are added."""
    tests = [lot.tests for lot in lots]
    plain = tuple(TestOfLot(analyte=name, sample=0, after_ns=_USUAL_AFTER_NS) for name in usual)
    tests += [plain] * max(FEWEST - len(tests), 0)
    flat = [(analytes.index(test.analyte), test.after_ns, test.sample) for of_lot in tests for test in of_lot]
    count = np.array([len(of_lot) for of_lot in tests], dtype=np.int64)
    new = [sample not in {earlier.sample for earlier in of_lot[:at]}
           for of_lot in tests for at, sample in enumerate(test.sample for test in of_lot)]  # fmt: skip
    columns = np.array(flat, dtype=np.int64).reshape(-1, 3)
    return LotCases(
        begin=np.cumsum(count) - count, count=count, analyte=columns[:, 0], after_ns=columns[:, 1],
        new_sample=np.array(new, dtype=np.bool_),
    )  # fmt: skip


def tests_of(cases: LotCases, future: Places, ended_ns: Places, chance: "np.random.Generator") -> Tests:
    """Return the tests of lots that end then: each those of one earlier lot."""
    drawn = chance.integers(len(cases), size=len(future))
    count = cases.count[drawn]
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    place = np.repeat(cases.begin[drawn], count) + within
    return Tests(
        future=np.repeat(future, count),
        at_ns=np.repeat(ended_ns, count) + cases.after_ns[place],
        analyte=cases.analyte[place],
        new_sample=cases.new_sample[place],
    )


def lots_of_order(
    order: Order, said: OrderStatement, cases: OrderCases, *, futures: int, at_ns: int, chance: "np.random.Generator"
) -> tuple[Places, Places]:
    """Return in which future a lot of an order ends, and when: spread evenly over the time of the order.

    An order that is late starts after ``at_ns``, one that runs ends after it, and what has ended of it is left out.
    """
    late = said.start_ns + cases.delay_ns > at_ns
    possible = np.flatnonzero(late) if order.started_ns is None and late.any() else np.arange(len(late))
    drawn = chance.choice(possible, size=futures)
    start = np.maximum(said.start_ns + cases.delay_ns[drawn], at_ns)
    if order.started_ns is not None:
        start = np.full(futures, float(order.started_ns))
    end = np.maximum(start + (said.end_ns - said.start_ns) * cases.duration[drawn], at_ns + DAY_NS / 24)
    lots = np.maximum(np.rint(said.lots * cases.lots[drawn]).astype(np.int64), 1)
    left = np.maximum(lots - order.ended_lots, 0)
    if order.started_ns is None:
        left = np.where(chance.random(futures) < cases.never, 0, left)
    begin = np.maximum(start, at_ns)
    future = np.repeat(np.arange(futures), left)
    number = np.arange(left.sum()) - np.repeat(np.cumsum(left) - left, left) + 1
    ended = np.repeat(begin, left) + number * np.repeat((end - begin) / np.maximum(left, 1), left)
    return future, ended.astype(np.int64)


def settled_ns(known: LoadHistory) -> int:
    """Return how long after a lot's end its tests are all made: the 99th percentile, at most two weeks."""
    after = [test.after_ns for lot in known.lots for test in lot.tests]
    longest = int(np.quantile(after, 0.99)) if after else DAY_NS
    return min(max(longest, DAY_NS), _LONGEST_AFTER_DAYS * DAY_NS)
