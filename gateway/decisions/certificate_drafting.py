"""People have certificates drafted: a first one, one of a part of a lot, or the next version with its reason. Pure."""

from gateway.contract.certificates import certificate_id, number_of
from gateway.decision import Decision
from gateway.decisions.certificate_draft import (
    content_now,
    draft,
    drafted_decision,
    is_as_drafted,
    newest_of,
    requirement_of,
)
from gateway.decisions.certificate_versions import (
    named,
    no_such_certificate,
    not_in_force,
    number_of_act,
    version_of_act,
)
from gateway.events import ActRequested
from gateway.facts.certificates import CertificateActFacts, LotCertificates
from gateway.lab.quantities import read_quantity
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Answer, done, refused
from gateway.records.certificate_acts import DraftCertificate, ReissueCertificate
from gateway.records.certificates import CertificateState
from gateway.records.production import Quantity


def on_draft_certificate(event: ActRequested, facts: CertificateActFacts) -> Decision:
    """Draft a certificate; what there is already is the answer, and asking twice makes no second one."""
    act, known = event.act, facts.known
    if not isinstance(act, DraftCertificate):
        raise TypeError(f"{act.kind} is no DraftCertificate")
    lot = known.lot
    if lot is None:
        return Decision(answer=refused(ActRefusal.CERTIFICATE_OF_UNKNOWN_LOT, lot=act.material_lot_id))
    meant = known.of(act.part.strip())
    refusal = _not_of_part(act, meant)
    if refusal is not None or meant is None or meant.lot is None:
        return Decision(answer=refusal or refused(ActRefusal.CERTIFICATE_OF_UNKNOWN_LOT, lot=act.material_lot_id))
    context = lot.knowledge.context
    if context.client_id not in {None, act.customer}:
        return Decision(answer=refused(ActRefusal.CERTIFICATE_OF_OTHER_CLIENT, lot=act.material_lot_id,
                                       client=context.client_id, customer=act.customer))  # fmt: skip
    product = next(iter(context.products), None)
    requirement = facts.line.certificates.of_customer(product, act.customer)
    if requirement is None:
        return Decision(answer=refused(ActRefusal.NO_REQUIREMENT, customer=act.customer, product=product or "-"))
    content = content_now(meant.lot, requirement, known, facts.line)
    before = newest_of(known, certificate_id(act.material_lot_id, act.customer, content.part_name))
    if before is not None and (before.state is not CertificateState.DRAFT or is_as_drafted(content, before)):
        return Decision(answer=done(**named(before)))
    drafted = draft(content, before, event, person=event.person)
    return drafted_decision(drafted, event, facts) + Decision(
        answer=done(certificate_id=drafted.certificate_id, version=drafted.version, draft=drafted.draft,
                    number=number_of(drafted.certificate_id, drafted.version), state=CertificateState.DRAFT.value)
    )  # fmt: skip


def _not_of_part(act: DraftCertificate, meant: LotCertificates | None) -> Answer | None:
    """Return why no certificate of a part is drafted: it is not set apart, or is another quantity."""
    name, quantity = act.part.strip(), act.quantity.strip()
    if not name:
        return refused(ActRefusal.PART_NEEDS_BOTH) if quantity else None
    if meant is None or meant.part is None:
        return refused(ActRefusal.NO_SUCH_PART, lot=act.material_lot_id, part=name)
    stated, part = read_quantity(quantity), meant.part
    if quantity and stated != Quantity(number=part.quantity, unit=part.unit):
        return refused(ActRefusal.PART_QUANTITY_OTHER, part=name, declared=part.amount, quantity=quantity)
    return None


def on_reissue_certificate(event: ActRequested, facts: CertificateActFacts) -> Decision:
    """Draft the next version of a certificate, with the reason; the earlier one stays until this one is signed."""
    act = event.act
    if not isinstance(act, ReissueCertificate):
        raise TypeError(f"{act.kind} is no ReissueCertificate")
    before = version_of_act(act, facts)
    meant = None if before is None else facts.known.of(before.drafted.content.part_name)
    lot = None if meant is None else meant.lot
    newest = newest_of(facts.known, act.certificate_id)
    if before is None or newest is None or lot is None:
        return Decision(answer=no_such_certificate(act))
    if newest.state is CertificateState.DRAFT and newest.drafted.version == act.version + 1:
        return Decision(answer=done(**named(newest)))  # asked for already
    if newest is not before:
        return Decision(answer=refused(ActRefusal.CERTIFICATE_NOT_NEWEST, certificate=number_of_act(act)))
    if before.state is CertificateState.DRAFT:
        return Decision(answer=not_in_force(before))
    requirement = requirement_of(facts.line, before.drafted.content)
    if requirement is None:
        content = before.drafted.content
        return Decision(answer=refused(ActRefusal.NO_REQUIREMENT, customer=content.customer,
                                       product=content.product or "-"))  # fmt: skip
    content = content_now(lot, requirement, facts.known, facts.line)
    drafted = draft(content, before, event, reason=event.reason, person=event.person)
    return drafted_decision(drafted, event, facts) + Decision(
        answer=done(certificate_id=drafted.certificate_id, version=drafted.version, draft=drafted.draft,
                    number=number_of(drafted.certificate_id, drafted.version), state=CertificateState.DRAFT.value)
    )  # fmt: skip
