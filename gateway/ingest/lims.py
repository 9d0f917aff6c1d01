"""Laboratory results from MQTT."""

from collections.abc import Collection, Mapping

from gateway.contract.lims.lab_results import CANONICAL, lab_result
from gateway.contract.lims.mapping import ResultMapping
from gateway.deadlines import ClockReading
from gateway.events import Origin, ResultArrived
from gateway.ingest.messages import Understand
from gateway.records.laboratory import ResultStatus
from gateway.transport.mqtt_messages import Delivery


def understand_results(
    *,
    source: str,
    analytes: Mapping[str, str],
    assume_status: ResultStatus | None,
    mapping: ResultMapping = CANONICAL,
    decimal_comma: bool = False,
    ignore: Collection[str] = (),
) -> Understand:
    """Return the function that understands a laboratory's messages of one result each."""

    def understand(delivery: Delivery, origin: Origin, at: ClockReading) -> ResultArrived:
        result = lab_result(
            delivery.payload,
            source=source,
            now_ns=at.wall_ns,
            analytes=analytes,
            assume_status=assume_status,
            mapping=mapping,
            decimal_comma=decimal_comma,
            ignore=ignore,
        )
        return ResultArrived(at=at, origin=origin, result=result, payload=delivery.payload)

    return understand
