"""The next draft of a certificate, where what it says has changed. Pure."""

from gateway.advice.certificate_message import certificate_message, data_of
from gateway.contract.certificates import certificate_data, certificate_id, data_sha256, number_of
from gateway.decision import Decision
from gateway.events import Event
from gateway.facts.base import Facts
from gateway.facts.certificates import LotCertificates
from gateway.lab.certificates.draft import CertifiedLot, certificate_content
from gateway.line.certificates import Requirement
from gateway.line.definition import LineDefinition
from gateway.records.certificates import (
    CertificateContent,
    CertificateDrafted,
    CertificateOnRecord,
    CertificateState,
)
from gateway.records.outgoing import AuditEntry
from gateway.records.scope import Scope


def requirement_of(line: LineDefinition, content: CertificateContent) -> Requirement | None:
    """Return the requirement that a certificate is for, as it is now."""
    rules = line.certificates
    found = (item for item in rules.requirements if item.key == content.requirement)
    requirement = next(found, None)
    return requirement if requirement is not None and requirement.customer == content.customer else None


def content_now(
    lot: CertifiedLot, requirement: Requirement, known: LotCertificates, line: LineDefinition
) -> CertificateContent:
    """Return what a certificate says by what is known now."""
    return certificate_content(lot, requirement, line.certificates, known.specifications.in_force)


def draft(
    content: CertificateContent, before: CertificateOnRecord | None, event: Event, *, reason: str = "", person: str = ""
) -> CertificateDrafted:
    """Return the first draft of a certificate, the next draft of a version, or with a reason that of the next one."""
    own = certificate_id(content.material_lot_id, content.customer, content.part_name)
    drafted = None if before is None else before.drafted
    version = 1 if drafted is None else drafted.version + (before is not None and _is_over(before))
    number = 1 if drafted is None or version > drafted.version else drafted.draft + 1
    why = reason if drafted is None or version > drafted.version else drafted.reason
    data = certificate_data(content, of=own, version=version, reason=why)
    return CertificateDrafted(
        certificate_id=own,
        version=version,
        draft=number,
        content=content,
        sha256=data_sha256(data),
        drafted_ns=event.at_ns,
        reason=why,
        person=person,
    )


def _is_over(before: CertificateOnRecord) -> bool:
    """Return whether a version is no draft any more, so that what is drafted is the next one."""
    return before.state is not CertificateState.DRAFT


def is_as_drafted(content: CertificateContent, before: CertificateOnRecord) -> bool:
    """Return whether a draft on record says what would be drafted now."""
    drafted = before.drafted
    data = certificate_data(content, of=drafted.certificate_id, version=drafted.version, reason=drafted.reason)
    return data_sha256(data) == drafted.sha256


def holds_together(before: CertificateOnRecord) -> bool:
    """Return whether a version's data are those whose SHA-256 is on record."""
    return before.holds and data_sha256(data_of(before.drafted)) == before.drafted.sha256


def drafted_decision(drafted: CertificateDrafted, event: Event, facts: Facts) -> Decision:
    """Return the draft as a record, an audit line and a message."""
    content = drafted.content
    by = {"reason": drafted.reason} if drafted.reason else {}
    entry = AuditEntry(
        kind="certificate_drafted",
        subject=drafted.certificate_id,
        scope=Scope(client_id=content.client_id),
        body={"number": number_of(drafted.certificate_id, drafted.version), "version": drafted.version,
              "draft": drafted.draft, "lot": content.material_lot_id, "customer": content.customer,
              "requirement": content.requirement, "sha256": drafted.sha256,
              "gaps": [item.code for item in content.gaps], **by},
    )  # fmt: skip
    message = certificate_message(drafted, None, line=facts.line, cause=event.event_id, at_ns=event.at_ns)
    return Decision(records=(drafted,), audit=(entry,), messages=(message,))


def newest_of(known: LotCertificates, own_id: str) -> CertificateOnRecord | None:
    """Return the newest version of a certificate."""
    versions = [item for item in known.on_record if item.drafted.certificate_id == own_id]
    return max(versions, key=lambda item: item.drafted.version, default=None)
