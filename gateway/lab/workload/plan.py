"""A plan for the laboratory: which days bring too much, what can wait, and what can be thinned out by its risk. Pure.

A proposal is for a person: nothing is thinned out or put off by itself. A test is thinned out only where the plant's
rules name it, where results show that it seldom fails, and while its series does not signal.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.contract.identity import identity_of
from gateway.lab.quantiles import beta_quantile
from gateway.lab.sampling import Priority
from gateway.lab.workload.forecast import DayForecast, Forecast, forecast
from gateway.lab.workload.history import LoadHistory, TestHistory
from gateway.line.laboratory import LaboratoryLoad, ThinningRule
from gateway.records.workload import Conflict, LaboratoryPlan, PlannedDay, Proposal, ProposalKind

LIKELY = 0.5  # the probability from which a day is a conflict
_RARE, _SURELY = 0.05, 0.95  # a share of failures that is surely (so probably) smaller
_FEWEST_TESTED = 60  # with none failed of so many the share is surely below one in twenty
_MOST_DAYS_OF: Mapping[Priority, int] = {Priority.LOW: 2, Priority.STANDARD: 1, Priority.HIGH: 0}
_HIGH, _STANDARD = 0.25, 0.05
_PART = 0.5  # of a test; less is no proposal


def plan_from(known: LoadHistory, load: LaboratoryLoad) -> LaboratoryPlan:
    """Return the plan of what is known, by a forecast of it; takes tenths of a second."""
    return plan_of(forecast(known, load), known, load)


def plan_of(made: Forecast, known: LoadHistory, load: LaboratoryLoad) -> LaboratoryPlan:
    """Return the plan of a forecast: its days, and the conflicts with what is proposed against each."""
    first = made.days[0].day.isoformat()
    plan_id = identity_of("laboratory-plan", first, made.at_ns)
    conflicts = _Conflicts(made, known, load, plan_id)
    return LaboratoryPlan(
        plan_id=plan_id,
        day=first,
        at_ns=made.at_ns,
        days=tuple(_planned(day) for day in made.days),
        conflicts=tuple(conflicts.of_all()),
        history_days=made.history_days,
        lots=made.lots,
        planned_orders=made.planned_orders,
    )


def may_be_thinned(history: TestHistory | None) -> bool:
    """Return whether a test fails so seldom that not every lot needs it (the upper limit of a Beta posterior).

    Jeffreys' prior: Gelman et al., Bayesian Data Analysis, 2.8; one failure asks for about a hundred results.
    """
    if history is None or history.out_of_trend or history.tested < _FEWEST_TESTED:
        return False
    return beta_quantile(0.5 + history.failed, 0.5 + history.tested - history.failed, _SURELY) < _RARE


class _Conflicts:
    """Looks for runs of days that bring too much, of all tests and of each analyte with a capacity of its own."""

    def __init__(self, made: Forecast, known: LoadHistory, load: LaboratoryLoad, plan_id: str) -> None:
        self._days = [day for day in made.days if day.works]
        self._lots = [{product: lots[at] for product, lots in made.lots_by_product.items()}
                      for at, day in enumerate(made.days) if day.works]  # fmt: skip
        self._known, self._load, self._plan_id = known, load, plan_id

    def of_all(self) -> Iterator[Conflict]:
        """Yield the conflicts: of all tests first, then by analyte; of each by day."""
        of_what = {name for day in self._days for name in day.pressure}
        for name in sorted(of_what, key=lambda name: name or ""):
            for first, last in self._runs(name):
                yield self._conflict(first, last, name)

    def _runs(self, name: str | None) -> Iterator[tuple[int, int]]:
        """Yield the first and the last of days, one behind the other, that probably leave tests undone."""
        first = None
        for at, day in enumerate(self._days):
            over = name in day.pressure and day.pressure[name].over >= LIKELY
            if over and first is None:
                first = at
            if not over and first is not None:
                yield first, at - 1
                first = None
        if first is not None:
            yield first, len(self._days) - 1

    def _conflict(self, first: int, last: int, name: str | None) -> Conflict:
        pressures = [day.pressure[name] for day in self._days[first : last + 1]]
        left = max(pressure.left.expected for pressure in pressures)
        proposals, excess = [], left
        for proposal in (*self._thinned(first, last, name), *self._waits(first, last, name, left)):
            if excess > _PART:
                proposals.append(proposal)
                excess -= proposal.tests
        if excess > _PART:
            proposals.append(self._proposal(first, ProposalKind.CAPACITY, excess, analyte=name))
        return Conflict(
            day=self._named(first), until=self._named(last), analyte=name,
            probability=max(pressure.over for pressure in pressures),
            expected=sum(self._expected(at, name) for at in range(first, last + 1)), left=left,
            capacity=pressures[0].capacity, proposals=tuple(proposals),
        )  # fmt: skip

    def _thinned(self, first: int, last: int, name: str | None) -> Iterator[Proposal]:
        """Yield the tests that need not be done of every lot of these days, the most first."""
        saved = [
            (sum(self._saved(rule, at) for at in range(first, last + 1)), rule)
            for rule in self._load.thinning
            if name in {None, rule.analyte} and may_be_thinned(self._known.tested.get((rule.product, rule.analyte)))
        ]
        for tests, rule in sorted(saved, key=lambda item: -item[0]):
            if tests > _PART:
                of_what = {"analyte": rule.analyte, "product": rule.product, "every_lots": rule.every_lots}
                yield self._proposal(first, ProposalKind.THIN, tests, **of_what)

    def _saved(self, rule: ThinningRule, at: int) -> float:
        expected = min(self._lots[at].get(rule.product, 0.0), self._expected(at, rule.analyte))
        return expected * (1 - 1 / rule.every_lots)

    def _waits(self, first: int, last: int, name: str | None, left: float) -> Iterator[Proposal]:
        """Yield what can wait until the day on which all is done, and is then still in time; the least risk first."""
        done = last + 1
        if done == len(self._days):
            return
        names = [name] if name is not None else sorted(self._days[first].by_analyte, key=self._risk)
        for analyte in names:
            days = range(max(first, done - _MOST_DAYS_OF[self._priority(analyte)]), done)
            tests = min(sum(self._expected(at, analyte) for at in days), left)
            if tests > _PART:
                left -= tests
                yield self._proposal(first, ProposalKind.WAIT, tests, analyte=analyte, to_day=self._named(done))

    def _expected(self, at: int, name: str | None) -> float:
        day = self._days[at]
        if name is None:
            return day.tests.expected
        return day.by_analyte[name].expected if name in day.by_analyte else 0.0

    def _risk(self, analyte: str) -> float:
        """Return the share of failures of a test, of the product of which it is largest."""
        shares = [(0.5 + item.failed) / (10.0 + item.tested) if not item.out_of_trend else 1.0
                  for (_product, name), item in self._known.tested.items() if name == analyte]  # fmt: skip
        return max(shares, default=_STANDARD)

    def _priority(self, analyte: str) -> Priority:
        risk = self._risk(analyte)
        if risk >= _HIGH:
            return Priority.HIGH
        return Priority.STANDARD if risk >= _STANDARD else Priority.LOW

    def _named(self, at: int) -> str:
        return self._days[at].day.isoformat()

    def _proposal(self, at: int, kind: ProposalKind, tests: float, **of_what: Any) -> Proposal:
        named = (self._plan_id, self._named(at), kind, *(str(value) for _name, value in sorted(of_what.items())))
        return Proposal(
            proposal_id=identity_of("laboratory-proposal", *named), kind=kind, tests=round(tests, 1), **of_what
        )


def _planned(day: DayForecast) -> PlannedDay:
    return PlannedDay(
        day=day.day.isoformat(), works=day.works, tests=round(day.tests.expected, 1), tests_low=day.tests.low,
        tests_high=day.tests.high, samples=round(day.samples.expected, 1),
        capacity=day.pressure[None].capacity if None in day.pressure else None,
        by_analyte={name: round(item.expected, 1) for name, item in day.by_analyte.items()},
    )  # fmt: skip
