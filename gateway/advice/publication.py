"""What has been decided as messages for the outbox: topic, lane, retention and expiry of each kind. Pure."""

from gateway.advice.deviation_message import deviation_payload
from gateway.advice.lifecycle import OPEN
from gateway.contract.identity import identity_of
from gateway.contract.payloads.audit_head import audit_head_payload
from gateway.contract.payloads.board import board_payload
from gateway.contract.payloads.dead_letter import dead_letter_payload
from gateway.contract.payloads.disposition import disposition_payload
from gateway.contract.payloads.guidance import guidance_payload
from gateway.contract.payloads.outcome import outcome_payload
from gateway.contract.payloads.prediction import prediction_payload
from gateway.contract.payloads.sample_request import RecommendedTest, RequestBody, SampleRequestPayload
from gateway.contract.times import rfc3339
from gateway.contract.topics import Topics
from gateway.deadlines import ClockReading, Deadline
from gateway.decision import SampleRequested
from gateway.lab.deviations import Deviation
from gateway.line.definition import LineDefinition
from gateway.records.guidance import Guidance, GuidanceState
from gateway.records.laboratory import Disposition
from gateway.records.outgoing import DeadLetter, Lane, OutgoingMessage, SignedHead
from gateway.records.people import Outcome, Response
from gateway.records.prediction import Prediction
from gateway.time_units import seconds_to_ns

BOARD_LIFE_NS = seconds_to_ns(60)
BOARD_LONGEST = 200


def guidance_message(guidance: Guidance, *, line: LineDefinition, cause: str, at_ns: int) -> OutgoingMessage:
    """Return the message of a guidance: new ones in the guidance lane, changes of state as evidence.

    Advice that has changed before it was sent is not sent any more: its change of state tells all.
    """
    new = guidance.state is GuidanceState.PROPOSED
    renewed = new and guidance.issued_ns < at_ns  # takes the place of what was not sent yet
    return OutgoingMessage(
        message_id=identity_of("guidance-message", guidance.guidance_id, guidance.state, cause),
        lane=Lane.GUIDANCE if new else Lane.EVIDENCE,
        topic=Topics(line.topic_root).guidance(guidance.guidance_id),
        payload=guidance_payload(guidance, line=line.path, cause=cause, at_ns=at_ns).encoded(),
        expires=guidance.expires if new else None,
        replaces=None if guidance.expires is None or (new and not renewed) else Lane.GUIDANCE,
    )


def outcome_message(
    response: Response, outcome: Outcome, guidance: Guidance | None, *, line: LineDefinition, cause: str, at_ns: int
) -> OutgoingMessage:
    """Return the message to a terminal of what came of its response; ``guidance``: as it stands after it."""
    state = None if guidance is None else guidance.state
    return OutgoingMessage(
        message_id=identity_of("outcome", cause),
        lane=Lane.EVIDENCE,
        topic=Topics(line.topic_root).outcome(response.terminal),
        payload=outcome_payload(response, outcome, state, line=line.path, cause=cause, at_ns=at_ns).encoded(),
    )


def board_message(
    open_guidance: tuple[Guidance, ...], *, line: LineDefinition, cause: str, at: ClockReading
) -> OutgoingMessage:
    """Return the retained board with the open guidance, newest first; it replaces an unsent older board."""
    newest = sorted((item for item in open_guidance if item.state in OPEN), key=lambda item: -item.issued_ns)
    expires = at.after(BOARD_LIFE_NS)
    return OutgoingMessage(
        message_id=identity_of("board-message", cause),
        lane=Lane.EVIDENCE,
        topic=Topics(line.topic_root).board,
        payload=board_payload(
            tuple(newest[:BOARD_LONGEST]), line=line.path, cause=cause, at_ns=at.wall_ns, expires_ns=expires.wall_ns
        ).encoded(),
        retain=True,
        expires=expires,
        replaces=Lane.EVIDENCE,
    )


def prediction_message(
    prediction: Prediction, *, line: LineDefinition, cause: str, expires: Deadline
) -> OutgoingMessage:
    """Return the retained latest prediction; it replaces an unsent older one."""
    return OutgoingMessage(
        message_id=prediction.prediction_id,
        lane=Lane.TELEMETRY,
        topic=Topics(line.topic_root).prediction(prediction.equipment_id, prediction.analyte),
        payload=prediction_payload(prediction, line=line.path, cause=cause, expires_ns=expires.wall_ns).encoded(),
        retain=True,
        expires=expires,
        replaces=Lane.TELEMETRY,
    )


def disposition_message(disposition: Disposition, *, line: LineDefinition, cause: str, at_ns: int) -> OutgoingMessage:
    """Return the message of a disposition, retained where it belongs to a lot."""
    return OutgoingMessage(
        message_id=disposition.disposition_id,
        lane=Lane.EVIDENCE,
        topic=Topics(line.topic_root).disposition(disposition.material_lot_id),
        payload=disposition_payload(disposition, line=line.path, cause=cause, at_ns=at_ns).encoded(),
        retain=disposition.material_lot_id is not None and "LOT_CLOSED" not in disposition.flags,
    )


def cleared_disposition(material_lot_id: str, *, line: LineDefinition, cause: str) -> OutgoingMessage:
    """Return the empty retained message that clears a closed lot's disposition from the broker."""
    return OutgoingMessage(
        message_id=identity_of("disposition-cleared", cause, material_lot_id),
        lane=Lane.EVIDENCE,
        topic=Topics(line.topic_root).disposition(material_lot_id),
        payload=b"",
        retain=True,
    )


def deviation_message(deviation: Deviation, *, line: LineDefinition, cause: str, at_ns: int) -> OutgoingMessage:
    """Return the message of a deviation's draft: each version of it is one."""
    return OutgoingMessage(
        message_id=deviation.draft_id,
        lane=Lane.EVIDENCE,
        topic=Topics(line.topic_root).deviation(deviation.deviation_id),
        payload=deviation_payload(deviation, line=line.path, cause=cause, at_ns=at_ns).encoded(),
    )


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
                    test_id=each.test_id, test_name=each.test_name, priority=each.priority, reason=each.reason
                )
                for each in requested.tests
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
    return OutgoingMessage(
        message_id=requested.request_id,
        lane=Lane.EVIDENCE,
        topic=Topics(line.topic_root).sample_request(requested.request_id),
        payload=payload.encoded(),
    )


def audit_head_message(signed: SignedHead, *, line: LineDefinition) -> OutgoingMessage:
    """Return the retained message of a signed head of the audit chain; it replaces an unsent older one."""
    return OutgoingMessage(
        message_id=identity_of("audit-head", signed.head.seq, signed.head.hash),
        lane=Lane.EVIDENCE,
        topic=Topics(line.topic_root).audit_head,
        payload=audit_head_payload(signed).encoded(),
        retain=True,
        replaces=Lane.EVIDENCE,
    )


def dead_letter_message(letter: DeadLetter, *, line: LineDefinition, cause: str, at_ns: int) -> OutgoingMessage:
    """Return the message of a dead letter."""
    return OutgoingMessage(
        message_id=letter.dead_letter_id,
        lane=Lane.EVIDENCE,
        topic=Topics(line.topic_root).dead_letter,
        payload=dead_letter_payload(letter, line=line.path, cause=cause, at_ns=at_ns).encoded(),
    )
