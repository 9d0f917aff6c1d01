"""A message that was not understood."""

import base64

from gateway.contract.payloads.parts import _LONGEST_ECHO_BYTES, PayloadWithTexts, ReasonPart
from gateway.contract.times import rfc3339
from gateway.records.outgoing import DeadLetter


class DeadLetterPayload(PayloadWithTexts):
    """``dead-letter``: what could not be understood, and why. Long payloads are cut; the store has them whole."""

    topic: str
    reasons: list[ReasonPart]
    payload_base64: str
    truncated: bool


def dead_letter_payload(letter: DeadLetter, *, line: str, cause: str, at_ns: int) -> DeadLetterPayload:
    """Return the payload of a dead letter."""
    return DeadLetterPayload(
        schema="labline.dead-letter/1",
        id=letter.dead_letter_id,
        cause=cause,
        issued_at=rfc3339(at_ns),
        line=line,
        topic=letter.topic,
        reasons=ReasonPart.of(letter.reasons),
        payload_base64=base64.b64encode(letter.payload[:_LONGEST_ECHO_BYTES]).decode(),
        truncated=len(letter.payload) > _LONGEST_ECHO_BYTES,
    )
