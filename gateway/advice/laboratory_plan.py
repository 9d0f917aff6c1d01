"""The laboratory's plan and worklist as messages, with their sentences. Pure."""

from dataclasses import asdict
from datetime import date
from enum import StrEnum

from gateway.contract.identity import identity_of
from gateway.contract.payloads.laboratory_plan import (
    ConflictPart,
    LaboratoryPlanPayload,
    PlannedDayPart,
    ProposalPart,
)
from gateway.contract.payloads.worklist import WorklistItemPart, WorklistPayload, WorklistTestPart
from gateway.contract.publications import LABORATORY_PLAN, WORKLIST
from gateway.contract.times import rfc3339
from gateway.contract.workload import plan_sha256
from gateway.facts.laboratory_plan import WaitingLot
from gateway.lab.sampling import in_order
from gateway.line.definition import LineDefinition
from gateway.records.outgoing import OutgoingMessage
from gateway.records.workload import LaboratoryPlan, LaboratoryPlanApproved, Proposal
from gateway.texts.catalogue import text

LONGEST_WORKLIST = 200


class ProposalText(StrEnum):
    """What is proposed: the codes of the group ``laboratory_proposal``."""

    THIN = "THIN"
    WAIT = "WAIT"
    CAPACITY = "CAPACITY"
    CAPACITY_OF = "CAPACITY_OF"


def proposal_sentence(proposal: Proposal) -> str:
    """Return what is proposed, as a sentence with its numbers."""
    code = ProposalText(proposal.kind.name)
    if code is ProposalText.CAPACITY and proposal.analyte is not None:
        code = ProposalText.CAPACITY_OF
    return text(
        "laboratory_proposal",
        code.value,
        tests=proposal.tests,
        analyte=proposal.analyte or "",
        product=proposal.product or "",
        every_lots=proposal.every_lots or 0,
        to_day=proposal.to_day or "",
    )


def plan_message(
    plan: LaboratoryPlan, approved: LaboratoryPlanApproved | None, *, line: LineDefinition, cause: str, at_ns: int
) -> OutgoingMessage:
    """Return the message of a plan, drafted or approved."""
    payload = LaboratoryPlanPayload(
        schema="labline.laboratory-plan/1",
        id=identity_of("laboratory-plan-message", plan.plan_id, cause),
        cause=cause,
        issued_at=rfc3339(at_ns),
        line=line.path,
        plan_id=plan.plan_id,
        plan_sha256=plan_sha256(plan),
        state="proposed" if approved is None else "approved",
        approved_by=None if approved is None else approved.person,
        days=[PlannedDayPart(**asdict(day)) for day in plan.days],
        conflicts=conflict_parts(plan, approved),
        history_days=plan.history_days,
        lots=plan.lots,
        planned_orders=plan.planned_orders,
    )
    return LABORATORY_PLAN.message(payload.id, LABORATORY_PLAN.topic_of(line.topic_root, plan.plan_id), payload)


def conflict_parts(plan: LaboratoryPlan, approved: LaboratoryPlanApproved | None) -> list[ConflictPart]:
    """Return the conflicts of a plan with the sentences of their proposals."""
    return [
        ConflictPart(
            day=conflict.day,
            until=conflict.until,
            analyte=conflict.analyte,
            probability=round(conflict.probability, 3),
            expected=round(conflict.expected, 1),
            left=round(conflict.left, 1),
            capacity=conflict.capacity,
            proposals=[_proposal_part(proposal, approved) for proposal in conflict.proposals],
        )
        for conflict in plan.conflicts
    ]


def _proposal_part(proposal: Proposal, approved: LaboratoryPlanApproved | None) -> ProposalPart:
    return ProposalPart(
        proposal_id=proposal.proposal_id,
        kind=proposal.kind.value,
        tests=proposal.tests,
        analyte=proposal.analyte,
        product=proposal.product,
        to_day=proposal.to_day,
        every_lots=proposal.every_lots,
        text=proposal_sentence(proposal),
        accepted=approved is not None and proposal.proposal_id in approved.proposals,
    )


def worklist_message(
    plan: LaboratoryPlan,
    approved: LaboratoryPlanApproved | None,
    queue: tuple[WaitingLot, ...],
    *,
    line: LineDefinition,
    cause: str,
    at_ns: int,
) -> OutgoingMessage:
    """Return the retained message of the laboratory's day: the lots that wait, in the order of their risk."""
    today = plan.days[0]
    products = {lot.waiting.subject: lot.product for lot in queue}
    ordered = in_order([lot.waiting for lot in queue], at_ns=at_ns)
    payload = WorklistPayload(
        schema="labline.worklist/1",
        id=identity_of("worklist-message", plan.plan_id, cause),
        cause=cause,
        issued_at=rfc3339(at_ns),
        line=line.path,
        day=today.day,
        works=line.laboratory_load.calendar.works(date.fromisoformat(today.day)),
        plan_id=plan.plan_id,
        approved_by=None if approved is None else approved.person,
        items=[
            WorklistItemPart(
                place=place,
                material_lot_id=waiting.subject,
                product=products[waiting.subject],
                probability=round(waiting.probability, 4),
                waits_since=rfc3339(waiting.since_ns),
                tests=[_test(analyte, line) for analyte in waiting.tests],
            )
            for place, waiting in enumerate(ordered[:LONGEST_WORKLIST], start=1)
        ],
        more=max(len(ordered) - LONGEST_WORKLIST, 0),
        expected=today.by_analyte,
        accepted=[part for conflict in conflict_parts(plan, approved) if conflict.day <= today.day <= conflict.until
                  for part in conflict.proposals if part.accepted],
    )  # fmt: skip
    return WORKLIST.message(payload.id, WORKLIST.topic_of(line.topic_root), payload)


def _test(analyte: str, line: LineDefinition) -> WorklistTestPart:
    test_id, name = line.lab_tests.get(analyte, (analyte, analyte))
    return WorklistTestPart(analyte=analyte, test_id=test_id, test_name=name)
