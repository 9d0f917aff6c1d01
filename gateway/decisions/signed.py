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
from gateway.decisions.not_signed import another_record, asked_already, no_longer, not_waiting
from gateway.decisions.signed_wording import WORDING, SignedText, in_words, what_is_done
from gateway.events import ActRequested
from gateway.facts.acts import ActFacts
from gateway.facts.signatures import PendingFacts
from gateway.people.signing import (
    SIGNABLE,
    does_not_sign,
    not_by_both_components,
    not_the_signer,
    policy_of,
    role_of_signer,
)
from gateway.records.act_kinds import ActKind
from gateway.records.acts import ActOutcome, Answer, SignPending, WithdrawPending, waits
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
    missing = missing or asked_already(facts)
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
        return Decision(answer=does_not_sign(policy, actor))
    signatures = (_signature(record, event, actor, policy, SignedText.DECISION),) if signs else ()
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
        """Sign an act that waits; with the last signature it needs it is decided again, and done or ended for good."""
        act = event.act
        if not isinstance(act, SignPending):
            raise TypeError(f"{act.kind} is no SignPending")
        actor, pending = _actor(facts), facts.pending
        refusal = not_waiting(pending, act.record_id, event) or not_by_both_components(event.credential)
        if refusal is not None or pending is None or facts.of_act is None:
            return Decision(answer=refusal)
        request = request_in(pending.record)
        policy = policy_of(request.act.kind, facts.line.signatures)
        refusal = (
            another_record(act, pending.record)
            or not_the_signer(policy, actor, author_id=request.author.user_id, signatures=pending.signatures,
                              about=WORDING[request.act.kind].concerns(request.act))
        )  # fmt: skip
        if refusal is not None:
            return Decision(answer=refusal)
        ended = no_longer(pending, _record(request, facts.of_act), request, facts.users)
        if ended is not None:
            return _ended(pending.record, ended, event)
        signature = _signature(pending.record, event, actor, policy, SignedText.APPROVAL)
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
    refusal = not_waiting(pending, act.record_id, event)
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
    why = in_words(SignedText.REJECTED_BY, person=event.person, reason=event.reason)
    return Decision(records=(_state(record, SigningState.REFUSED, event, why),), audit=(entry,),
                    answer=Answer(outcome=ActOutcome.DONE))  # fmt: skip


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
    record: SignedRecord, event: ActRequested, actor: User, policy: SignaturePolicy, meaning: SignedText
) -> Signature:
    role = role_of_signer(policy, actor)
    if role is None:
        raise TypeError(f"{actor.user_id} has none of the roles that sign")
    return Signature(
        signature_id=identity_of("signature", record.record_id, record.version, record.sha256, actor.user_id),
        record_kind=record.kind,
        record_id=record.record_id,
        record_version=record.version,
        record_sha256=record.sha256,
        user_id=actor.user_id,
        printed_name=actor.full_name,
        role=role,
        meaning=in_words(meaning, what=what_is_done(record)),
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
    entry = audit_entry("act_not_done", record.record_id, act=record.kind, of=record.subject, why=why.english,
                        code=why.code, parameters=dict(why.parameters), person=event.person)  # fmt: skip
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
