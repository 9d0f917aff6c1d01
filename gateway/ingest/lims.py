"""Laboratory results from MQTT."""

from gateway.contract.lims.lab_results import LimsInterface, lab_result
from gateway.deadlines import ClockReading
from gateway.events import ResultArrived
from gateway.ingest.messages import Understand
from gateway.records.deliveries import Origin
from gateway.transport.mqtt_messages import Delivery


def understand_results(interface: LimsInterface) -> Understand:
    """Return the function that understands a laboratory's messages of one result each."""

    def understand(delivery: Delivery, origin: Origin, at: ClockReading) -> ResultArrived:
        result = lab_result(delivery.payload, interface, now_ns=at.wall_ns)
        return ResultArrived(at=at, origin=origin, result=result, payload=delivery.payload)

    return understand
