"""Which edge node the gateway is. Apart from the loop, so that a configuration is read without its libraries."""

from dataclasses import dataclass

from gateway.contract.sparkplug.topics import EdgeNode
from gateway.transport.mqtt_options import BrokerAddress


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeOptions:
    """Which node at which broker; ``primary_host_id``: whose absence it waits out.

    What waits longer than ``keep_seconds``, or is more than ``keep_reports``, is dropped, the oldest first.
    """

    node: EdgeNode
    address: BrokerAddress
    client_id: str
    primary_host_id: str | None = None
    keep_seconds: float
    keep_reports: int
    datatypes_in_data: bool = False
