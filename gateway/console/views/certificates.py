"""Certificates of analysis: the list with its search, and one certificate with its gaps first."""

import sqlite3
from typing import Any, Literal

from pydantic import Field

from gateway.advice.certificate_message import document_path
from gateway.console.snapshot import Snapshot
from gateway.console.views.pages import page_of
from gateway.console.views.parts import View, instant
from gateway.console.views.signatures import PendingActView, waiting_for_signatures
from gateway.contract.certificates import number_of
from gateway.contract.times import rfc3339
from gateway.records.certificates import (
    CertificateContent,
    CertificateOnRecord,
    CertificateRow,
    CertificateSent,
    CertificateState,
)
from gateway.records.lot_parts import LotDivided
from gateway.records.scope import Scope
from gateway.store.queries.certificates import (
    certificates_of_lot,
    document_of,
    found,
    sent_of,
    versions_of,
)
from gateway.store.queries.seen import Seen
from gateway.store.queries.seen_records import RecordKind, is_seen

_MOST = 100
StateWord = Literal["draft", "signed", "questioned", "replaced", "withdrawn"]


class CertificateLineView(View):
    """One certificate in the list: its newest version."""

    certificate_id: str
    number: str
    version: int
    state: StateWord
    material_lot_id: str
    part: str | None = Field(description="of which part of the lot alone; null: of the lot")
    product_name: str
    customer_name: str
    job_order_id: str | None
    drafted_at: str
    gaps: int
    damaged: bool = Field(description="its records do not hold: it counts as none")


class AnalysisCertificatesView(View):
    """GET /api/certificates?query=&before=."""

    query: str
    lines: list[CertificateLineView]
    before: int | None = Field(description="to go on with older ones; null: there are none")
    customers: list[str] = Field(description="whose requirements there are, for a draft by hand")


class CertificateRowView(View):
    """A test as it is printed."""

    name: str
    method: str | None
    unit: str | None
    lower: float | None
    upper: float | None
    accepts: list[str]
    limits_from: str | None
    reported: str | None
    compliance: Literal["complies", "fails", "undecided", "information", "missing"]
    required: bool
    samples: list[str]


class CertificateComponentView(View):
    """A lot that went into the lot."""

    material_lot_id: str
    product: str | None
    supplier: str | None


class IssuedDocumentView(View):
    """The document as it was issued."""

    media_type: str
    sha256: str


class SentView(View):
    """To whom it was mailed, or why it never will be."""

    to: list[str]
    at: str
    problem: str


class SignedCertificateView(View):
    """Who has signed a version, in print."""

    full_name: str
    role: str
    signed_at: str
    meaning: str


class CertificateVersionView(View):
    """A version of a certificate, with its documents."""

    version: int
    draft: int
    number: str
    state: StateWord
    drafted_at: str
    reason: str = Field(description="why it was issued again")
    why: str = Field(description="why it was withdrawn or replaced")
    by: str = Field(description="who has withdrawn or replaced it")
    questions: list[str]
    sha256: str
    signature: SignedCertificateView | None
    page: str = Field(description="the path of the document as a page")
    pdf: str
    document: IssuedDocumentView | None
    sent: SentView | None
    damaged: bool


class AnalysisCertificateView(View):
    """GET /api/certificates/{id}: the newest version, and what became of the others."""

    certificate_id: str
    material_lot_id: str
    part: str | None
    product: str | None
    product_name: str
    customer: str
    customer_name: str
    email: list[str]
    job_order_id: str | None
    equipment_id: str | None
    specification: str | None
    started_at: str | None
    ended_at: str | None
    decided_by: str | None = Field(description="whose release of the lot it rests on")
    decided_at: str | None
    gaps: list[str] = Field(description="what is missing, or speaks against it")
    rows: list[CertificateRowView]
    components: list[CertificateComponentView]
    versions: list[CertificateVersionView] = Field(description="the newest first")
    waiting: list[PendingActView] = Field(description="acts about it that wait for another person's signature")


def certificates_view(
    connection: sqlite3.Connection, snapshot: Snapshot, *, query: str, before: int
) -> AnalysisCertificatesView:
    """Return the newest certificates that a search names, before a place in the list."""
    seen = snapshot.seen(connection)
    rows = page_of(
        lambda place: found(connection, query=query, before=place, most=_MOST + 1), before, most=_MOST,
        place=lambda row: row[0],
        shows=lambda row: is_seen(seen, RecordKind.CERTIFICATE, row[1].drafted.certificate_id),
    )  # fmt: skip
    customers = [item.customer for item in snapshot.line.certificates.requirements]
    return AnalysisCertificatesView(
        query=query,
        lines=[_line(version) for _place, version in rows[:_MOST]],
        before=rows[_MOST - 1][0] if len(rows) > _MOST else None,
        customers=sorted({name for name in customers if not seen.limited or seen.sight.owns(Scope(client_id=name))}),
    )


def _line(version: CertificateOnRecord) -> CertificateLineView:
    drafted, content = version.drafted, version.drafted.content
    return CertificateLineView(
        certificate_id=drafted.certificate_id,
        number=number_of(drafted.certificate_id, drafted.version),
        version=drafted.version,
        state=version.state.value,
        material_lot_id=content.material_lot_id,
        part=content.part_name or None,
        product_name=content.product_name,
        customer_name=content.customer_name,
        job_order_id=content.job_order_id,
        drafted_at=rfc3339(drafted.drafted_ns),
        gaps=len(content.gaps) if version.state is CertificateState.DRAFT else 0,
        damaged=not version.holds,
    )


def lines_of_lot(
    connection: sqlite3.Connection, lot: str, part: LotDivided | None = None, *, seen: Seen
) -> list[CertificateLineView]:
    """Return the newest version of each certificate of a lot, also of its parts; with ``part`` of that part alone."""
    versions, _damaged = certificates_of_lot(connection, lot if part is None else part.material_lot_id)
    if part is not None:
        versions = tuple(item for item in versions if item.drafted.content.part_name == part.name)
    newest = {version.drafted.certificate_id: version for version in versions}  # in the order of the versions
    return [_line(version) for own, version in newest.items() if is_seen(seen, RecordKind.CERTIFICATE, own)]


def certificate_view(
    connection: sqlite3.Connection, snapshot: Snapshot, certificate_id: str
) -> AnalysisCertificateView | None:
    """Return a certificate with all its versions; None where there is none of that id."""
    versions = versions_of(connection, certificate_id)
    if not versions:
        return None
    content = versions[0].drafted.content
    return AnalysisCertificateView(
        certificate_id=certificate_id,
        material_lot_id=content.material_lot_id,
        part=None if content.part is None else f"{content.part.name} ({content.part.quantity})",
        product=content.product,
        product_name=content.product_name,
        customer=content.customer,
        customer_name=content.customer_name,
        email=list(content.email),
        job_order_id=content.job_order_id,
        equipment_id=content.equipment_id,
        specification=" ".join(filter(None, (content.specification, content.specification_version))) or None,
        started_at=instant(content.started_ns),
        ended_at=instant(content.ended_ns),
        decided_by=None if content.decision is None else content.decision.by,
        decided_at=None if content.decision is None else rfc3339(content.decision.at_ns),
        gaps=[item.text for item in content.gaps],
        rows=[_row(row) for row in content.rows],
        components=_components(content),
        versions=[_version(connection, version) for version in versions],
        waiting=waiting_for_signatures(connection, snapshot, subject=certificate_id),
    )


def _row(row: CertificateRow) -> CertificateRowView:
    return CertificateRowView(
        name=row.name,
        method=row.method,
        unit=row.unit,
        lower=row.lower,
        upper=row.upper,
        accepts=list(row.accepts),
        limits_from=row.limits_from,
        reported=row.reported,
        compliance=row.compliance.value,
        required=row.required,
        samples=list(dict.fromkeys(result.sample_id for result in row.results)),
    )


def _components(content: CertificateContent) -> list[CertificateComponentView]:
    return [
        CertificateComponentView(material_lot_id=item.material_lot_id, product=item.product, supplier=item.supplier)
        for item in content.components
    ]


def _version(connection: sqlite3.Connection, version: CertificateOnRecord) -> CertificateVersionView:
    drafted, changed = version.drafted, version.changed
    of = (drafted.certificate_id, drafted.version)
    document = document_of(connection, *of)
    return CertificateVersionView(
        version=drafted.version,
        draft=drafted.draft,
        number=number_of(*of),
        state=version.state.value,
        drafted_at=rfc3339(drafted.drafted_ns),
        reason=drafted.reason,
        why="" if changed is None else changed.why,
        by="" if changed is None else changed.person,
        questions=[] if changed is None else [item.text for item in changed.questions],
        sha256=drafted.sha256,
        page=document_path(*of, "html"),
        pdf=document_path(*of, "pdf"),
        document=None if document is None or not document.holds else IssuedDocumentView(
            media_type=document.media_type, sha256=document.sha256
        ),
        sent=_sent(sent_of(connection, *of)),
        damaged=not version.holds,
        **_signature(version),
    )  # fmt: skip


def _signature(version: CertificateOnRecord) -> dict[str, Any]:
    signature = None if version.changed is None else version.changed.signature
    if signature is None:
        return {"signature": None}
    return {"signature": SignedCertificateView(
        full_name=", ".join(signature.signed_by), role=signature.role, signed_at=rfc3339(signature.signed_ns),
        meaning=signature.meaning,
    )}  # fmt: skip


def _sent(sent: CertificateSent | None) -> SentView | None:
    return None if sent is None else SentView(to=list(sent.to), at=rfc3339(sent.at_ns), problem=sent.problem)
