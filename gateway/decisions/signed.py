"""Acts that need signatures: decided only once everybody has signed, and only if what they rest on is still so.

The first request puts the act on record as canonical JSON. If its author's signature is enough, it is done in the same
transaction. Otherwise it waits; each further person signs the same bytes with their own user and password. Before it is
done it is decided again on the facts of that instant: if the bytes would now be others, it is refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gateway.contract.identity import identity_of
from gateway.contract.signed_records import RequestOfAct, request_in, signed_record
from gateway.contract.times import rfc3339
from gateway.decision import Decision
from gateway.decisions.changes import audit_entry
from gateway.decisions.signed_wording import WORDING
from gateway.events import ActRequested
from gateway.facts.acts import ActFacts
from gateway.facts.signatures import PendingFacts
from gateway.people.rights import RIGHTS
from gateway.people.signing import SIGNABLE, not_by_both_components, not_the_signer, policy_of, role_of_signer
from gateway.records.act_kinds import ActKind
from gateway.records.acts import ActOutcome, Answer, SignPending, WithdrawPending, refused, waits
from gateway.records.record import Record
from gateway.records.signatures import (
    Author,
    Signature,
    SignaturePolicy,
    Signed,
    SignedOnRecord,
    SignedRecord,
    SigningState,
    SigningStateChanged,
)
from gateway.records.users import User
from gateway.time_units import seconds_to_ns

Decide = Callable[[Any, Any], Decision]
_SHOW = "labline signature list shows what waits, and for whom"


def signed(decide: Decide) -> Decide:
    """Return the decision on an act that is taken only with the signatures that it needs."""

    def decided(event: ActRequested, facts: ActFacts) -> Decision:
        policy = policy_of(event.act.kind, facts.line.signatures)
        if policy.count == 0 or not WORDING[event.act.kind].needs(event.act, facts):
            return decide(event, facts)
        return _asked_for(event, facts, policy, decide)

    return decided


def _asked_for(event: ActRequested, facts: ActFacts, policy: SignaturePolicy, decide: Decide) -> Decision:
    """Put an act on record that needs signatures, with its author's where that is one of them."""
    actor = _actor(facts)
    missing = not_by_both_components(event.credential) if policy.author_signs else None
    missing = missing or _asked_already(facts)
    if missing is not None:
        return Decision(answer=missing)
    request = RequestOfAct(
        record_id=identity_of("signed-record", event.event_id),
        act=event.act,
        reason=event.reason,
        author=Author(user_id=actor.user_id, printed_name=actor.full_name),
        made_ns=event.at_ns,
        expires=event.at.after(seconds_to_ns(policy.expires_after_seconds)),
        evidence=WORDING[event.act.kind].evidence(event.act, facts),
    )
    record = _record(request, facts)
    signs = policy.author_signs and role_of_signer(policy, actor) is not None
    if not signs and not SIGNABLE[event.act.kind].waits:
        roles = ", ".join(policy.roles)
        return Decision(
            answer=refused(f"{actor.user_id} may not sign this", hint=f"it needs one of the roles: {roles}")
        )
    signatures = (_signature(record, event, actor, policy, "decision"),) if signs else ()
    outcome = decide(replace(event, signed=Signed(record=record, signatures=signatures)), facts)
    if outcome.answer is not None and outcome.answer.outcome is not ActOutcome.DONE:
        return outcome
    written = Decision(records=(record, *signatures), audit=(_asked(record), *map(_audit_of, signatures)))
    if len(signatures) < policy.count:
        return written + _waits(record, signatures, policy, event)
    return written + _done(record, event) + _naming(outcome, record, signatures)


def sign_pending(acts: Mapping[ActKind, Decide]) -> Callable[[ActRequested, PendingFacts], Decision]:
    """Return the decision on signing an act that waits; ``acts``: the decisions on the acts themselves."""

    def on_sign_pending(event: ActRequested, facts: PendingFacts) -> Decision:
        act = event.act
        if not isinstance(act, SignPending):
            raise TypeError(f"{act.kind} is no SignPending")
        actor, pending = _actor(facts), facts.pending
        refusal = _not_waiting(pending, act.record_id, event) or not_by_both_components(event.credential)
        if refusal is not None or pending is None or facts.of_act is None:
            return Decision(answer=refusal)
        request = request_in(pending.record)
        policy = policy_of(request.act.kind, facts.line.signatures)
        refusal = (
            _another_record(act, pending.record)
            or not_the_signer(policy, actor, author_id=request.author.user_id, signatures=pending.signatures,
                              about=WORDING[request.act.kind].concerns(request.act))
        )  # fmt: skip
        if refusal is not None:
            return Decision(answer=refusal)
        ended = _no_longer(pending, _record(request, facts.of_act), request, facts.users)
        if ended is not None:
            return _ended(pending.record, ended, event)
        signature = _signature(pending.record, event, actor, policy, "approval")
        signatures = (*pending.signatures, signature)
        written = Decision(records=(signature,), audit=(_audit_of(signature),))
        if len(signatures) < policy.count:
            return written + Decision(answer=_answer_of_waiting(pending.record, signatures, policy))
        of_act = replace(event, act=request.act, reason=request.reason, person=request.author.printed_name,
                         signed=Signed(record=pending.record, signatures=signatures))  # fmt: skip
        outcome = acts[request.act.kind](of_act, facts.of_act)
        if outcome.answer is not None and outcome.answer.outcome is not ActOutcome.DONE:
            return _ended(pending.record, outcome.answer, event)
        return written + _done(pending.record, event) + _naming(outcome, pending.record, signatures)

    return on_sign_pending


def on_withdraw_pending(event: ActRequested, facts: PendingFacts) -> Decision:
    """Withdraw an act that waits, or reject it: its author withdraws, whoever may sign it rejects, with a reason."""
    act = event.act
    if not isinstance(act, WithdrawPending):
        raise TypeError(f"{act.kind} is no WithdrawPending")
    pending = facts.pending
    refusal = _not_waiting(pending, act.record_id, event)
    if refusal is not None or pending is None:
        return Decision(answer=refusal)
    if pending.record.author.user_id != _actor(facts).user_id:
        return _rejected(pending, event, facts)
    changed = SigningStateChanged(
        record_id=act.record_id, state=SigningState.WITHDRAWN, at_ns=event.at_ns, person=event.person, why=event.reason
    )
    entry = audit_entry("act_withdrawn", pending.record.record_id, act=pending.record.kind,
                        of=pending.record.subject, person=event.person, reason=event.reason)  # fmt: skip
    return Decision(records=(changed,), audit=(entry,), answer=Answer(outcome=ActOutcome.DONE))


def _rejected(pending: SignedOnRecord, event: ActRequested, facts: PendingFacts) -> Decision:
    """End an act that waits, by a person whose signature it waits for."""
    record = pending.record
    policy = policy_of(ActKind(record.kind), facts.line.signatures)
    why_not = not_the_signer(policy, _actor(facts), author_id=record.author.user_id, signatures=pending.signatures)
    if why_not is not None:
        return Decision(answer=why_not)
    entry = audit_entry("act_rejected", record.record_id, act=record.kind, of=record.subject, person=event.person,
                        reason=event.reason)  # fmt: skip
    why = f"rejected by {event.person}: {event.reason}"
    return Decision(records=(_state(record, SigningState.REFUSED, event, why),), audit=(entry,),
                    answer=Answer(outcome=ActOutcome.DONE))  # fmt: skip


# --- why not ---------------------------------------------------------------------------------------------------


def _asked_already(facts: ActFacts) -> Answer | None:
    """Return why an act is not put on record a second time, as where the answer to the first never came."""
    if not facts.asked_already:
        return None
    return refused(
        "you have asked for this already: it waits for another person's signature",
        hint="labline signature list shows it; withdraw it to ask again",
    )


def _not_waiting(pending: SignedOnRecord | None, record_id: str, event: ActRequested) -> Answer | None:
    if pending is None:
        return refused(f"no act {record_id} waits for signatures", hint=_SHOW)
    if not pending.holds:
        return refused(
            f"the record {record_id} or a signature on it does not match its hash: nobody signs it",
            hint="labline audit verify shows what is damaged; ask for the act again",
        )
    if pending.state is not SigningState.WAITING:
        return refused(f"this act is {pending.state.value} already{_because(pending)}", hint=_SHOW)
    if event.at.is_past(pending.record.expires):
        since = rfc3339(pending.record.expires.wall_ns)
        return refused(f"this act has waited too long: it expired {since}", hint="ask for it again")
    return None


def _because(pending: SignedOnRecord) -> str:
    return f": {pending.why}" if pending.why else ""


def _another_record(act: SignPending, record: SignedRecord) -> Answer | None:
    if act.sha256 == record.sha256:
        return None
    return refused("what was shown to be signed is not what waits", hint="look at it again, then sign")


def _no_longer(
    pending: SignedOnRecord, now: SignedRecord, request: RequestOfAct, users: tuple[User, ...]
) -> Answer | None:
    """Return why an act that waits is not done any more, whoever signs."""
    if now.sha256 != pending.record.sha256:
        return refused("what this act is about has changed since it was asked for", hint="look again and ask again")
    by_id = {user.user_id: user for user in users if not user.disabled}
    author = by_id.get(request.author.user_id)
    if author is None or RIGHTS[request.act.kind].isdisjoint(author.roles):
        return refused(f"{request.author.user_id}, who has asked for this, may not any more", hint="ask for it again")
    gone = next((item.user_id for item in pending.signatures if item.user_id not in by_id), None)
    if gone is not None:
        return refused(f"{gone}, who has signed this, is disabled", hint="ask for it again")
    without = next((item for item in pending.signatures if item.role not in by_id[item.user_id].roles), None)
    if without is not None:
        return refused(f"{without.user_id}, who has signed this, is not {without.role.value} any more",
                       hint="ask for it again")  # fmt: skip
    return None


# --- what is written -------------------------------------------------------------------------------------------


def _record(request: RequestOfAct, facts: ActFacts) -> SignedRecord:
    wording = WORDING[request.act.kind]
    return signed_record(
        request,
        line=facts.line.path,
        subject=wording.subject(request.act),
        version=facts.signed_before + 1,
        rests_on=wording.rests_on(request.act, facts),
    )


def _actor(facts: ActFacts) -> User:
    if facts.actor is None:
        raise TypeError("by_right lets nobody act who is no user")
    return facts.actor


def _signature(
    record: SignedRecord, event: ActRequested, actor: User, policy: SignaturePolicy, meaning: str
) -> Signature:
    role = role_of_signer(policy, actor)
    if role is None:
        raise TypeError(f"{actor.user_id} has none of the roles that sign")
    act = request_in(record).act
    return Signature(
        signature_id=identity_of("signature", record.record_id, record.version, record.sha256, actor.user_id),
        record_kind=record.kind,
        record_id=record.record_id,
        record_version=record.version,
        record_sha256=record.sha256,
        user_id=actor.user_id,
        printed_name=actor.full_name,
        role=role,
        meaning=f"{meaning}: {WORDING[act.kind].what(act)}",
        signed_ns=event.at_ns,
        event_id=event.event_id,
    )


def _asked(record: SignedRecord) -> Any:
    return audit_entry("act_to_sign", record.record_id, act=record.kind, of=record.subject, version=record.version,
                       sha256=record.sha256, author=record.author.printed_name)  # fmt: skip


def _audit_of(signature: Signature) -> Any:
    return audit_entry("signed", signature.record_id, signature_id=signature.signature_id,
                       record_kind=signature.record_kind, version=signature.record_version,
                       sha256=signature.record_sha256, person=signature.printed_name, role=signature.role.value,
                       meaning=signature.meaning, signed_at=rfc3339(signature.signed_ns))  # fmt: skip


def _state(record: SignedRecord, state: SigningState, event: ActRequested, why: str = "") -> Record:
    return SigningStateChanged(record_id=record.record_id, state=state, at_ns=event.at_ns, person=event.person, why=why)


def _waits(
    record: SignedRecord, signatures: tuple[Signature, ...], policy: SignaturePolicy, event: ActRequested
) -> Decision:
    return Decision(
        records=(_state(record, SigningState.WAITING, event),),
        answer=_answer_of_waiting(record, signatures, policy),
    )


def _done(record: SignedRecord, event: ActRequested) -> Decision:
    return Decision(records=(_state(record, SigningState.DONE, event),))


def _ended(record: SignedRecord, why: Answer, event: ActRequested) -> Decision:
    """Refuse an act for good that can no longer be done; a new one is asked for."""
    entry = audit_entry("act_not_done", record.record_id, act=record.kind, of=record.subject, why=why.why,
                        person=event.person)  # fmt: skip
    return Decision(records=(_state(record, SigningState.REFUSED, event, why.why),), audit=(entry,), answer=why)


def _answer_of_waiting(record: SignedRecord, signatures: tuple[Signature, ...], policy: SignaturePolicy) -> Answer:
    return waits(
        record_id=record.record_id,
        sha256=record.sha256,
        signed_by=[signature.printed_name for signature in signatures],
        signatures_missing=policy.count - len(signatures),
        of_roles=[role.value for role in policy.roles],
        expires_at=rfc3339(record.expires.wall_ns),
    )


def _naming(outcome: Decision, record: SignedRecord, signatures: tuple[Signature, ...]) -> Decision:
    """Return the decision on an act with its signatures in the answer and in each line of the trail."""
    answer = outcome.answer or Answer(outcome=ActOutcome.DONE)
    details = {**answer.details, "record_id": record.record_id,
               "signature_ids": [signature.signature_id for signature in signatures]}  # fmt: skip
    by = {"record_id": record.record_id, "signed_by": [signature.printed_name for signature in signatures]}
    audit = tuple(replace(entry, body={**entry.body, **by}) for entry in outcome.audit)
    return replace(outcome, audit=audit, answer=replace(answer, details=details))
