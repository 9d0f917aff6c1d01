"""What has been decided as messages for the outbox: topic, lane, retention and expiry of each kind. Pure."""

from dataclasses import replace

from gateway.advice.deviation_message import NO_NEWS, News, deviation_payload
from gateway.advice.lifecycle import OPEN
from gateway.contract.identity import identity_of
from gateway.contract.payloads.audit_head import audit_head_payload
from gateway.contract.payloads.board import board_payload
from gateway.contract.payloads.dead_letter import dead_letter_payload
from gateway.contract.payloads.disposition import disposition_payload
from gateway.contract.payloads.guidance import guidance_payload
from gateway.contract.payloads.lot_part import lot_part_payload
from gateway.contract.payloads.outcome import outcome_payload
from gateway.contract.payloads.prediction import prediction_payload
from gateway.contract.payloads.sample_request import RecommendedTest, RequestBody, SampleRequestPayload
from gateway.contract.publications import (
    AUDIT_HEAD,
    BOARD,
    DEAD_LETTER,
    DEVIATION,
    DISPOSITION,
    GUIDANCE,
    LOT_PART,
    OUTCOME,
    PREDICTION,
    SAMPLE_REQUEST,
)
from gateway.contract.times import rfc3339
from gateway.deadlines import ClockReading, Deadline
from gateway.decision import SampleRequested
from gateway.lab.deviations import Deviation
from gateway.line.definition import LineDefinition
from gateway.records.guidance import Guidance, GuidanceState
from gateway.records.laboratory import Disposition
from gateway.records.lot_decisions import LotDecided
from gateway.records.lot_parts import BETWEEN, LotDivided
from gateway.records.outgoing import DeadLetter, Lane, OutgoingMessage, SignedHead
from gateway.records.people import AnswerOnRecord, ResponseRecorded
from gateway.records.prediction import Prediction
from gateway.time_units import seconds_to_ns

BOARD_LIFE_NS = seconds_to_ns(60)
BOARD_LONGEST = 200


def guidance_message(guidance: Guidance, *, line: LineDefinition, cause: str, at_ns: int) -> OutgoingMessage:
    """Return the message of a guidance: new ones in the guidance lane, changes of state as evidence.

    Advice that has changed before it was sent is not sent any more: the message of its new state replaces it.
    """
    new = guidance.state is GuidanceState.PROPOSED
    renewed = new and guidance.issued_ns < at_ns  # takes the place of what was not sent yet
    message = GUIDANCE.message(
        identity_of("guidance-message", guidance.guidance_id, guidance.state, cause),
        GUIDANCE.topic_of(line.topic_root, guidance.guidance_id),
        guidance_payload(guidance, line=line.path, cause=cause, at_ns=at_ns),
        expires=guidance.expires if new else None,
    )
    replaces = None if guidance.expires is None or (new and not renewed) else Lane.GUIDANCE
    return replace(message, lane=Lane.GUIDANCE if new else Lane.EVIDENCE, replaces=replaces)


def outcome_message(
    recorded: ResponseRecorded,
    before: AnswerOnRecord | None,
    guidance: Guidance | None,
    *,
    line: LineDefinition,
    cause: str,
    at_ns: int,
) -> OutgoingMessage:
    """Return the message to a terminal with the outcome of its response; ``guidance``: as it stands after it."""
    state = None if guidance is None else guidance.state
    payload = outcome_payload(
        recorded, before, state, by_hand=moved_by_hand(guidance, line), line=line.path, cause=cause, at_ns=at_ns
    )
    topic = OUTCOME.topic_of(line.topic_root, recorded.response.terminal)
    return OUTCOME.message(identity_of("outcome", cause), topic, payload)


def moved_by_hand(guidance: Guidance | None, line: LineDefinition) -> bool:
    """Return whether a person makes the move of a guidance, as the gateway does not write its setpoint."""
    suggestion = None if guidance is None else guidance.suggestion
    return suggestion is None or suggestion.tag not in line.writes.by_tag


def board_message(
    open_guidance: tuple[Guidance, ...], *, line: LineDefinition, cause: str, at: ClockReading
) -> OutgoingMessage:
    """Return the retained board with the open guidance, newest first; it replaces an unsent older board."""
    newest = sorted((item for item in open_guidance if item.state in OPEN), key=lambda item: -item.issued_ns)
    expires = at.after(BOARD_LIFE_NS)
    payload = board_payload(
        tuple(newest[:BOARD_LONGEST]), line=line.path, cause=cause, at_ns=at.wall_ns, expires_ns=expires.wall_ns
    )
    topic = BOARD.topic_of(line.topic_root)
    return BOARD.message(identity_of("board-message", cause), topic, payload, expires=expires)


def prediction_message(
    prediction: Prediction, *, line: LineDefinition, cause: str, expires: Deadline
) -> OutgoingMessage:
    """Return the retained latest prediction; it replaces an unsent older one."""
    payload = prediction_payload(prediction, line=line.path, cause=cause, expires_ns=expires.wall_ns)
    topic = PREDICTION.topic_of(line.topic_root, prediction.equipment_id, prediction.analyte)
    return PREDICTION.message(prediction.prediction_id, topic, payload, expires=expires)


def disposition_message(
    disposition: Disposition, *, line: LineDefinition, cause: str, at_ns: int, decision: LotDecided | None = None
) -> OutgoingMessage:
    """Return the message of a disposition, retained where it belongs to a lot; ``decision``: a person's on the lot."""
    payload = disposition_payload(disposition, decision, line=line.path, cause=cause, at_ns=at_ns)
    topic = DISPOSITION.topic_of(line.topic_root, disposition.material_lot_id)
    message = DISPOSITION.message(disposition.disposition_id, topic, payload)
    return replace(message, retain=disposition.material_lot_id is not None and "LOT_CLOSED" not in disposition.flags)


def message_of_disposition(
    disposition: Disposition,
    part: LotDivided | None,
    *,
    line: LineDefinition,
    cause: str,
    at_ns: int,
    decision: LotDecided | None,
) -> OutgoingMessage:
    """Return the message of a lot's disposition, or of that of a part, which is another message."""
    if part is None:
        return disposition_message(disposition, line=line, cause=cause, at_ns=at_ns, decision=decision)
    return lot_part_message(part, disposition, line=line, cause=cause, at_ns=at_ns, decision=decision)


def lot_part_message(
    part: LotDivided,
    disposition: Disposition,
    *,
    line: LineDefinition,
    cause: str,
    at_ns: int,
    decision: LotDecided | None = None,
) -> OutgoingMessage:
    """Return the retained message of a part's disposition; ``decision``: a person's on the part."""
    payload = lot_part_payload(part, disposition, decision, line=line.path, cause=cause, at_ns=at_ns)
    topic = LOT_PART.topic_of(line.topic_root, part.material_lot_id, part.name)
    message = LOT_PART.message(disposition.disposition_id, topic, payload)
    return replace(message, retain="LOT_CLOSED" not in disposition.flags)


def cleared_part(part_id: str, *, line: LineDefinition, cause: str) -> OutgoingMessage:
    """Return the empty retained message that clears a part of a lot from the broker."""
    lot, _, name = part_id.rpartition(BETWEEN)
    return LOT_PART.message(
        identity_of("part-cleared", cause, part_id), LOT_PART.topic_of(line.topic_root, lot, name), None
    )


def cleared_disposition(material_lot_id: str, *, line: LineDefinition, cause: str) -> OutgoingMessage:
    """Return the empty retained message that clears a closed lot's disposition from the broker."""
    topic = DISPOSITION.topic_of(line.topic_root, material_lot_id)
    return DISPOSITION.message(identity_of("disposition-cleared", cause, material_lot_id), topic, None)


def deviation_message(
    deviation: Deviation, *, line: LineDefinition, cause: str, at_ns: int, news: News = NO_NEWS
) -> OutgoingMessage:
    """Return the message of a deviation's draft: each version of it is one, and each closing of a version."""
    payload = deviation_payload(deviation, line=line.path, cause=cause, at_ns=at_ns, news=news)
    closed = news.closed
    own = deviation.draft_id if closed is None else identity_of("deviation-closed", closed.record_id)
    return DEVIATION.message(own, DEVIATION.topic_of(line.topic_root, deviation.deviation_id), payload)


def sample_request_message(
    requested: SampleRequested, *, line: LineDefinition, cause: str, at_ns: int
) -> OutgoingMessage:
    """Return the message of a request for samples."""
    payload = SampleRequestPayload(
        schema="labline.sample-request/1",
        id=requested.request_id,
        cause=cause,
        issued_at=rfc3339(at_ns),
        line=line.path,
        shape="lims",
        body=RequestBody(
            trigger_event="BATCH_COMPLETION",
            production_order=requested.job_order_id,
            material_lot=requested.material_lot_id,
            product_code=requested.product,
            recommended_tests=[
                RecommendedTest(
                    test_id=test.test_id, test_name=test.test_name, priority=test.priority, reason=test.reason
                )
                for test in requested.tests
            ],
            requested_due_date=rfc3339(requested.due_ns),
            metadata={
                "plex_work_center": requested.equipment_id,
                "operator_id": None,
                "probability_of_failure": round(requested.waiting.probability, 4),
                "queue_position": requested.position,
            },
        ),
    )
    topic = SAMPLE_REQUEST.topic_of(line.topic_root, requested.request_id)
    return SAMPLE_REQUEST.message(requested.request_id, topic, payload)


def audit_head_message(signed: SignedHead, *, line: LineDefinition) -> OutgoingMessage:
    """Return the retained message of a signed head of the audit chain; it replaces an unsent older one."""
    message_id = identity_of("audit-head", signed.head.seq, signed.head.hash)
    return AUDIT_HEAD.message(message_id, AUDIT_HEAD.topic_of(line.topic_root), audit_head_payload(signed))


def dead_letter_message(letter: DeadLetter, *, line: LineDefinition, cause: str, at_ns: int) -> OutgoingMessage:
    """Return the message of a dead letter."""
    payload = dead_letter_payload(letter, line=line.path, cause=cause, at_ns=at_ns)
    return DEAD_LETTER.message(letter.dead_letter_id, DEAD_LETTER.topic_of(line.topic_root), payload)
