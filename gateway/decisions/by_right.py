"""Every act is decided only after it is known who acts, that they may, and that they see what it is about.

What is refused goes into the audit trail, with its code; what is done carries the user and the credential in each
of its entries, and the printed name where the act keeps one.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from gateway.contract.lims.names import normalised
from gateway.decision import Decision
from gateway.decisions.changes import audit_entry
from gateway.events import ActRequested
from gateway.facts.acts import ActFacts
from gateway.people.authority import authorised
from gateway.people.rights import WITH_REASON
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import ActOutcome, Answer, refused
from gateway.records.outgoing import AuditEntry
from gateway.records.users import User

KindOfFacts = TypeVar("KindOfFacts", bound=ActFacts)


def by_right(
    decide: Callable[[ActRequested, KindOfFacts], Decision],
) -> Callable[[ActRequested, KindOfFacts], Decision]:
    """Return the decision on an act that is taken only where the person may."""

    def decided(event: ActRequested, facts: KindOfFacts) -> Decision:
        """Decide on an act of somebody who may do it; refuse it otherwise, with its code in the trail."""
        actor = authorised(
            event.act, event.credential, facts.actor, has_users=facts.has_users, unconfirmed=facts.unconfirmed
        )
        if isinstance(actor, Answer):
            return Decision(audit=(_refused(event, facts.actor, actor),), answer=actor)
        if facts.out_of_sight is not None:
            hidden = refused(facts.out_of_sight)
            return Decision(audit=(_refused(event, actor, hidden),), answer=hidden)
        if event.act.kind in WITH_REASON and not normalised(event.reason):
            missing = refused(ActRefusal.REASON_NEEDED)
            return Decision(audit=(_refused(event, actor, missing),), answer=missing)
        decision = decide(replace(event, person=actor.full_name), facts)
        answer = decision.answer
        if answer is not None and answer.outcome is ActOutcome.REFUSED and not decision.audit:
            return replace(decision, audit=(_refused(event, actor, answer),))
        who = {"user": actor.user_id, "credential": event.credential.kind.value}
        audit = tuple(replace(entry, body={**entry.body, **who}) for entry in decision.audit)
        return replace(decision, audit=audit, answer=_naming(decision.answer, actor))

    return decided


def _naming(answer: Answer | None, actor: User) -> Answer | None:
    """Return the answer with the printed name of who has acted, where something is done."""
    if answer is None or answer.outcome is not ActOutcome.DONE:
        return answer
    return replace(answer, details={**answer.details, "person": actor.full_name})


def _refused(event: ActRequested, actor: User | None, answer: Answer) -> AuditEntry:
    credential = event.credential
    return audit_entry(
        "act_refused",
        event.act.kind.value,
        user=None if actor is None else actor.user_id,
        subject=credential.subject,
        credential=credential.kind.value,
        code=answer.code,
        parameters=dict(answer.parameters),
        why=answer.english,
    )
