"""The plan of the laboratory's coming days: what is expected, where it is too much, and what is proposed."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.records.record import Record


class ProposalKind(StrEnum):
    """What is proposed where a day brings more than the laboratory can do."""

    WAIT = "wait"  # some tests can be done on a later day
    THIN = "thin"  # a test is not done of every lot for that day
    CAPACITY = "capacity"  # nothing helps but more hands, or fewer lots


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """One proposal; ``tests``: how many it takes off the day. ``to_day``: of a test that waits."""

    proposal_id: str
    kind: ProposalKind
    tests: float
    analyte: str | None = None
    product: str | None = None
    to_day: str | None = None
    every_lots: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Conflict:
    """Days, one behind the other, that probably leave tests undone; ``analyte``: of which alone, None: of all together.

    ``expected``: what comes on these days, ``left``: how many tests are left undone at most, ``capacity``: a day's.
    """

    day: str
    until: str
    analyte: str | None
    probability: float
    expected: float
    left: float
    capacity: float
    proposals: tuple[Proposal, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedDay:
    """What a coming day probably brings, with the interval that nine of ten days are within."""

    day: str
    works: bool
    tests: float
    tests_low: float
    tests_high: float
    samples: float
    capacity: float | None
    by_analyte: dict[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class LaboratoryPlan(Record):
    """A plan as it was drafted. ``day``: its first day, by the plant's clock; ``at_ns``: of what it knows."""

    plan_id: str
    day: str
    at_ns: int
    days: tuple[PlannedDay, ...]
    conflicts: tuple[Conflict, ...]
    history_days: int
    lots: int
    planned_orders: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LaboratoryPlanApproved(Record):
    """A person has approved a plan with these of its proposals; ``plan_sha256``: of the plan that was shown."""

    plan_id: str
    plan_sha256: str
    proposals: tuple[str, ...]
    person: str
    reason: str
    at_ns: int
