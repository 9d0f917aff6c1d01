"""Topics of an edge node and its devices (Sparkplug 3.0, chapter 4)."""

from dataclasses import dataclass

from gateway.contract.topics import encode_level

_NAMESPACE = "spBv1.0"


@dataclass(frozen=True, kw_only=True, slots=True)
class EdgeNode:
    """Which edge node of which group this gateway is."""

    group_id: str
    edge_node_id: str

    def topic(self, message_type: str, device_id: str = "") -> str:
        """Return the topic of one of this node's messages, or of one of its devices'."""
        ends = (device_id,) if device_id else ()
        return "/".join((_NAMESPACE, self.group_id, message_type, self.edge_node_id, *ends))

    @property
    def commands(self) -> str:
        """Return the topic on which commands to this node come."""
        return self.topic("NCMD")


def host_topic(host_id: str) -> str:
    """Return the topic on which a host says whether it is online."""
    return f"{_NAMESPACE}/STATE/{host_id}"


def device_of(equipment_id: str) -> str:
    """Return the device's id of an equipment, with what no topic may have written as %XX."""
    return encode_level(equipment_id)
