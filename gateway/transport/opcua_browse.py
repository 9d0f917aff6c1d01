"""A look into a server without a subscription: reading once, and browsing for the tags to configure."""

from dataclasses import dataclass
from typing import Any

from asyncua import ua

from gateway.records import TagSample
from gateway.transport.opcua_connection import OpcUaSource, connected, operation_limits, resolve_nodes
from gateway.transport.opcua_values import sample_of


async def read_once(source: OpcUaSource, *, now_ns: int) -> tuple[dict[str, TagSample], dict[str, str]]:
    """Connect, read every tag once, and leave: (samples, refused tags and why); for ``check --connect``."""
    async with connected(source) as client:
        nodes, refused = await resolve_nodes(client, source.nodes)
        at_once = (await operation_limits(client)).read
        tags = list(nodes)
        samples: dict[str, TagSample] = {}
        for begin in range(0, len(tags), at_once):
            asked = tags[begin : begin + at_once]
            values = await client.uaclient.read_attributes([nodes[tag] for tag in asked], ua.AttributeIds.Value)
            samples |= {tag: sample_of(tag, value, now_ns) for tag, value in zip(asked, values, strict=True)}
        return samples, refused


@dataclass(frozen=True, kw_only=True, slots=True)
class BrowsedNode:
    """One variable found in a server's address space, with its name as the configuration wants it."""

    path: str
    node: str
    data_type: str
    value: str
    writable: bool


async def browse(url: str, *, most: int) -> list[BrowsedNode]:
    """Return the variables below Objects, without the Server object, at most ``most``."""
    source = OpcUaSource(name="browse", url=url, nodes={}, publishing_interval_ms=500, sampling_interval_ms=250)
    async with connected(source) as client:
        namespaces = await client.get_namespace_array()
        found: list[BrowsedNode] = []
        waiting: list[tuple[str, Any]] = [("", client.nodes.objects)]
        seen: set[ua.NodeId] = set()
        while waiting and len(found) < most:
            path, parent = waiting.pop(0)
            for child in await parent.get_children():
                name = await child.read_browse_name()
                if child.nodeid in seen or child.nodeid == ua.NodeId(ua.ObjectIds.Server):
                    continue
                seen.add(child.nodeid)
                here = f"{path}/{name.Name}"
                waiting.append((here, child))
                if await child.read_node_class() is ua.NodeClass.Variable:
                    found.append(await _browsed(here, child, namespaces))
        return found[:most]


async def _browsed(path: str, node: Any, namespaces: list[str]) -> BrowsedNode:
    value = await node.read_data_value(raise_on_bad_status=False)
    access = await node.get_user_access_level()
    variant = value.Value
    identifier = node.nodeid.to_string().split(";", 1)[-1]
    return BrowsedNode(
        path=path,
        node=f"nsu={namespaces[node.nodeid.NamespaceIndex]};{identifier}",
        data_type=variant.VariantType.name if variant is not None else "-",
        value=str(variant.Value)[:40] if variant is not None else "-",
        writable=ua.AccessLevel.CurrentWrite in access,
    )
