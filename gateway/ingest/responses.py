"""What people answer at terminals, from MQTT."""

from gateway.contract.responses import response
from gateway.deadlines import ClockReading
from gateway.events import Origin, ResponseArrived
from gateway.transport.mqtt_messages import Delivery


def understand_response(delivery: Delivery, origin: Origin, at: ClockReading) -> ResponseArrived:
    """Return the response in a terminal's message."""
    terminal = delivery.topic.rpartition("/")[2]
    answer = response(delivery.payload, now_ns=at.wall_ns, topic_level=terminal)
    return ResponseArrived(at=at, origin=origin, response=answer, payload=delivery.payload)
