"""Whether the release of a lot waits for a signed certificate, so that no other system learns of it yet. Pure."""

from collections.abc import Iterable

from gateway.lab.lookalike_names import likeness_key
from gateway.lab.release.lot_knowledge import LotContext
from gateway.line.certificates import CertificateRules, Requirement
from gateway.records.certificates import CertificateOnRecord, CertificateState
from gateway.records.lot_decisions import DecisionState, LotDecided, Verdict


def applying(rules: CertificateRules, product: str | None, client_id: str | None) -> tuple[Requirement, ...]:
    """Return the requirements that apply to a lot; where none does, those whose names only look like the lot's.

    ``acme`` may be ``ACME``: its lots are not let go without the certificate, which a gap keeps from being signed until
    somebody has corrected the name.
    """
    stated = rules.applying(product, client_id)
    if stated or product is None:
        return stated
    alike = (item for item in rules.requirements if likeness_key(item.product) == likeness_key(product))
    return tuple(item for item in alike if client_id is None or likeness_key(item.customer) == likeness_key(client_id))


def awaited(
    rules: CertificateRules,
    context: LotContext,
    on_record: Iterable[CertificateOnRecord],
    decision: LotDecided | None,
) -> bool:
    """Return whether a lot that a person has released is not to be told as released: a certificate is not in force.

    Asked for by a requirement that applies, or that applied when the certificate was drafted. Of a part of a lot it
    is asked with the certificates of that part alone (``on_record``). One that was signed over another decision counts
    for nothing, also where nobody has questioned it yet.
    """
    if decision is None or decision.verdict is not Verdict.RELEASE or decision.state is not DecisionState.STANDS:
        return False
    versions = tuple(on_record)
    needed = {
        requirement.customer
        for product in context.products
        for requirement in applying(rules, product, context.client_id)
        if requirement.release_needs_certificate
    }
    needed |= {item.drafted.content.customer for item in versions if item.drafted.content.gates_release}
    in_force = {item.drafted.content.customer for item in versions if _is_in_force(item, decision)}
    return not needed <= in_force


def _is_in_force(version: CertificateOnRecord, decision: LotDecided) -> bool:
    """Return whether a certificate is signed, whole, and of the lot as it was released by this decision."""
    rests_on = version.drafted.content.decision
    of_this_release = rests_on is not None and rests_on.record_id == decision.record_id
    return version.holds and version.state is CertificateState.SIGNED and of_this_release


def certificate_not_in_force(
    on_record: Iterable[CertificateOnRecord], decision: LotDecided
) -> CertificateOnRecord | None:
    """Return a certificate that a release waits for and that is not in force, None where none is."""
    gating = [item for item in on_record if item.drafted.content.gates_release]
    in_force = {item.drafted.certificate_id for item in gating if _is_in_force(item, decision)}
    return next((item for item in gating if item.drafted.certificate_id not in in_force), None)
