"""Node names as the configuration has them: ``nsu=<uri>;<identifier>``, never an index, as those change with a restart.

In a URI ``;`` and ``%`` are percent-encoded (OPC 10000-6, 5.1.12). A name written without is understood as well, as
long as the server has that very namespace.
"""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from asyncua import Client, ua

from gateway.errors import SourceUnavailableError
from gateway.transport.opcua_values import status_text

_NODE = re.compile(r"nsu=(?P<uri>[^;]+);(?P<identifier>[isgb]=.+)", re.DOTALL)


async def namespaces_of(client: Client) -> list[str | None]:
    """Return the server's namespaces by index; None where it has none of that index. Raises SourceUnavailableError."""
    (value,) = await client.uaclient.read_attributes(
        [ua.NodeId(ua.ObjectIds.Server_NamespaceArray)], ua.AttributeIds.Value
    )
    names = value.Value.Value if value.Value is not None else None
    if not isinstance(names, list):
        status = value.StatusCode.value if value.StatusCode is not None else 0
        why = status_text(status) if status else "it is no list"
        raise SourceUnavailableError(
            f"the server does not tell its namespaces: {why}", hint="this user must be allowed to read NamespaceArray"
        )
    return [uri if isinstance(uri, str) and uri else None for uri in names]


def resolved(nodes: Mapping[str, str], namespaces: Sequence[str | None]) -> tuple[dict[str, ua.NodeId], dict[str, str]]:
    """Return (each tag's node id with the server's namespace index, the tags that have none here and why)."""
    known: dict[str, ua.NodeId] = {}
    refused: dict[str, str] = {}
    for tag, node in nodes.items():
        match = _NODE.fullmatch(node)
        if match is None:
            refused[tag] = f"{node!r} is not nsu=<uri>;<identifier>"
            continue
        uri = next((spelling for spelling in (match["uri"], unquote(match["uri"])) if spelling in namespaces), None)
        if uri is None:
            has = ", ".join(namespace for namespace in namespaces if namespace)
            refused[tag] = f"the server has no namespace {match['uri']}; it has {has}"
            continue
        try:
            known[tag] = ua.NodeId.from_string(f"ns={namespaces.index(uri)};{match['identifier']}")
        except (ValueError, ua.UaError) as error:
            refused[tag] = f"{match['identifier']!r} is no identifier: {error}"
    return known, refused


def node_text(node: ua.NodeId, namespaces: Sequence[str | None]) -> str | None:
    """Return a node as the configuration wants it; None where its namespace has no URI."""
    index = node.NamespaceIndex
    uri = namespaces[index] if 0 <= index < len(namespaces) else None
    if uri is None:
        return None
    identifier = node.to_string().split(";", 1)[-1] if index else node.to_string()
    return f"nsu={uri.replace('%', '%25').replace(';', '%3B')};{identifier}"
