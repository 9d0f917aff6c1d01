"""What people answer at terminals, from MQTT."""

from gateway.contract.refusals import MessageRefusedError
from gateway.contract.responses import response
from gateway.deadlines import ClockReading
from gateway.events import MessageRefused, Origin, ResponseArrived
from gateway.transport.mqtt_messages import Delivery

_KEPT_BYTES = 4096  # of a message that is no response: nothing that is one is longer


def understand_response(delivery: Delivery, origin: Origin, at: ClockReading) -> ResponseArrived | MessageRefused:
    """Return the response in a terminal's message, or the message as one that is none."""
    terminal = delivery.topic.rpartition("/")[2]
    try:
        answer = response(delivery.payload, now_ns=at.wall_ns, topic_level=terminal)
    except MessageRefusedError as error:
        kept = delivery.payload[:_KEPT_BYTES]
        return MessageRefused(at=at, origin=origin, payload=kept, reasons=error.reasons, of_terminal=True)
    return ResponseArrived(at=at, origin=origin, response=answer, payload=delivery.payload)
