"""What puts an issued certificate in question: something that it rests on is no longer so. Pure.

A later specification or requirement does not: what a certificate was judged by is frozen in it.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from gateway.contract.lims.names import name_key
from gateway.lab.certificates.draft import CertifiedLot, components_of
from gateway.lab.disposition import WITHDRAWN
from gateway.lab.release.lot_knowledge import Relation
from gateway.records.certificates import CertificateContent
from gateway.records.lot_decisions import DecisionState, Verdict
from gateway.records.verdicts import Reason
from gateway.texts.catalogue import text

_MOST_NAMED = 3


class Question(StrEnum):
    """The codes of the group ``certificate_question``."""

    RESULT_CORRECTED = "RESULT_CORRECTED"
    RESULT_ADDED = "RESULT_ADDED"
    RELEASE_OVER = "RELEASE_OVER"
    MATERIALS_CHANGED = "MATERIALS_CHANGED"
    LOT_CHANGED = "LOT_CHANGED"
    LOT_GOES_ON = "LOT_GOES_ON"
    PART_NOT_RELEASED = "PART_NOT_RELEASED"
    PART_CHANGED = "PART_CHANGED"
    RECORD_DAMAGED = "RECORD_DAMAGED"


def questions(issued: CertificateContent, lot: CertifiedLot) -> tuple[Reason, ...]:
    """Return why a certificate that was issued must not be relied on; nothing where all is as it was."""
    return tuple(_questions(issued, lot))


def _questions(issued: CertificateContent, lot: CertifiedLot) -> Iterator[Reason]:
    yield from _of_results(issued, lot)
    decision = lot.decision
    released = (
        decision is not None and decision.verdict is Verdict.RELEASE and decision.state is not DecisionState.LAPSED
    )
    if decision is None or not released or (issued.decision and issued.decision.record_id != decision.record_id):
        yield _question(Question.RELEASE_OVER)
    if lot.unreleased_parts:
        yield _question(Question.PART_NOT_RELEASED, parts=", ".join(lot.unreleased_parts[:_MOST_NAMED]))
    if issued.part != lot.part:
        yield _question(Question.PART_CHANGED)
    if set(components_of(lot.uses)) != set(issued.components):
        yield _question(Question.MATERIALS_CHANGED)
    context = lot.knowledge.context
    now = (next(iter(context.products), None), context.client_id, context.job_order_id)
    if now != (issued.product, issued.client_id, issued.job_order_id) or len(context.products) > 1:
        yield _question(Question.LOT_CHANGED)
    if lot.ended_ns is None and not lot.closed:
        yield _question(Question.LOT_GOES_ON)
    for record in lot.damaged[:_MOST_NAMED]:
        yield _question(Question.RECORD_DAMAGED, record=record)


def _of_results(issued: CertificateContent, lot: CertifiedLot) -> Iterator[Reason]:
    counting = {
        record.result.result_id: record.result
        for record in lot.knowledge.results
        if record.current and record.relation is not Relation.POSSIBLE and record.result.status not in WITHDRAWN
    }
    reported = {result.result_id for row in issued.rows for result in row.results}
    for row in issued.rows:
        for result in row.results:
            if result.result_id not in counting:
                yield _question(Question.RESULT_CORRECTED, test=row.name, sample=result.sample_id)
        for result_id, other in counting.items():
            if name_key(other.analyte) == name_key(row.analyte) and result_id not in reported:
                yield _question(Question.RESULT_ADDED, test=row.name, sample=other.sample_id)


def _question(code: Question, **parameters: Any) -> Reason:
    sentence = text("certificate_question", code.value, **parameters)
    return Reason(code=code.value, parameters=parameters, text=sentence)
