"""Whether the forecast of the laboratory's load covers what then comes: simulated plants, each with its own habits.

A plant has some products with their tests, and orders: planned days or weeks ahead, some never, some cancelled. They
start late, take longer or shorter, and make more or fewer lots. Samples come late, tests are made again, and nothing
begins on a weekend. The forecast sees what was known at an instant; the days after it are what it is held against.
"""

import time
from dataclasses import dataclass
from random import Random
from zoneinfo import ZoneInfo

from gateway.lab.workload.forecast import COVERAGE, Forecast, forecast
from gateway.lab.workload.history import LoadHistory, Lot, Order, OrderStatement, TestHistory, TestOfLot
from gateway.line.laboratory import MONDAY_TO_FRIDAY, LaboratoryCalendar, LaboratoryLoad
from gateway.time_units import DAY_NS, SECOND_NS
from simulator.bench.measuring import Figure, Goal

PLANTS, SMALL_PLANTS = 200, 8
_FROM_NS = 1_772_409_600 * SECOND_NS  # 2 March 2026
_PAST_DAYS, _WEEKS = 84, 4
_HOUR_NS = 3600 * SECOND_NS


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One plant: its forecast, and the tests that then came by day."""

    forecast: Forecast
    came: tuple[int, ...]

    @property
    def covered(self) -> tuple[bool, ...]:
        """Return for each working day whether what came lies within the interval."""
        return tuple(day.tests.low <= number <= day.tests.high
                     for day, number in zip(self.forecast.days, self.came, strict=True) if day.works)  # fmt: skip


def measure(small: bool) -> dict[str, Figure]:  # noqa: FBT001 - every bench takes it
    """Return the share of days within the interval, the mean error beside that of the weekday's mean, and the time."""
    begun = time.perf_counter()
    outcomes = [plant(seed) for seed in range(SMALL_PLANTS if small else PLANTS)]
    seconds = (time.perf_counter() - begun) / len(outcomes)
    covered = [inside for outcome in outcomes for inside in outcome.covered]
    first_week = [inside for outcome in outcomes for inside in outcome.covered[:5]]
    expected = sum(day.tests.expected for outcome in outcomes for day in outcome.forecast.days)
    came = sum(number for outcome in outcomes for number in outcome.came)
    return {
        "plants": Figure(value=len(outcomes), unit="plants"),
        "days_within_the_interval": Figure(
            value=sum(covered) / len(covered), unit="share", goal=Goal(op=">=", value=COVERAGE - 0.02)
        ),
        "days_of_the_first_week_within": Figure(
            value=sum(first_week) / len(first_week), unit="share", goal=Goal(op=">=", value=COVERAGE - 0.02)
        ),
        "expected_of_what_came": Figure(value=expected / came, unit="share"),
        "seconds_of_a_forecast": Figure(value=seconds, unit="s"),
    }


def plant(seed: int) -> Outcome:
    """Return one plant's forecast and what then came."""
    chance = Random(seed)
    until_ns = _FROM_NS + (_PAST_DAYS + 7 * _WEEKS) * DAY_NS
    now_ns = _FROM_NS + _PAST_DAYS * DAY_NS + chance.randrange(6, 18) * _HOUR_NS
    products = {f"P{number}": _product(chance) for number in range(chance.randint(1, 4))}
    orders, lots = _production(products, chance, until_ns)
    load = LaboratoryLoad(weeks=_WEEKS, calendar=LaboratoryCalendar(zone=ZoneInfo("UTC"), weekdays=MONDAY_TO_FRIDAY))
    known = _known(orders, lots, products, now_ns)
    made = forecast(known, load)
    first = load.calendar.day_of(now_ns)
    came = [0] * len(made.days)
    for lot in lots:
        for test in lot.tests:
            at_ns = lot.ended_ns + test.after_ns
            place = (load.calendar.working_day_from(load.calendar.day_of(at_ns)) - first).days
            if at_ns > now_ns and place < len(came):
                came[place] += 1
    return Outcome(forecast=made, came=tuple(came))


@dataclass(frozen=True, kw_only=True)
class _Product:
    analytes: tuple[str, ...]
    retested: float
    late_hours: float


def _product(chance: Random) -> _Product:
    return _Product(
        analytes=tuple(f"a{number}" for number in range(chance.randint(1, 6))),
        retested=chance.uniform(0.0, 0.15),
        late_hours=chance.uniform(2.0, 36.0),
    )


def _production(products: dict[str, _Product], chance: Random, until_ns: int) -> tuple[list[Order], list[Lot]]:
    """Return all orders and lots until the end, as they are planned and run in truth."""
    orders, lots = [], []
    lead_days, spread_days = chance.uniform(3.0, 25.0), chance.uniform(0.1, 1.5)
    longer, planned_share, cancelled = chance.uniform(0.9, 1.2), chance.uniform(0.5, 1.0), chance.uniform(0.0, 0.08)
    for equipment in range(chance.randint(1, 3)):
        at_ns, number = _FROM_NS, 0
        while at_ns < until_ns + 30 * DAY_NS:
            product = chance.choice(sorted(products))
            hours, most = chance.uniform(8, 40), chance.randint(1, 8)
            name = f"O-{equipment}-{number}"
            start_ns = _working(at_ns)
            end_ns = start_ns + int(hours * _HOUR_NS)
            known_ns = start_ns - int(chance.uniform(0.5, 2 * lead_days) * DAY_NS)
            stated = (OrderStatement(stated_ns=known_ns, start_ns=start_ns, end_ns=end_ns, lots=most),)
            began_ns = _working(start_ns + int(max(chance.gauss(0.2, spread_days), -0.3) * DAY_NS))
            ended_ns = began_ns + int((end_ns - start_ns) * chance.lognormvariate(0.0, 0.2) * longer)
            made = 0 if chance.random() < cancelled else max(1, round(most * chance.gauss(1.0, 0.1)))
            of_order = [_lot(name, product, products[product], began_ns, ended_ns, place, made, chance)
                        for place in range(made)]  # fmt: skip
            lots += of_order
            orders.append(
                Order(
                    job_order_id=name, product=product,
                    statements=stated if chance.random() < planned_share else (), cancelled=made == 0,
                    started_ns=began_ns if made else None, ended_ns=ended_ns if made else None, ended_lots=made,
                )
            )  # fmt: skip
            at_ns, number = max(end_ns, ended_ns) + int(chance.expovariate(1 / 10) * _HOUR_NS), number + 1
    return orders, lots


def _working(at_ns: int) -> int:
    """Return the instant, on Monday where it is on a weekend: nothing begins then."""
    weekday = (at_ns // DAY_NS + 3) % 7  # 1 January 1970 was a Thursday
    return at_ns + (7 - weekday) * DAY_NS if weekday >= 5 else at_ns


def _lot(
    order: str, product: str, of_product: _Product, began_ns: int, ended_ns: int, place: int, made: int, chance: Random
) -> Lot:
    lot_ns = began_ns + (ended_ns - began_ns) * (place + 1) // made
    tests = []
    for analyte in of_product.analytes:
        after_ns = int(chance.expovariate(1 / of_product.late_hours) * _HOUR_NS)
        tests.append(TestOfLot(analyte=analyte, sample=0, after_ns=after_ns))
        if chance.random() < of_product.retested:
            later_ns = after_ns + int(chance.uniform(4, 48) * _HOUR_NS)
            tests.append(TestOfLot(analyte=analyte, sample=1, after_ns=later_ns))
    return Lot(
        material_lot_id=f"{order}-{place}", product=product, job_order_id=order, ended_ns=lot_ns, tests=tuple(tests)
    )


def _known(orders: list[Order], lots: list[Lot], products: dict[str, _Product], now_ns: int) -> LoadHistory:
    """Return what of all that is known at an instant."""
    ended = [lot for lot in lots if _FROM_NS <= lot.ended_ns <= now_ns]
    count: dict[str, int] = {}
    for lot in ended:
        count[lot.job_order_id or ""] = count.get(lot.job_order_id or "", 0) + 1
    seen = []
    for order in orders:
        statements = tuple(item for item in order.statements if item.stated_ns <= now_ns)
        started = order.started_ns is not None and order.started_ns <= now_ns
        over = order.ended_ns is not None and order.ended_ns <= now_ns
        if statements or started:
            seen.append(
                Order(
                    job_order_id=order.job_order_id, product=order.product, statements=statements,
                    cancelled=order.cancelled and order.statements != () and order.statements[0].start_ns <= now_ns,
                    started_ns=order.started_ns if started else None, ended_ns=order.ended_ns if over else None,
                    ended_lots=count.get(order.job_order_id, 0),
                )
            )  # fmt: skip
    return LoadHistory(
        at_ns=now_ns, from_ns=_FROM_NS, orders=tuple(seen),
        lots=tuple(
            Lot(
                material_lot_id=lot.material_lot_id, product=lot.product, job_order_id=lot.job_order_id,
                ended_ns=lot.ended_ns,
                tests=tuple(test for test in lot.tests if lot.ended_ns + test.after_ns <= now_ns),
            )
            for lot in ended
        ),
        waiting={}, analytes={name: product.analytes for name, product in products.items()},
        tested={(name, analyte): TestHistory(failed=0, tested=0)
                for name, product in products.items() for analyte in product.analytes},
    )  # fmt: skip
