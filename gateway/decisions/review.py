"""People settle the exceptions in the review of a lot's record, and quality signs the list of what was looked at.

A review is signed only where no exception is open and nothing has changed since it was shown. The signature is over the
list: each check with how much it looked at, and each exception with its settlement. Something new that becomes known
afterwards makes the review lapse; it is asked for again.
"""

from collections.abc import Mapping
from typing import Any

from gateway.decision import Decision
from gateway.decisions.changes import audit_entry
from gateway.events import ActRequested
from gateway.facts.review import ReviewFacts
from gateway.lab.review.codes import ReviewSeverity
from gateway.lab.review.exceptions import ReviewException
from gateway.lab.review.on_record import ReviewOnRecord
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Answer, SettleException, SignReview, done, refused
from gateway.records.reviews import ExceptionAnswered, LotReviewed, ReviewState
from gateway.records.users import Role, User
from gateway.texts.catalogue import text

_NAMED = 3  # exceptions in a refusal
MAY_SETTLE: Mapping[ReviewSeverity, tuple[Role, ...]] = {
    ReviewSeverity.CRITICAL: (Role.QUALITY,),
    ReviewSeverity.MAJOR: (Role.QUALITY,),
    ReviewSeverity.MINOR: (Role.QUALITY, Role.SUPERVISOR),
}
"""Which roles settle an exception, the first that the person has; a comment is given by either."""


def on_settle_exception(event: ActRequested, facts: ReviewFacts) -> Decision:
    """Put on record what a person says of an exception, and settle it where they may."""
    act = event.act
    if not isinstance(act, SettleException):
        raise TypeError(f"{act.kind} is no SettleException")
    shown, item = facts.shown, _exception(facts.shown, act.exception_id)
    if shown is None:
        return Decision(answer=refused(ActRefusal.NOTHING_TO_REVIEW, lot=act.material_lot_id))
    if item is None:
        lot, exception = act.material_lot_id, act.exception_id
        return Decision(answer=refused(ActRefusal.NO_SUCH_EXCEPTION, lot=lot, exception=exception))
    role = _role(facts.actor, item, comment_only=act.comment_only)
    refusal = None if act.comment_only else _settled_before(shown, item)
    if refusal is None and role is None:
        severity = text("review_severity", item.severity.name)
        refusal = refused(ActRefusal.EXCEPTION_FOR_QUALITY, severity=severity)
    if refusal is not None or role is None:
        return Decision(answer=refusal)
    answered = ExceptionAnswered(
        event_id=event.event_id,
        exception_id=item.exception_id,
        material_lot_id=act.material_lot_id,
        code=item.code.value,
        settled=not act.comment_only,
        person=event.person,
        role=role,
        comment=event.reason,
        at_ns=event.at_ns,
    )
    kind = "exception_commented" if act.comment_only else "exception_settled"
    entry = audit_entry(kind, act.material_lot_id, scope=facts.scope, exception_id=item.exception_id,
                        code=item.code.value, severity=item.severity.value, text=item.text,
                        evidence=[list(evidence) for evidence in item.evidence], person=event.person,
                        reason=event.reason)  # fmt: skip
    left = sum(other.exception_id != item.exception_id for other in shown.open)
    return Decision(records=(answered,), audit=(entry,), answer=done(open=left + act.comment_only))


def _exception(shown: ReviewOnRecord | None, exception_id: str) -> ReviewException | None:
    exceptions = () if shown is None else shown.review.exceptions
    return next((item for item in exceptions if item.exception_id == exception_id), None)


def _role(actor: User | None, item: ReviewException, *, comment_only: bool) -> Role | None:
    """Return as whom a person settles an exception, or says something of it; None where they may not."""
    may = (Role.QUALITY, Role.SUPERVISOR) if comment_only else MAY_SETTLE[item.severity]
    return None if actor is None else next((role for role in may if role in actor.roles), None)


def _settled_before(shown: ReviewOnRecord, item: ReviewException) -> Answer | None:
    answers = shown.answers.get(item.exception_id, ())
    person = next((answer.person for answer in answers if answer.settled), None)
    return None if person is None else refused(ActRefusal.EXCEPTION_SETTLED_ALREADY, person=person)


# --- signing -------------------------------------------------------------------------------------------------


def what_was_looked_at(act: SignReview, facts: ReviewFacts) -> Mapping[str, Any]:
    """Return what is signed of a review: the list of what was looked at, and its SHA-256."""
    if facts.shown is None:
        return {"lot": act.material_lot_id, "review": None}
    return {"review": facts.shown.document, "review_sha256": facts.shown.sha256}


def on_sign_review(event: ActRequested, facts: ReviewFacts) -> Decision:
    """Put the signed review of a lot's record on record."""
    act, shown = event.act, facts.shown
    if not isinstance(act, SignReview):
        raise TypeError(f"{act.kind} is no SignReview")
    refusal = _not_signed(act, facts)
    if refusal is not None or shown is None:
        return Decision(answer=refusal)
    if event.signed is None:
        raise TypeError("a review is signed")  # the least number of signatures says so
    signatures = event.signed.signatures
    if not signatures:  # its author does not sign: it waits
        return Decision(answer=done())
    last, review = signatures[-1], shown.review
    reviewed = LotReviewed(
        record_id=event.signed.record.record_id,
        material_lot_id=act.material_lot_id,
        sha256=shown.sha256,
        basis_sha256=review.basis_sha256,
        exceptions=tuple(item.exception_id for item in review.exceptions),
        data_points=review.data_points,
        printed_name=last.printed_name,
        role=last.role,
        meaning=last.meaning,
        signature_id=last.signature_id,
        signed_by=tuple(signature.printed_name for signature in signatures),
        reason=event.reason,
        at_ns=event.at_ns,
        state=ReviewState.SIGNED,
    )
    entry = audit_entry("lot_reviewed", act.material_lot_id, scope=facts.scope, review_sha256=shown.sha256,
                        exceptions=len(review.exceptions), data_points=review.data_points,
                        signature_id=last.signature_id, person=event.person, reason=event.reason)  # fmt: skip
    return Decision(records=(reviewed,), audit=(entry,), answer=done(review_sha256=shown.sha256))


def _not_signed(act: SignReview, facts: ReviewFacts) -> Answer | None:
    """Return why a review cannot be signed as it was shown."""
    shown, lot = facts.shown, act.material_lot_id
    if shown is None:
        return refused(ActRefusal.NOTHING_TO_REVIEW, lot=lot)
    if facts.waits or shown.damaged:
        return refused(ActRefusal.LOT_ABOUT_TO_BE_JUDGED if facts.waits else ActRefusal.LOT_RECORDS_IN_DOUBT, lot=lot)
    if shown.open:
        return _still_open(shown, lot)
    if shown.sha256 != act.review_sha256:
        return refused(ActRefusal.REVIEW_CHANGED, lot=lot)
    if shown.signed is not None and not shown.lapsed:
        return refused(ActRefusal.REVIEW_SIGNED_ALREADY, lot=lot, person=shown.signed.printed_name)
    return None


def _still_open(shown: ReviewOnRecord, lot: str) -> Answer:
    more = len(shown.open) - _NAMED
    named = [*(item.text for item in shown.open[:_NAMED]), *([f"+ {more}"] if more > 0 else [])]
    return refused(ActRefusal.EXCEPTIONS_OPEN, lot=lot, count=len(shown.open), exceptions=named)
