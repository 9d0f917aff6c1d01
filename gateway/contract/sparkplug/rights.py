"""The rights at the broker that an edge node needs, for ``check --connect``. Pure.

A broker drops a message at QoS 0 that it does not allow, without a word, so the check is where that shows. What is
offered to prove the right is empty: a host that saw it would find neither a birth nor data in it.
"""

from gateway.contract.probe_messages import Probe
from gateway.contract.sparkplug.metrics import catalogue_of
from gateway.contract.sparkplug.topics import EdgeNode, host_topic
from gateway.line.definition import LineDefinition


def subscribed_topics(node: EdgeNode, primary_host_id: str | None) -> tuple[str, ...]:
    """Return what the node subscribes."""
    return (node.commands, *(() if primary_host_id is None else (host_topic(primary_host_id),)))


def sparkplug_probes(node: EdgeNode, line: LineDefinition) -> tuple[Probe, ...]:
    """Return a probe for each topic that the node publishes, of devices for one."""
    topics = [node.topic(kind) for kind in ("NBIRTH", "NDATA", "NDEATH")]
    for device in catalogue_of(line).devices[:1]:
        topics += [node.topic(kind, device) for kind in ("DBIRTH", "DDATA", "DDEATH")]
    return tuple(Probe(topic=topic, shown=topic, payload=b"", retain=False) for topic in topics)
