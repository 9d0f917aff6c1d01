"""What people answer at terminals, from MQTT."""

from gateway.contract.refusals import MessageRefusedError
from gateway.contract.responses import response
from gateway.deadlines import ClockReading
from gateway.events import MessageRefused, ResponseArrived
from gateway.records.deliveries import Origin
from gateway.time_units import SECOND_NS
from gateway.transport.mqtt_messages import Delivery

AT_ONCE, PER_SECOND = 40, 20  # responses: more than people at terminals give
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


class AnswersFirst:
    """Says of each response whether it goes before results, as people's answers do.

    Beyond the pace of people it waits behind all else: whoever floods ``response/+`` must not keep results waiting.
    """

    def __init__(self) -> None:
        self._left = float(AT_ONCE)
        self._looked_ns: int | None = None

    def __call__(self, at: ClockReading) -> bool:
        """Return whether the response of this instant goes first."""
        passed = 0 if self._looked_ns is None else max(0, at.boot_ns - self._looked_ns)
        self._looked_ns = at.boot_ns
        self._left = min(float(AT_ONCE), self._left + passed * PER_SECOND / SECOND_NS)
        if self._left < 1:
            return False
        self._left -= 1
        return True
