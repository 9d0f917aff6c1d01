"""The review of a lot's record by exception: the worst first, each with its evidence, and counts of the rest."""

import sqlite3
from collections.abc import Sequence
from urllib.parse import quote

from pydantic import Field

from gateway.advice.review_page import review_page
from gateway.console.snapshot import Snapshot
from gateway.console.views.certificates import CertificateLineView, lines_of_lot
from gateway.console.views.parts import SignaturePart, View, instant
from gateway.console.views.signatures import PendingActView, waiting_for_signatures
from gateway.console.views.signed import signatures_on
from gateway.contract.signed_bundle import printed
from gateway.contract.times import rfc3339
from gateway.decisions.review import MAY_SETTLE
from gateway.lab.review.document import Answer
from gateway.lab.review.exceptions import Evidence, EvidenceKind, ReviewException
from gateway.lab.review.on_record import ReviewOnRecord
from gateway.records.act_kinds import ActKind
from gateway.records.reviews import LotReviewed
from gateway.store.queries.lots import part_declared
from gateway.store.queries.reviews import review_on_record
from gateway.store.queries.signatures import signed_record_of

MOST_SHOWN = 500  # exceptions; more are on the printed page


class EvidenceView(View):
    """A record that shows it; ``path``: of the page (after #) or of a document, by which it is one click away."""

    kind: str
    id: str
    path: str


class ReviewAnswerView(View):
    """What a person has said of an exception."""

    person: str
    role: str
    comment: str
    settles: bool
    at: str


class ReviewExceptionView(View):
    """Something that a person must look at."""

    exception_id: str
    code: str = Field(description="docs/review.md lists the groups, docs/payloads.md the codes")
    group: str
    severity: str = Field(description="critical, major or minor")
    at: str | None
    text: str
    evidence: list[EvidenceView]
    settled: bool
    answers: list[ReviewAnswerView]
    roles: list[str] = Field(description="one of these is needed to settle it")


class ReviewGroupView(View):
    """How many data points of a group were looked at, and of how many something is to be read."""

    group: str
    looked_at: int
    exceptions: int


class SignedReviewView(View):
    """The newest signed review; ``lapsed``: something new is known since, so it is asked for again."""

    full_name: str
    role: str
    at: str
    meaning: str
    reason: str
    record_id: str
    lapsed: bool


class ReviewView(View):
    """GET /api/lots/{lot}/review."""

    material_lot_id: str
    sha256: str = Field(description="of the list of what was looked at; the act sign_review states it")
    from_at: str | None
    until_at: str | None
    data_points: int
    lines_to_read: int
    open: int
    exceptions: list[ReviewExceptionView] = Field(description="the worst first")
    left_out: int = Field(description="how many more there are than are shown here")
    groups: list[ReviewGroupView]
    signed: SignedReviewView | None
    signatures: list[SignaturePart]
    waiting: list[PendingActView]
    required_for_release: bool
    certificates: list[CertificateLineView] = Field(description="of the lot, the newest version of each")
    document: str = Field(description="the path of the review as a page for printing")
    damaged: list[str]


def review_view(connection: sqlite3.Connection, snapshot: Snapshot, lot: str) -> ReviewView | None:
    """Return the review of a lot; None where nothing is on record of it."""
    shown = review_on_record(connection, snapshot.line, lot, at_ns=snapshot.at.wall_ns)
    if shown is None:
        return None
    review = shown.review
    return ReviewView(
        material_lot_id=lot,
        sha256=shown.sha256,
        from_at=instant(review.from_ns),
        until_at=instant(review.until_ns),
        data_points=review.data_points,
        lines_to_read=review.lines_to_read,
        open=len(shown.open),
        exceptions=[_exception(shown, item) for item in review.exceptions[:MOST_SHOWN]],
        left_out=max(0, len(review.exceptions) - MOST_SHOWN),
        groups=[
            ReviewGroupView(group=tally.group.value, looked_at=tally.looked_at, exceptions=tally.exceptions)
            for tally in review.groups
        ],
        signed=None if shown.signed is None else _signed(shown.signed, lapsed=shown.lapsed),
        signatures=signatures_on(connection, lot, ActKind.SIGN_REVIEW),
        waiting=[
            pending
            for pending in waiting_for_signatures(connection, snapshot, subject=lot)
            if pending.act == ActKind.SIGN_REVIEW
        ],
        certificates=lines_of_lot(connection, lot, part_declared(connection, lot).part, seen=snapshot.seen(connection)),
        required_for_release=snapshot.line.review.required_for_release,
        document=f"/api/lots/{quote(lot, safe='')}/review/document",
        damaged=list(shown.damaged),
    )


def review_document_page(connection: sqlite3.Connection, snapshot: Snapshot, lot: str) -> str | None:
    """Return the review of a lot as a page for printing; None where nothing is on record of it."""
    shown = review_on_record(connection, snapshot.line, lot, at_ns=snapshot.at.wall_ns)
    if shown is None:
        return None
    signed = None if shown.signed is None else signed_record_of(connection, shown.signed.record_id)
    signatures = () if signed is None else signed.signatures
    return review_page(shown.document, line=snapshot.line.path, sha256=shown.sha256, lapsed=shown.lapsed,
                       signatures=[printed(item) for item in signatures])  # fmt: skip


def _signed(signed: LotReviewed, *, lapsed: bool) -> SignedReviewView:
    return SignedReviewView(
        full_name=signed.printed_name,
        role=signed.role.value,
        at=rfc3339(signed.at_ns),
        meaning=signed.meaning,
        reason=signed.reason,
        record_id=signed.record_id,
        lapsed=lapsed,
    )


def _exception(shown: ReviewOnRecord, item: ReviewException) -> ReviewExceptionView:
    return ReviewExceptionView(
        exception_id=item.exception_id,
        code=item.code.value,
        group=item.group.value,
        severity=item.severity.value,
        at=instant(item.at_ns),
        text=item.text,
        evidence=[_evidence(evidence) for evidence in item.evidence],
        settled=shown.is_settled(item),
        answers=_answers(shown.answers.get(item.exception_id, ())),
        roles=[role.value for role in MAY_SETTLE[item.severity]],
    )


def _answers(answers: Sequence[Answer]) -> list[ReviewAnswerView]:
    return [
        ReviewAnswerView(person=answer.person, role=answer.role, comment=answer.comment, settles=bool(answer.settled),
                         at=rfc3339(answer.at_ns))
        for answer in answers
    ]  # fmt: skip


def _evidence(evidence: Evidence) -> EvidenceView:
    named = quote(evidence.id, safe="")
    paths = {
        EvidenceKind.LOT: f"#/lots/{named}",
        EvidenceKind.ALARM: "#/alarms",
        EvidenceKind.DEVIATION: f"/api/deviations/{named}",
        EvidenceKind.SIGNED_RECORD: "#/signatures",
        EvidenceKind.CERTIFICATE: f"#/certificates/{named}",
        EvidenceKind.TAG: "#/health",
    }
    return EvidenceView(
        kind=evidence.kind.value, id=evidence.id, path=paths.get(evidence.kind, f"#/audit?query={named}")
    )
