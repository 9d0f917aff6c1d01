"""From ``[sparkplug]`` to which edge node the gateway is; the broker is [mqtt]'s unless it names another."""

from dataclasses import replace

from gateway.config.connections import broker_address
from gateway.config.tables import Settings
from gateway.contract.sparkplug.topics import EdgeNode
from gateway.publish.sparkplug.options import NodeOptions


def node_options(settings: Settings) -> NodeOptions | None:
    """Return which edge node the gateway is, None where it is none; raises ConfigurationError."""
    table = settings.sparkplug
    if table is None:
        return None
    address = broker_address(settings)
    return NodeOptions(
        node=EdgeNode(group_id=table.group_id, edge_node_id=table.edge_node_id),
        address=replace(address, host=table.host or address.host, port=table.port or address.port),
        client_id=table.client_id or f"{settings.mqtt.client_id}-sparkplug",
        primary_host_id=table.primary_host_id,
        keep_seconds=table.keep,
        keep_reports=table.keep_values,
        datatypes_in_data=table.datatypes_in_data,
    )
