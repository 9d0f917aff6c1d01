"""What follows for a lot's certificates: drafts once it is complete, questions about what was issued. Pure."""

from gateway.advice.certificate_message import certificate_message
from gateway.contract.certificates import certificate_id, number_of
from gateway.contract.identity import sha256_hex
from gateway.decision import Decision, Latched
from gateway.decisions.certificate_draft import (
    content_now,
    draft,
    drafted_decision,
    is_as_drafted,
    newest_of,
    requirement_of,
)
from gateway.decisions.certificate_release import after_change, dispositions_after_change
from gateway.decisions.changes import audit_entry
from gateway.events import CertificateMailed, CertificatePrinted, FollowUpDue
from gateway.facts.certificates import CertificateDueFacts, CertificateIssuedFacts
from gateway.lab.certificates.awaited import applying
from gateway.lab.certificates.draft import CertifiedLot
from gateway.lab.certificates.questions import questions
from gateway.latches import CERTIFICATE_NOT_MAILED, CERTIFICATE_NOT_PRINTED, questioned_latch
from gateway.records.certificates import (
    CertificateChanged,
    CertificateMade,
    CertificateOnRecord,
    CertificateSent,
    CertificateState,
)


def on_certificate_due(event: FollowUpDue, facts: CertificateDueFacts) -> Decision:
    """Draft the certificates of a lot for the first time or again, and question what was issued on other facts.

    What says the same as before is left as it is, so a lot that nothing happens to gets no second draft.
    """
    known = facts.known
    if known.lot is None:
        return Decision()
    decided, after = _first_drafts(known.lot, event, facts), known
    for before in known.on_record:
        meant = known.of(before.drafted.content.part_name)
        if meant is not None and meant.lot is not None:
            again = _again(before, meant.lot, event, facts)
        else:  # the part that it is of was taken out by hand
            again = _questioned(before, known.lot, event, facts)
        if any(isinstance(record, CertificateChanged) for record in again.records):
            after = after_change(after, before, CertificateState.QUESTIONED)
        decided += again
    return decided + dispositions_after_change(event, facts, after)


def _first_drafts(lot: CertifiedLot, event: FollowUpDue, facts: CertificateDueFacts) -> Decision:
    """Return the first draft for each customer whose requirement applies to a complete lot."""
    if lot.ended_ns is None and not lot.closed:
        return Decision()
    context, rules = lot.knowledge.context, facts.line.certificates
    product = next(iter(context.products), None)
    requirements = applying(rules, product, context.client_id)
    if not requirements and not facts.known.on_record and event.follow_up.until_ns:  # said once, as the lot ends
        nothing = audit_entry("certificate_not_required", lot.knowledge.lot, scope=facts.known.scope, product=product,
                              client=context.client_id)  # fmt: skip
        return Decision(audit=(nothing,) if rules.requirements else ())
    decided = Decision()
    for requirement in requirements:
        if newest_of(facts.known, certificate_id(lot.knowledge.lot, requirement.customer)) is None:
            content = content_now(lot, requirement, facts.known, facts.line)
            decided += drafted_decision(draft(content, None, event), event, facts)
    return decided


def _again(before: CertificateOnRecord, lot: CertifiedLot, event: FollowUpDue, facts: CertificateDueFacts) -> Decision:
    if before.state is CertificateState.SIGNED:
        return _questioned(before, lot, event, facts)
    if before.state is not CertificateState.DRAFT:
        return Decision()
    requirement = requirement_of(facts.line, before.drafted.content)
    if requirement is None:
        return Decision()
    content = content_now(lot, requirement, facts.known, facts.line)
    if is_as_drafted(content, before):
        return Decision()
    return drafted_decision(draft(content, before, event), event, facts)


def _questioned(
    before: CertificateOnRecord, lot: CertifiedLot, event: FollowUpDue, facts: CertificateDueFacts
) -> Decision:
    """Flag an issued certificate whose facts have changed: the customer has a copy of it."""
    drafted, changed = before.drafted, before.changed
    why = questions(drafted.content, lot)
    if before.state is not CertificateState.SIGNED or not why or changed is None:
        return Decision()
    number = number_of(drafted.certificate_id, drafted.version)
    now = CertificateChanged(
        certificate_id=drafted.certificate_id,
        version=drafted.version,
        draft=drafted.draft,
        material_lot_id=drafted.content.material_lot_id,
        state=CertificateState.QUESTIONED,
        sha256=drafted.sha256,
        at_ns=event.at_ns,
        person="",
        questions=why,
        signature=changed.signature,
    )
    details = {"certificate": number, "lot": now.material_lot_id, "customer": drafted.content.customer,
               "customer_name": drafted.content.customer_name, "copies": list(drafted.content.email),
               "questions": [item.text for item in why]}  # fmt: skip
    entry = audit_entry("certificate_questioned", drafted.certificate_id, scope=facts.known.scope, **details)
    alarm = Latched(code=questioned_latch(number, drafted.content.customer), details=details)
    message = certificate_message(drafted, now, line=facts.line, cause=event.event_id, at_ns=event.at_ns)
    return Decision(records=(now, alarm), audit=(entry,), messages=(message,))


# --- documents -----------------------------------------------------------------------------------------


def on_certificate_printed(event: CertificatePrinted, facts: CertificateIssuedFacts) -> Decision:
    """Put the document of a signed certificate on record, and tell who waits for it; or why there is none."""
    issued = facts.issued
    if issued is None or issued.changed is None:
        return Decision()
    drafted = issued.drafted
    made = CertificateMade(
        certificate_id=event.certificate_id,
        version=event.version,
        material_lot_id=drafted.content.material_lot_id,
        media_type=event.media_type,
        sha256=sha256_hex(event.content),
        size=len(event.content),
        content=event.content,
        problem=event.problem,
    )
    number = number_of(event.certificate_id, event.version)
    entry = audit_entry("certificate_printed", event.certificate_id, number=number, media_type=made.media_type,
                        sha256=made.sha256, size=made.size, problem=made.problem)  # fmt: skip
    alarm = () if made.size else (
        Latched(code=f"{CERTIFICATE_NOT_PRINTED}{number}", details={"problem": made.problem}),
    )  # fmt: skip
    message = certificate_message(
        drafted, issued.changed, line=facts.line, cause=event.event_id, at_ns=event.at_ns, made=made
    )
    return Decision(records=(made, *alarm), audit=(entry,), messages=(message,))


def on_certificate_mailed(event: CertificateMailed, facts: CertificateIssuedFacts) -> Decision:
    """Put on record that a customer has got a certificate, or that the server has refused it."""
    if facts.issued is None:
        return Decision()
    number = number_of(event.certificate_id, event.version)
    sent = CertificateSent(
        certificate_id=event.certificate_id,
        version=event.version,
        to=event.to,
        at_ns=event.at_ns,
        problem=event.problem,
    )
    kind = "certificate_not_mailed" if event.problem else "certificate_mailed"
    entry = audit_entry(kind, event.certificate_id, number=number, to=list(event.to), problem=event.problem)
    alarm = (Latched(code=f"{CERTIFICATE_NOT_MAILED}{number}", details={"problem": event.problem}),)
    return Decision(records=(sent, *(alarm if event.problem else ())), audit=(entry,))
