"""One connection to an OPC UA server: trust, connecting, closing, and what the server can take at once.

Every wait has a timeout. Certificates are read anew at each connection, so that a renewed one needs no restart; the
server's must be one of those pinned, and of several pinned ones the server may change to another without a word.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from asyncua import Client, ua
from asyncua.crypto import security_policies
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.errors import CertificateUntrustedError, SourceUnavailableError
from gateway.transport.opcua_notifications import PublishingSession

REQUEST_TIMEOUT_SECONDS = 4.0
_CONNECT_TIMEOUT_SECONDS = 8.0
_CLOSE_TIMEOUT_SECONDS = 3.0
_SESSION_TIMEOUT_MS = 30_000  # a server forgets a session that we could not close after so long
_WATCHDOG_SECONDS = 2.0
_MOST_AT_ONCE = 1000  # where a server names no limit
_NODE = re.compile(r"nsu=(?P<uri>[^;]+);(?P<identifier>[isgb]=.+)", re.DOTALL)
FAILURES = (ua.UaError, OSError, asyncio.TimeoutError, ConnectionError)


@dataclass(frozen=True, kw_only=True, slots=True)
class Security:
    """How a connection is protected; ``server_certificate``: a file, or a folder of several that are trusted."""

    policy: str
    mode: str
    certificate: Path
    private_key: Path
    server_certificate: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class OpcUaSource:
    """A server and the tags to take from it: tag name to node (``nsu=<uri>;<identifier>``)."""

    name: str
    url: str
    nodes: Mapping[str, str]
    publishing_interval_ms: float
    sampling_interval_ms: float
    security: Security | None = None
    username: str | None = None
    password: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationLimits:
    """How many items a server takes in one request (OPC 10000-5, 6.3.11)."""

    read: int = _MOST_AT_ONCE
    monitored_items: int = _MOST_AT_ONCE
    history_read: int = _MOST_AT_ONCE


@asynccontextmanager
async def connected(source: OpcUaSource) -> AsyncIterator[Client]:
    """Connect a client and close it whatever happens; raises SourceUnavailableError or CertificateUntrustedError."""
    client = _client(source)
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT_SECONDS):
            if source.security is not None:
                await _protect(client, source, source.security)
            await client.connect()
    except CertificateUntrustedError:
        raise
    except asyncio.CancelledError:
        client.disconnect_socket()  # asyncua leaves it open
        raise
    except Exception as error:  # asyncua and cryptography raise of every kind
        client.disconnect_socket()
        raise SourceUnavailableError(
            f"{source.url} cannot be reached: {str(error) or type(error).__name__}",
            hint="is the server up, the address right, and this gateway's certificate trusted there?",
        ) from error
    try:
        yield client
    except FAILURES as error:
        raise SourceUnavailableError(f"{source.url}: {str(error) or type(error).__name__}") from error
    finally:
        await _close(client)


def _client(source: OpcUaSource) -> Client:
    try:
        client = Client(source.url, timeout=REQUEST_TIMEOUT_SECONDS, watchdog_intervall=_WATCHDOG_SECONDS)
    except ValueError as error:
        raise SourceUnavailableError(f"{source.url} is no address: {error}") from error
    client.uaclient.session = PublishingSession(client.uaclient)
    client.name = client.description = "labline"
    client.application_uri = "urn:labline:gateway"
    client.session_timeout = _SESSION_TIMEOUT_MS
    if source.username is not None:
        client.set_user(source.username)
        client.set_password(source.password or "")
    return client


async def _close(client: Client) -> None:
    try:
        async with asyncio.timeout(_CLOSE_TIMEOUT_SECONDS):
            await client.disconnect()
    except FAILURES:
        client.disconnect_socket()


async def _protect(client: Client, source: OpcUaSource, security: Security) -> None:
    """Set policy and certificates; the server must present one that is pinned."""
    policy = getattr(security_policies, f"SecurityPolicy{security.policy}")
    mode = getattr(ua.MessageSecurityMode, security.mode)
    asking = _client(source)
    endpoints = await asking.connect_and_get_server_endpoints()
    presented = Client.find_endpoint(endpoints, mode, policy.URI).ServerCertificate
    trusted = {certificate.public_bytes(Encoding.DER) for certificate in certificates_in(security.server_certificate)}
    matching = next((each for each in trusted if presented.startswith(each)), None)
    if matching is None:
        raise CertificateUntrustedError(
            f"{source.url} presents a certificate that is not pinned, SHA-256 {hashlib.sha256(presented).hexdigest()}",
            hint=f"if it was renewed, put it beside the old one in {security.server_certificate}",
        )
    await client.set_security(
        policy, str(security.certificate), str(security.private_key), server_certificate=matching, mode=mode
    )


def certificates_in(path: Path) -> Iterator[x509.Certificate]:
    """Yield the certificates in a file (DER or PEM), or in each file of a folder; raises SourceUnavailableError."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    for file in files:
        try:
            content = file.read_bytes()
            if content.startswith(b"-----BEGIN"):
                yield from x509.load_pem_x509_certificates(content)
            else:
                yield x509.load_der_x509_certificate(content)
        except (OSError, ValueError) as error:
            raise SourceUnavailableError(f"{file} is no certificate that can be read: {error}") from error


async def operation_limits(client: Client) -> OperationLimits:
    """Return what the server takes in one request; where it does not say, a default."""
    objects = ua.ObjectIds
    nodes = (
        objects.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead,
        objects.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall,
        objects.Server_ServerCapabilities_OperationLimits_MaxNodesPerHistoryReadData,
    )
    found = []
    for node in nodes:  # one by one: a server may take no more in one request
        (value,) = await client.uaclient.read_attributes([ua.NodeId(node)], ua.AttributeIds.Value)
        number = value.Value.Value if value.Value is not None else None
        found.append(min(number, _MOST_AT_ONCE) if isinstance(number, int) and number > 0 else _MOST_AT_ONCE)
    return OperationLimits(read=found[0], monitored_items=found[1], history_read=found[2])


async def resolve_nodes(client: Client, nodes: Mapping[str, str]) -> tuple[dict[str, ua.NodeId], dict[str, str]]:
    """Return (each tag's node id with this server's namespace index, the tags that have none here and why)."""
    namespaces = await client.get_namespace_array()
    resolved: dict[str, ua.NodeId] = {}
    refused: dict[str, str] = {}
    for tag, node in nodes.items():
        match = _NODE.fullmatch(node)
        if match is None:
            refused[tag] = f"{node!r} is not nsu=<uri>;<identifier>"
        elif match["uri"] not in namespaces:
            refused[tag] = f"the server has no namespace {match['uri']}; it has {', '.join(namespaces)}"
        else:
            try:
                resolved[tag] = ua.NodeId.from_string(f"ns={namespaces.index(match['uri'])};{match['identifier']}")
            except (ValueError, ua.UaError) as error:
                refused[tag] = f"{match['identifier']!r} is no identifier: {error}"
    return resolved, refused
