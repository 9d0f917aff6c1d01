"""The laboratory's plan of the day: put on record where it is due, approved by a person. Pure.

It was made before, from what a read connection has seen (``runtime/laboratory_planning.py``).
"""

from gateway.advice.laboratory_plan import plan_message, worklist_message
from gateway.contract.workload import plan_sha256
from gateway.decision import Decision
from gateway.decisions.changes import audit_entry
from gateway.events import ActRequested, LaboratoryPlanned
from gateway.facts.laboratory_plan import ApprovePlanFacts, LaboratoryPlanFacts
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Answer, ApproveLaboratoryPlan, done, refused
from gateway.records.workload import LaboratoryPlanApproved


def on_laboratory_planned(event: LaboratoryPlanned, facts: LaboratoryPlanFacts) -> Decision:
    """Put a plan that is due on record, and publish it with the worklist; a person has to approve it.

    Nothing where it is not due any more, is of another day, or where production has planned since it was made: the
    next one knows of that.
    """
    plan, load = event.plan, facts.line.laboratory_load
    if not facts.due or plan.day != load.calendar.day_of(event.at_ns).isoformat() or facts.planned_ns > plan.at_ns:
        return Decision()
    days, conflicts = len(plan.days), [conflict.day for conflict in plan.conflicts]
    entry = audit_entry("laboratory_plan_drafted", plan.plan_id, day=plan.day, days=days, conflicts=conflicts,
                        plan_sha256=plan_sha256(plan))  # fmt: skip
    return Decision(
        records=(plan,),
        audit=(entry,),
        messages=(
            plan_message(plan, None, line=facts.line, cause=event.event_id, at_ns=event.at_ns),
            worklist_message(plan, None, facts.queue, line=facts.line, cause=event.event_id, at_ns=event.at_ns),
        ),
    )


def on_approve_laboratory_plan(event: ActRequested, facts: ApprovePlanFacts) -> Decision:
    """Put on record that a person approves the newest plan, with the proposals that they agree to."""
    act, plan = event.act, facts.newest
    if not isinstance(act, ApproveLaboratoryPlan):
        raise TypeError(f"{act.kind} is no ApproveLaboratoryPlan")
    refusal = _not_approved(act, facts)
    if refusal is not None or plan is None:
        return Decision(answer=refusal)
    approved = LaboratoryPlanApproved(
        plan_id=plan.plan_id,
        plan_sha256=act.plan_sha256,
        proposals=act.proposals,
        person=event.person,
        reason=event.reason,
        at_ns=event.at_ns,
    )
    entry = audit_entry("laboratory_plan_approved", plan.plan_id, day=plan.day, plan_sha256=act.plan_sha256,
                        proposals=list(act.proposals), person=event.person, reason=event.reason)  # fmt: skip
    return Decision(
        records=(approved,),
        audit=(entry,),
        messages=(
            plan_message(plan, approved, line=facts.line, cause=event.event_id, at_ns=event.at_ns),
            worklist_message(plan, approved, facts.queue, line=facts.line, cause=event.event_id, at_ns=event.at_ns),
        ),
        answer=done(day=plan.day, proposals=len(act.proposals)),
    )


def _not_approved(act: ApproveLaboratoryPlan, facts: ApprovePlanFacts) -> Answer | None:
    """Return why a plan cannot be approved."""
    plan = facts.newest
    if plan is None or plan.plan_id != act.plan_id:
        return refused(ActRefusal.PLAN_NOT_NEWEST, plan=act.plan_id)
    if plan_sha256(plan) != act.plan_sha256:
        return refused(ActRefusal.PLAN_NOT_AS_SHOWN, plan=act.plan_id)
    if facts.approval is not None:
        return refused(ActRefusal.PLAN_APPROVED_ALREADY, plan=act.plan_id, person=facts.approval.person)
    known = {proposal.proposal_id for conflict in plan.conflicts for proposal in conflict.proposals}
    unknown = [proposal for proposal in act.proposals if proposal not in known]
    return refused(ActRefusal.NO_SUCH_PROPOSAL, proposal=unknown[0]) if unknown else None
