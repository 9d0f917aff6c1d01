"""Laboratory results from MQTT."""

from dataclasses import replace

import structlog

from gateway.contract.lims.lab_results import LimsInterface, lab_result
from gateway.contract.refusals import MessageRefusedError, unreadable
from gateway.deadlines import ClockReading
from gateway.events import ResultArrived
from gateway.ingest.messages import Understand
from gateway.records.deliveries import Origin
from gateway.transport.mqtt_messages import Delivery

log = structlog.get_logger()


def understand_results(interface: LimsInterface) -> Understand:
    """Return the function that understands a laboratory's messages of one result each."""

    def understand(delivery: Delivery, origin: Origin, at: ClockReading) -> ResultArrived:
        """Return the result in a message; whatever raises, the refusal names the lots that the message names."""
        try:
            result = lab_result(delivery.payload, interface, now_ns=at.wall_ns)
        except MessageRefusedError:
            raise
        except Exception as error:  # whatever fails here, the lots that the message names are for review
            log.exception("a result could not be read; it becomes a dead letter", topic=delivery.topic)
            about = interface.mapping.reference(delivery.payload)
            named = None if about is None else replace(about, source=interface.source)
            raise MessageRefusedError((unreadable(error),), about=named) from error
        return ResultArrived(at=at, origin=origin, result=result, payload=delivery.payload)

    return understand
