"""What people do with certificates: they sign one, so that it is issued, or withdraw it. Pure.

Nothing incomplete is signed, and nothing but what was shown: in the transaction of the signature the certificate is
drafted once more, and its SHA-256 must be that of the draft, which must be the one that the person has seen.
"""

from collections.abc import Mapping
from typing import Any

from gateway.advice.certificate_message import certificate_message, data_of
from gateway.contract.certificates import number_of
from gateway.decision import Decision, Unlatched
from gateway.decisions.certificate_draft import (
    content_now,
    holds_together,
    is_as_drafted,
    newest_of,
    requirement_of,
)
from gateway.decisions.certificate_release import after_change, dispositions_after_change
from gateway.decisions.certificate_versions import (
    named,
    no_draft,
    no_such_certificate,
    not_in_force,
    number_of_act,
    version_of_act,
)
from gateway.decisions.changes import audit_entry
from gateway.events import ActRequested
from gateway.facts.certificates import CertificateActFacts
from gateway.latches import in_doubt, questioned_latch
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Answer, damaged, done, refused
from gateway.records.certificate_acts import (
    SignCertificate,
    WithdrawCertificate,
)
from gateway.records.certificates import (
    ISSUED,
    CertificateChanged,
    CertificateOnRecord,
    CertificateSignature,
    CertificateState,
)
from gateway.records.record import Record

_GAPS_NAMED = 5


def certificate_as_shown(act: SignCertificate | WithdrawCertificate, facts: CertificateActFacts) -> Mapping[str, Any]:
    """Return what of a certificate is signed: all its data, and their SHA-256."""
    version = version_of_act(act, facts)
    if version is None:
        return {"certificate": act.certificate_id, "data": None}
    return {"certificate": act.certificate_id, "version": act.version, "sha256": version.drafted.sha256,
            "data": data_of(version.drafted)}  # fmt: skip


# --- signing -------------------------------------------------------------------------------------------


def on_sign_certificate(event: ActRequested, facts: CertificateActFacts) -> Decision:
    """Issue a certificate; an earlier version that was issued is replaced by it."""
    act = event.act
    if not isinstance(act, SignCertificate):
        raise TypeError(f"{act.kind} is no SignCertificate")
    version = version_of_act(act, facts)
    refusal = _not_signed(act, version, facts)
    if refusal is not None or version is None:
        return Decision(answer=refusal)
    if event.signed is None:
        raise TypeError("a certificate is signed")  # the least number of signatures says so
    if not event.signed.signatures:  # its author does not sign: it waits, and nothing is issued yet
        return Decision(answer=done())
    issued = _changed(version, CertificateState.SIGNED, event, signature=_signature(event))
    replaced = _replaced(version, event, facts)
    entry = audit_entry("certificate_signed", act.certificate_id, scope=facts.known.scope, number=number_of_act(act),
                        version=act.version, lot=issued.material_lot_id, customer=version.drafted.content.customer,
                        sha256=issued.sha256, person=event.person)  # fmt: skip
    after = after_change(facts.known, version, CertificateState.SIGNED)
    return (
        Decision(records=(issued,), audit=(entry,), answer=done(**named(version), certificate_state="signed"))
        + replaced
        + dispositions_after_change(event, facts, after)
    )


def _not_signed(act: SignCertificate, version: CertificateOnRecord | None, facts: CertificateActFacts) -> Answer | None:
    """Return why a certificate is not signed, None where it may be."""
    if version is None or facts.known.lot is None:
        return no_such_certificate(act)
    if not holds_together(version):
        return damaged(table="certificate", key=act.certificate_id)
    if version.state is not CertificateState.DRAFT:
        return no_draft(version)
    if newest_of(facts.known, act.certificate_id) is not version:
        return refused(ActRefusal.CERTIFICATE_NOT_NEWEST, certificate=number_of_act(act))
    if facts.known.of(version.drafted.content.part_name) is None:
        return no_such_certificate(act)
    return _in_doubt(version, facts) or _other_now(act, version, facts) or _with_gaps(act, version)


def _in_doubt(version: CertificateOnRecord, facts: CertificateActFacts) -> Answer | None:
    """Return why nothing is signed of a lot, or of the part that is certified, now."""
    lot = version.drafted.content.material_lot_id
    content = version.drafted.content
    known = facts.known.of(content.part_name)
    if facts.known.waits or known is None or known.waits:
        return refused(ActRefusal.LOT_ABOUT_TO_BE_JUDGED, lot=lot)
    if facts.damaged or in_doubt(facts.latches):
        return refused(ActRefusal.LOT_RECORDS_IN_DOUBT, lot=lot)
    return None


def _other_now(act: SignCertificate, version: CertificateOnRecord, facts: CertificateActFacts) -> Answer | None:
    """Return why what was shown is not what would be drafted now."""
    content = version.drafted.content
    known = facts.known.of(content.part_name)
    lot = None if known is None else known.lot
    requirement = requirement_of(facts.line, content)
    if requirement is None or lot is None:
        return refused(ActRefusal.NO_REQUIREMENT, customer=content.customer, product=content.product or "-")
    now = content_now(lot, requirement, facts.known, facts.line)
    if act.sha256 != version.drafted.sha256 or not is_as_drafted(now, version):
        return refused(ActRefusal.CERTIFICATE_CHANGED, certificate=number_of_act(act))
    return None


def _with_gaps(act: SignCertificate, version: CertificateOnRecord) -> Answer | None:
    gaps = [item.text for item in version.drafted.content.gaps]
    if not gaps:
        return None
    more = len(gaps) - _GAPS_NAMED
    named = [*gaps[:_GAPS_NAMED], *([f"+ {more}"] if more > 0 else [])]
    return refused(ActRefusal.CERTIFICATE_HAS_GAPS, certificate=number_of_act(act), gaps=named)


def _signature(event: ActRequested) -> CertificateSignature:
    if event.signed is None:
        raise TypeError("it is signed")
    last = event.signed.signatures[-1]
    return CertificateSignature(
        printed_name=last.printed_name,
        role=last.role.value,
        meaning=last.meaning,
        signed_ns=last.signed_ns,
        signature_id=last.signature_id,
        record_id=event.signed.record.record_id,
        signed_by=tuple(signature.printed_name for signature in event.signed.signatures),
    )


def _replaced(version: CertificateOnRecord, event: ActRequested, facts: CertificateActFacts) -> Decision:
    """Return the end of the earlier versions that are still out."""
    own, decided = version.drafted, Decision()
    for before in facts.known.on_record:
        drafted = before.drafted
        if drafted.certificate_id == own.certificate_id and drafted.version < own.version and before.issued:
            decided += _ended(before, CertificateState.REPLACED, event, facts, why=own.reason)
    return decided


# --- withdrawing ---------------------------------------------------------------------------------------


def on_withdraw_certificate(event: ActRequested, facts: CertificateActFacts) -> Decision:
    """Withdraw a version that was issued, with the reason; where a release rests on it, others are told."""
    act = event.act
    if not isinstance(act, WithdrawCertificate):
        raise TypeError(f"{act.kind} is no WithdrawCertificate")
    version = version_of_act(act, facts)
    if version is None:
        return Decision(answer=no_such_certificate(act))
    if version.state not in ISSUED:
        return Decision(answer=not_in_force(version))
    if event.signed is not None and not event.signed.signatures:
        return Decision(answer=done())  # it waits
    after = after_change(facts.known, version, CertificateState.WITHDRAWN)
    return (
        Decision(answer=done(**named(version), certificate_state="withdrawn"))
        + _ended(version, CertificateState.WITHDRAWN, event, facts, why=event.reason)
        + dispositions_after_change(event, facts, after)
    )


# --- what is written -----------------------------------------------------------------------------------


def _ended(
    before: CertificateOnRecord, state: CertificateState, event: ActRequested, facts: CertificateActFacts, *, why: str
) -> Decision:
    drafted = before.drafted
    number = number_of(drafted.certificate_id, drafted.version)
    signature = None if before.changed is None else before.changed.signature
    changed = _changed(before, state, event, signature=signature, why=why)
    entry = audit_entry(f"certificate_{state.value}", drafted.certificate_id, scope=facts.known.scope, number=number,
                        version=drafted.version, lot=changed.material_lot_id, customer=drafted.content.customer,
                        reason=why, person=event.person)  # fmt: skip
    latch = questioned_latch(number, drafted.content.customer)
    over: tuple[Record, ...] = (Unlatched(code=latch),) if latch in facts.latches else ()
    message = certificate_message(drafted, changed, line=facts.line, cause=event.event_id, at_ns=event.at_ns)
    return Decision(records=(changed, *over), audit=(entry,), messages=(message,))


def _changed(
    version: CertificateOnRecord,
    state: CertificateState,
    event: ActRequested,
    *,
    signature: CertificateSignature | None,
    why: str = "",
) -> CertificateChanged:
    drafted = version.drafted
    return CertificateChanged(
        certificate_id=drafted.certificate_id,
        version=drafted.version,
        draft=drafted.draft,
        material_lot_id=drafted.content.material_lot_id,
        state=state,
        sha256=drafted.sha256,
        at_ns=event.at_ns,
        person=event.person,
        why=why,
        signature=signature,
    )
