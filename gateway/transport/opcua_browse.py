"""A look into a server without a subscription: reading once, and browsing for the tags to configure.

What one node spoils (bytes that are no value, a name that cannot be read) costs that node's row only.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from asyncua import Client, ua

from gateway.records.process import Quality, TagSample, quality_of
from gateway.transport.opcua_connection import connected, endpoints_of
from gateway.transport.opcua_nodes import namespaces_of, node_text, resolved
from gateway.transport.opcua_reading import operation_limits, read_values
from gateway.transport.opcua_source import OpcUaSource
from gateway.transport.opcua_values import misfit_of, sample_of, status_text

_MOST_NODES = 100_000
_LONGEST_VALUE = 40
_HELD_BY_THE_STANDARD = ua.NodeId(ua.ObjectIds.Server)


@dataclass(frozen=True, kw_only=True, slots=True)
class TagReading:
    """What a tag shows now, or why it cannot be used."""

    sample: TagSample | None = None
    problem: str | None = None


async def read_once(source: OpcUaSource, *, now_ns: int) -> dict[str, TagReading]:
    """Connect, read every tag once, and leave; for ``check --connect``. Raises SourceUnavailableError."""
    async with connected(source) as client:
        nodes, refused = resolved(source.nodes, await namespaces_of(client))
        at_once = (await operation_limits(client)).read
        values = await read_values(client, list(nodes.values()), at_once=at_once)
    readings = {tag: TagReading(problem=why) for tag, why in refused.items()}
    for tag, value in zip(nodes, values, strict=True):
        index = source.indexes.get(tag)
        sample = sample_of(tag, value, now_ns, index=index)
        problem = misfit_of(value, index=index)
        if problem is None and quality_of(sample.status) is not Quality.GOOD:
            problem = status_text(sample.status)
        readings[tag] = TagReading(sample=sample, problem=problem)
    return {tag: readings[tag] for tag in source.nodes}


@dataclass(frozen=True, kw_only=True, slots=True)
class BrowsedNode:
    """One variable in a server's address space, with its name as the configuration wants it."""

    path: str
    node: str
    data_type: str
    value: str
    writable: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Browsed:
    """The first variables of a server, and how many it has (``complete``: whether all were counted)."""

    variables: tuple[BrowsedNode, ...]
    total: int
    complete: bool
    problems: tuple[str, ...] = ()  # branches that could not be looked into


async def browse(source: OpcUaSource, *, most: int) -> Browsed:
    """Return the variables below Objects, without the Server object, at most ``most``, and count them all.

    Raises SourceUnavailableError.
    """
    async with connected(source) as client:
        namespaces = await namespaces_of(client)
        at_once = (await operation_limits(client)).read
        variables, problems, complete = await variables_below_objects(client)
        shown = variables[:most]
        nodes = [node for _path, node in shown]
        values = await read_values(client, nodes, at_once=at_once)
        rights = await read_values(client, nodes, at_once=at_once, attribute=ua.AttributeIds.UserAccessLevel)
    return Browsed(
        variables=tuple(
            _browsed(path, node, namespaces, value, right)
            for (path, node), value, right in zip(shown, values, rights, strict=True)
        ),
        total=len(variables),
        complete=complete,
        problems=tuple(problems),
    )


async def variables_below_objects(client: Client) -> tuple[list[tuple[str, ua.NodeId]], list[str], bool]:
    """Return (path and node of each variable, breadth first; what could not be looked into; whether that is all)."""
    variables: list[tuple[str, ua.NodeId]] = []
    problems: list[str] = []
    waiting: deque[tuple[str, ua.NodeId]] = deque([("", client.nodes.objects.nodeid)])
    seen: set[ua.NodeId] = {_HELD_BY_THE_STANDARD}
    while waiting:
        if len(seen) > _MOST_NODES:
            return variables, problems, False
        path, parent = waiting.popleft()
        try:
            children = await client.get_node(parent).get_children_descriptions()
        except (OSError, TimeoutError):
            raise
        except Exception as error:  # noqa: BLE001 - asyncua raises of every kind on bytes that it cannot read
            problems.append(f"{path or '/'} cannot be looked into: {str(error) or type(error).__name__}")
            continue
        for child in children or ():
            node = ua.NodeId(child.NodeId.Identifier, child.NodeId.NamespaceIndex, child.NodeId.NodeIdType)
            if node in seen:
                continue
            seen.add(node)
            here = f"{path}/{child.BrowseName.Name}"
            if child.NodeClass is not ua.NodeClass.Method:  # whose arguments are no tags
                waiting.append((here, node))
            if child.NodeClass is ua.NodeClass.Variable:
                variables.append((here, node))
    return variables, problems, True


def _browsed(
    path: str, node: ua.NodeId, namespaces: Sequence[str | None], value: ua.DataValue, right: ua.DataValue
) -> BrowsedNode:
    status = value.StatusCode.value if value.StatusCode is not None else 0
    variant = value.Value
    allowed = right.Value.Value if right.Value is not None else 0
    shown = status_text(status) if quality_of(status) is Quality.BAD else "-"
    return BrowsedNode(
        path=path,
        node=node_text(node, namespaces) or f"{node.to_string()} (its namespace has no URI)",
        data_type=_type_of(variant),
        value=str(variant.Value)[:_LONGEST_VALUE] if variant is not None and variant.Value is not None else shown,
        writable=isinstance(allowed, int) and bool(allowed & ua.AccessLevel.CurrentWrite.mask),
    )


def _type_of(variant: ua.Variant | None) -> str:
    if variant is None or variant.VariantType is ua.VariantType.Null:
        return "-"
    kind = getattr(variant.VariantType, "name", str(variant.VariantType))
    return f"{kind}[{len(variant.Value)}]" if isinstance(variant.Value, list) else str(kind)


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerCertificate:
    """A certificate that a server presents, and with which security."""

    certificate: bytes  # DER
    security: tuple[str, ...]


async def server_certificates(url: str) -> list[ServerCertificate]:
    """Return the certificates that a server presents, without protection; raises SourceUnavailableError."""
    return certificates_of_endpoints(await endpoints_of(url))


def certificates_of_endpoints(endpoints: Sequence[ua.EndpointDescription]) -> list[ServerCertificate]:
    """Return the certificates that endpoints present."""
    securities: dict[bytes, list[str]] = {}
    for endpoint in endpoints:
        policy = str(endpoint.SecurityPolicyUri).rsplit("#", 1)[-1]
        if endpoint.ServerCertificate and policy != "None":
            modes = securities.setdefault(_first_of(endpoint.ServerCertificate), [])
            modes.append(f"{policy}/{endpoint.SecurityMode.name}")
    return [
        ServerCertificate(certificate=certificate, security=tuple(sorted(set(modes))))
        for certificate, modes in securities.items()
    ]


def _first_of(chain: bytes) -> bytes:
    """Return the first certificate of a chain in DER: a sequence with a length of two bytes."""
    return chain[: int.from_bytes(chain[2:4]) + 4] if chain[:2] == b"\x30\x82" else chain
