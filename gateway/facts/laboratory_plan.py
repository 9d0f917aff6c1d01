"""What the plan of the laboratory, and its approval, stand on."""

from dataclasses import dataclass

from gateway.facts.acts import ActFacts
from gateway.facts.base import Facts
from gateway.lab.sampling import Waiting
from gateway.records.workload import LaboratoryPlan, LaboratoryPlanApproved


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingLot:
    """A lot that the laboratory is asked to measure."""

    waiting: Waiting
    product: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LaboratoryPlanFacts(Facts):
    """``due``: whether a plan is still due; ``planned_ns``: when production last planned; ``queue``: lots that wait."""

    due: bool
    planned_ns: int
    queue: tuple[WaitingLot, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ApprovePlanFacts(ActFacts):
    """``newest``: the newest plan, and its approval; None where there is none that holds."""

    newest: LaboratoryPlan | None
    approval: LaboratoryPlanApproved | None
    queue: tuple[WaitingLot, ...]
