"""What people answer at terminals, from MQTT."""

from gateway.contract.responses import response
from gateway.events import Origin, ResponseArrived
from gateway.transport.mqtt_connection import Delivery


def understand_response(delivery: Delivery, origin: Origin, now_ns: int) -> ResponseArrived:
    """Return the response in a terminal's message."""
    answer = response(delivery.payload, now_ns=now_ns)
    return ResponseArrived(at_ns=now_ns, origin=origin, response=answer, payload=delivery.payload)
