"""A certificate as the message on ``certificate/{lot}``. Pure."""

from typing import Any
from urllib.parse import quote

from gateway.advice.certificate_paper import Paper
from gateway.contract.certificates import certificate_data, number_of
from gateway.contract.identity import identity_of
from gateway.contract.payloads.certificate import (
    CertificateDocumentPart,
    CertificatePayload,
    CertificateSignaturePart,
    data_part,
)
from gateway.contract.payloads.parts import ReasonPart
from gateway.contract.publications import CERTIFICATE
from gateway.contract.times import rfc3339
from gateway.line.definition import LineDefinition
from gateway.records.certificates import (
    CertificateChanged,
    CertificateDrafted,
    CertificateMade,
    CertificateOnRecord,
    CertificateSignature,
    CertificateState,
)
from gateway.records.lot_parts import part_id_of
from gateway.records.outgoing import OutgoingMessage


def data_of(drafted: CertificateDrafted) -> dict[str, Any]:
    """Return the data of a draft, as they are signed."""
    return certificate_data(drafted.content, of=drafted.certificate_id, version=drafted.version, reason=drafted.reason)


def paper_of(version: CertificateOnRecord, line: LineDefinition) -> Paper:
    """Return what is printed of a version as it stands now."""
    drafted, rules = version.drafted, line.certificates
    signature = None if version.changed is None else version.changed.signature
    return Paper(
        data=data_of(drafted),
        sha256=drafted.sha256,
        state=version.state.value if version.holds else CertificateState.QUESTIONED.value,
        draft=drafted.draft,
        drafted_at=rfc3339(drafted.drafted_ns),
        signature=None if signature is None else {
            "printed_name": signature.printed_name, "role": signature.role, "meaning": signature.meaning,
            "signed_at": rfc3339(signature.signed_ns), "signed_by": list(signature.signed_by),
        },
        template=dict(rules.templates).get(drafted.content.template),
        logo=rules.logo,
    )  # fmt: skip


def document_path(certificate_id: str, version: int, ending: str) -> str:
    """Return the path of a document below the console's address."""
    return f"/api/certificates/{quote(certificate_id, safe='')}/{version}/document.{ending}"


def certificate_message(
    drafted: CertificateDrafted,
    changed: CertificateChanged | None,
    *,
    line: LineDefinition,
    cause: str,
    at_ns: int,
    made: CertificateMade | None = None,
) -> OutgoingMessage:
    """Return the message of a version; ``changed``: its state, None of a draft; ``made``: its document."""
    state = CertificateState.DRAFT if changed is None else changed.state
    content, part = drafted.content, drafted.content.part_name
    of = (
        part_id_of(content.material_lot_id, part) if part else content.material_lot_id
    )  # nothing of a part names the lot
    payload = CertificatePayload(
        schema="labline.certificate/1",
        id=identity_of("certificate-message", drafted.certificate_id, drafted.version, drafted.draft, state, cause),
        cause=cause,
        issued_at=rfc3339(at_ns),
        line=line.path,
        certificate_id=drafted.certificate_id,
        number=number_of(drafted.certificate_id, drafted.version),
        version=drafted.version,
        draft=drafted.draft,
        state=state.value,
        material_lot_id=of,
        customer=content.customer,
        complete=content.complete,
        why="" if changed is None else changed.why,
        questions=ReasonPart.of(() if changed is None else changed.questions),
        sha256=drafted.sha256,
        data=data_part(data_of(drafted)),
        signature=None if changed is None else _signature(changed.signature),
        document=_document(made),
        problem="" if made is None else made.problem,
    )
    return CERTIFICATE.message(payload.id, CERTIFICATE.topic_of(line.topic_root, of), payload)


def _signature(signature: CertificateSignature | None) -> CertificateSignaturePart | None:
    if signature is None:
        return None
    return CertificateSignaturePart(
        printed_name=signature.printed_name,
        role=signature.role,
        meaning=signature.meaning,
        signed_at=rfc3339(signature.signed_ns),
        signature_id=signature.signature_id,
        record_id=signature.record_id,
        signed_by=list(signature.signed_by),
    )


def _document(made: CertificateMade | None) -> CertificateDocumentPart | None:
    if made is None or not made.size:
        return None
    ending = "pdf" if made.media_type == "application/pdf" else "html"
    path = document_path(made.certificate_id, made.version, ending)
    return CertificateDocumentPart(path=path, media_type=made.media_type, sha256=made.sha256, size=made.size)
