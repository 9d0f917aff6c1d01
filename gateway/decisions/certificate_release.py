"""What others learn of a lot's release as a certificate that it waits for changes. Pure."""

from dataclasses import replace

from gateway.advice.publication import message_of_disposition
from gateway.contract.identity import identity_of
from gateway.contract.sinks.rule import AWAITS_CERTIFICATE, CERTIFICATE_WITHDRAWN
from gateway.decision import Decision, LotJudged
from gateway.decisions.changes import audit_entry
from gateway.events import Event
from gateway.facts.certificates import CertificateActFacts, CertificateDueFacts, LotCertificates
from gateway.lab.certificates.awaited import awaited
from gateway.records.certificates import CertificateOnRecord, CertificateState
from gateway.records.lot_parts import RELEASE_TAKEN_BACK

_OF_ONE_MESSAGE = frozenset({AWAITS_CERTIFICATE, CERTIFICATE_WITHDRAWN, RELEASE_TAKEN_BACK})


def after_change(known: LotCertificates, version: CertificateOnRecord, state: CertificateState) -> LotCertificates:
    """Return a lot's certificates as they stand after one of them has changed."""
    others = tuple(replace(item, state=state) if item is version else item for item in known.on_record)
    parts = {name: replace(part, on_record=others) for name, part in known.parts.items()}
    return replace(known, on_record=others, parts=parts)


def dispositions_after_change(
    event: Event, facts: CertificateDueFacts | CertificateActFacts, after: LotCertificates
) -> Decision:
    """Publish the disposition of the lot, and of each part, whose release waits for a certificate now, or no longer."""
    published = _published(event, facts, facts.known, after)
    for name, part in after.parts.items():
        published += _published(event, facts, facts.known.parts[name], part)
    return published


def _published(
    event: Event, facts: CertificateDueFacts | CertificateActFacts, known: LotCertificates, after: LotCertificates
) -> Decision:
    lot, before, decision = after.lot, after.disposition, None if after.lot is None else after.lot.decision
    if lot is None or before is None or decision is None:
        return Decision()
    waited = awaited(facts.line.certificates, lot.knowledge.context, known.own, decision)
    waits = awaited(facts.line.certificates, lot.knowledge.context, after.own, decision)
    if waited == waits:
        return Decision()
    name = lot.knowledge.lot if after.part is None else after.part.part_id
    kept = tuple(flag for flag in before.flags if flag not in _OF_ONE_MESSAGE)
    disposition = replace(
        before,
        disposition_id=identity_of("disposition", event.event_id, name, event.at_ns),
        previous=before.recommendation,
        flags=(*kept, *((AWAITS_CERTIFICATE, CERTIFICATE_WITHDRAWN) if waits else ())),
    )
    judged = LotJudged(disposition=disposition, material_lot_id=name, state=after.state, stands_already=True)
    entry = audit_entry("disposition", disposition.disposition_id, scope=after.scope, lot=name,
                        recommendation=disposition.recommendation.value, previous=disposition.previous.value,
                        reasons=[reason.code for reason in disposition.reasons], cause=event.event_id)  # fmt: skip
    message = message_of_disposition(
        disposition, after.part, line=facts.line, cause=event.event_id, at_ns=event.at_ns, decision=decision
    )
    return Decision(records=(judged,), audit=(entry,), messages=(message,))
