"""The load of the laboratory: forecasts that cover what comes, and proposals that never thin out what fails."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.lab.workload.forecast import forecast
from gateway.lab.workload.history import LoadHistory, Lot, Order, OrderStatement, TestHistory, TestOfLot
from gateway.lab.workload.plan import may_be_thinned, plan_of
from gateway.line.laboratory import LaboratoryCalendar, LaboratoryLoad, ThinningRule
from gateway.records.workload import ProposalKind
from gateway.time_units import DAY_NS
from simulator.bench import laboratory_load

MONDAY_NS = 1_772_409_600_000_000_000  # 2 March 2026
UTC, HOUR_NS = ZoneInfo("UTC"), DAY_NS // 24


def load(**fields):
    return LaboratoryLoad(**{"weeks": 2, "calendar": LaboratoryCalendar(zone=UTC), **fields})


def lot(name, ended_ns, *, tests=2, order=None, product="P"):
    made = tuple(TestOfLot(analyte=f"a{number}", sample=0, after_ns=HOUR_NS) for number in range(tests))
    return Lot(material_lot_id=name, product=product, job_order_id=order, ended_ns=ended_ns, tests=made)


def known(at_ns, *, lots=(), orders=(), tested=None, waiting=None):
    return LoadHistory(
        at_ns=at_ns, from_ns=MONDAY_NS, orders=tuple(orders), lots=tuple(lots), waiting=waiting or {},
        analytes={"P": ("a0", "a1")}, tested=tested or {},
    )  # fmt: skip


def every_working_day(count, *, days=28):
    """Return lots that end at noon of each working day."""
    return [lot(f"L-{day}-{number}", MONDAY_NS + day * DAY_NS + 12 * HOUR_NS)
            for day in range(days) if day % 7 < 5 for number in range(count)]  # fmt: skip


def test_what_came_each_working_day_is_expected_again_and_nothing_on_a_weekend():
    made = forecast(known(MONDAY_NS + 28 * DAY_NS, lots=every_working_day(3)), load())
    by_day = {day.day: day for day in made.days}
    assert by_day[date(2026, 4, 1)].tests.expected == 6
    assert (by_day[date(2026, 4, 1)].tests.low, by_day[date(2026, 4, 1)].tests.high) == (6, 6)
    assert by_day[date(2026, 4, 1)].samples.expected == 3
    assert by_day[date(2026, 4, 4)].tests.expected == 0
    assert not by_day[date(2026, 4, 4)].works


def test_a_planned_order_brings_its_lots_and_a_cancelled_one_none():
    at_ns = MONDAY_NS + 28 * DAY_NS
    start_ns = at_ns + 2 * DAY_NS
    said = OrderStatement(stated_ns=at_ns - HOUR_NS, start_ns=start_ns, end_ns=start_ns + DAY_NS, lots=8)
    planned = Order(job_order_id="O-1", product="P", statements=(said,))
    cancelled = Order(job_order_id="O-2", product="P", statements=(said,), cancelled=True)

    def tests(*orders):
        return sum(day.tests.expected for day in forecast(known(at_ns, orders=orders), load()).days)

    assert tests(planned) == pytest.approx(16, rel=0.1)
    assert tests(cancelled) == 0
    assert tests() == 0


def test_what_comes_on_a_closed_day_is_done_on_the_next_working_day():
    closed = load(calendar=LaboratoryCalendar(zone=UTC, closed=frozenset({date(2026, 4, 1)})))
    by_day = {day.day: day for day in forecast(known(MONDAY_NS + 28 * DAY_NS, lots=every_working_day(2)), closed).days}
    assert by_day[date(2026, 4, 1)].tests.expected == 0
    assert by_day[date(2026, 4, 2)].tests.expected == 8


def test_the_same_knowledge_gives_the_same_forecast():
    made = [forecast(known(MONDAY_NS + 28 * DAY_NS, lots=every_working_day(3)), load()) for _ in range(2)]
    assert made[0] == made[1]


def test_intervals_cover_what_comes_in_simulated_plants():
    figures = laboratory_load.measure(True)
    assert figures["days_within_the_interval"].value >= 0.8
    assert 0.8 <= figures["expected_of_what_came"].value <= 1.25


@pytest.mark.parametrize(
    ("history", "thinned"),
    [
        (None, False),
        (TestHistory(failed=0, tested=20), False),
        (TestHistory(failed=0, tested=60), True),
        (TestHistory(failed=2, tested=60), False),
        (TestHistory(failed=1, tested=400), True),
        (TestHistory(failed=0, tested=400, out_of_trend=True), False),
    ],
)
def test_a_test_is_thinned_out_only_where_it_surely_seldom_fails(history, thinned):
    assert may_be_thinned(history) is thinned


def full(tests_per_day, *, tested=None, thinning=()):
    """Return the plan of a laboratory that gets twelve tests each working day."""
    at_ns = MONDAY_NS + 28 * DAY_NS
    of_line = load(tests_per_day=tests_per_day, thinning=thinning)
    facts = known(at_ns, lots=every_working_day(6), tested=tested)
    return plan_of(forecast(facts, of_line), facts, of_line)


def test_a_plan_that_fits_has_no_conflict():
    assert full(20.0).conflicts == ()


def test_where_nothing_helps_the_plan_says_how_many_tests_have_no_place():
    first = full(8.0).conflicts[0]
    assert (first.day, first.until, first.capacity) == ("2026-03-30", "2026-04-10", 8)
    assert [proposal.kind for proposal in first.proposals] == [ProposalKind.CAPACITY]
    assert first.proposals[0].tests == first.left


RULE = ThinningRule(product="P", analyte="a0", every_lots=3)


def test_a_rule_thins_out_a_safe_test_and_never_one_that_fails():
    safe, fails = TestHistory(failed=0, tested=200), TestHistory(failed=30, tested=200)
    kinds = {proposal.kind for conflict in full(8.0, tested={("P", "a0"): safe}, thinning=(RULE,)).conflicts
             for proposal in conflict.proposals}  # fmt: skip
    assert ProposalKind.THIN in kinds
    for tested in ({("P", "a0"): fails}, {("P", "a1"): safe}, {}):
        plan = full(8.0, tested=tested, thinning=(RULE,))
        assert all(item.kind is not ProposalKind.THIN for conflict in plan.conflicts for item in conflict.proposals)


@given(
    capacity=st.floats(min_value=1, max_value=40),
    failed=st.integers(min_value=0, max_value=300),
    tested=st.integers(min_value=0, max_value=300),
)
def test_a_plan_says_of_all_that_is_left_over_what_becomes_of_it(capacity, failed, tested):
    history = {("P", "a0"): TestHistory(failed=min(failed, tested), tested=tested)}
    plan = full(capacity, tested=history, thinning=(RULE,))
    days = {day.day: day for day in plan.days}
    for conflict in plan.conflicts:
        assert all(proposal.tests > 0 for proposal in conflict.proposals)
        waits = [proposal for proposal in conflict.proposals if proposal.to_day is not None]
        assert sum(proposal.tests for proposal in waits) <= conflict.left + 0.2
        assert all(proposal.to_day > conflict.until and days[proposal.to_day].works for proposal in waits)
        assert sum(proposal.tests for proposal in conflict.proposals) >= conflict.left - 1  # nothing is passed over
