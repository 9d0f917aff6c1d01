"""Earlier versions that a laboratory has sent again: if nothing follows for a while, they become new versions."""

from gateway.deadlines import ClockReading
from gateway.decisions.result_assessment import RESTATED
from gateway.events import ResultArrived
from gateway.records.deliveries import Origin
from gateway.store.facts.lot.own_words import own_words
from gateway.time_units import SECOND_NS

MEANT_AFTER_NS = 60 * SECOND_NS  # a resend of a whole history has come to the newest version by then


def meant(row: tuple[object, ...], at: ClockReading) -> ResultArrived | None:
    """Return the arrival of the result in a row of ``restated_since``; None where the record is damaged."""
    payload, body, payload_sha256, topic, holds = row
    if not holds or not isinstance(payload, bytes):
        return None
    result = own_words(str(body))
    origin = Origin(
        session=RESTATED, topic=str(topic), message_number=0, redelivered=False, payload_sha256=str(payload_sha256)
    )
    return ResultArrived(at=at, origin=origin, result=result.to_be_numbered(), payload=payload)
