"""The review of a lot as it stands: exceptions, what people have said of them, and the newest signed review."""

import sqlite3
from collections.abc import Mapping

from pydantic import ValidationError

from gateway.lab.review.document import Answer
from gateway.lab.review.on_record import ReviewOnRecord
from gateway.lab.review.review import review_of
from gateway.line.definition import LineDefinition
from gateway.records.lot_parts import LotDivided
from gateway.records.reviews import LotReviewed, ReviewState
from gateway.store.codec import decode
from gateway.store.queries.review_facts import MOST_ROWS, review_facts
from gateway.store.queries.signatures import is_signed_by, signed_record_of
from gateway.store.statements import SQL, value_of


def review_on_record(
    connection: sqlite3.Connection, line: LineDefinition, lot: str, *, at_ns: int
) -> ReviewOnRecord | None:
    """Return the review of a lot as it stands; None where nothing is on record of the lot."""
    facts = review_facts(connection, line, lot, at_ns=at_ns)
    if facts is None:
        return None
    answers, damaged = answers_of_lot(connection, lot)
    signed, damaged_review = signed_review_of(connection, lot)
    review = review_of(facts)
    return ReviewOnRecord(
        facts=facts,
        review=review,
        answers=answers,
        signed=signed,
        lapsed=signed is not None and has_lapsed(connection, line, signed, at_ns=at_ns),
        damaged=(*damaged, *damaged_review),
    )


def has_lapsed(connection: sqlite3.Connection, line: LineDefinition, signed: LotReviewed, *, at_ns: int) -> bool:
    """Return whether something new is known since a review was signed, besides what follows from it."""
    if signed.state is ReviewState.LAPSED:
        return True
    facts = review_facts(connection, line, signed.material_lot_id, at_ns=at_ns, known_ns=signed.at_ns)
    if facts is None:
        return True
    now = review_of(facts)
    new = {item.exception_id for item in now.exceptions} - set(signed.exceptions)
    return bool(new) or now.basis_sha256 != signed.basis_sha256


def reviews_stand(
    connection: sqlite3.Connection, line: LineDefinition, lot: str, part: LotDivided | None, *, at_ns: int
) -> bool:
    """Return whether the signed reviews that a release of a lot, or of a ``part``, rests on stand.

    That of a part rests on the record of its lot, and where something names the part itself, on that of the part, too.
    """
    lots = [lot]
    if part is not None:
        own = value_of(connection, "has_record_of_its_own", material_lot_id=lot)
        lots = [part.material_lot_id, *(lots if own else [])]
    return all(_review_stands(connection, line, name, at_ns=at_ns) for name in lots)


def _review_stands(connection: sqlite3.Connection, line: LineDefinition, lot: str, *, at_ns: int) -> bool:
    signed, _damaged = signed_review_of(connection, lot)
    return signed is not None and not has_lapsed(connection, line, signed, at_ns=at_ns)


def answers_of_lot(
    connection: sqlite3.Connection, lot: str
) -> tuple[Mapping[str, tuple[Answer, ...]], tuple[str, ...]]:
    """Return what people have said of a lot's exceptions, by exception, and the records that do not hold."""
    rows = connection.execute(SQL["review_answers_of_lot"], {"lot": lot, "most": MOST_ROWS}).fetchall()
    answers: dict[str, tuple[Answer, ...]] = {}
    for row in rows:
        if row["holds"]:
            answer = Answer._make(tuple(row)[: len(Answer._fields)])
            answers[answer.exception_id] = (*answers.get(answer.exception_id, ()), answer)
    return answers, tuple(row["record"] for row in rows if not row["holds"])


def signed_review_of(connection: sqlite3.Connection, lot: str) -> tuple[LotReviewed | None, tuple[str, ...]]:
    """Return the newest signed review of a lot, if it is as it was written and signed, and what does not hold."""
    row = connection.execute(SQL["newest_review_of_lot"], {"lot": lot}).fetchone()
    if row is None:
        missing = value_of(connection, "review_of_lot_is_missing", lot=lot)
        return None, (f"lot_review {lot}",) if missing else ()
    try:
        review = decode(LotReviewed, row["body"]) if row["holds"] else None
    except ValidationError:
        review = None
    if review is None:
        return None, (row["record"],)
    signed = signed_record_of(connection, review.record_id)
    if not is_signed_by(signed, review.signed_by, signature_id=review.signature_id):
        return None, (f"signed_record {review.record_id}",)
    return review, ()
