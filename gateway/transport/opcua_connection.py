"""One connection to an OPC UA server: trust, connecting and closing.

Every wait has a timeout. Certificates are read again at each connection, so that a renewed one needs no restart; the
server's must be one of those pinned, and of several pinned ones the server may change to another without a word.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from asyncua import Client, ua
from asyncua.crypto import security_policies
from asyncua.crypto.uacrypto import CertProperties
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.errors import CertificateUntrustedError, LablineError, SourceUnavailableError
from gateway.transport.opcua_certificates import application_uri_of, certificate_in, certificates_in, sha256_of
from gateway.transport.opcua_client import BoundedProtocol, make_client
from gateway.transport.opcua_failures import USER_REFUSED, cause_of
from gateway.transport.opcua_rejected import keep_rejected
from gateway.transport.opcua_source import OpcUaSource, Security

REQUEST_TIMEOUT_SECONDS = 4.0
DEFAULT_APPLICATION_URI = "urn:labline:gateway"  # where there is no certificate, nobody compares it
_CONNECT_TIMEOUT_SECONDS = 8.0
_CLOSE_TIMEOUT_SECONDS = 3.0
FAILURES = (ua.UaError, OSError, asyncio.TimeoutError, ConnectionError)


@asynccontextmanager
async def connected(source: OpcUaSource) -> AsyncIterator[Client]:
    """Connect a client and close it whatever happens; raises SourceUnavailableError or CertificateUntrustedError."""
    client, protocols = _client(source)
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT_SECONDS):
            if source.security is not None:
                await _protect(client, source, source.security)
            if source.user_certificate is not None:
                await _log_in_by_certificate(client, source)
            await client.connect()
    except CertificateUntrustedError:
        raise
    except asyncio.CancelledError:
        client.disconnect_socket()  # asyncua leaves it open
        raise
    except Exception as error:  # asyncua and cryptography raise of every kind
        client.disconnect_socket()
        raise _unavailable(source, error, protocols) from error
    try:
        yield client
    except FAILURES as error:
        what, hint = cause_of(error, protocol_error=_ended_by(protocols))
        raise SourceUnavailableError(f"{source.url} {what}", hint=hint) from error
    finally:
        await _close(client)


async def endpoints_of(url: str) -> list[ua.EndpointDescription]:
    """Return the endpoints that a server offers, requested without security; raises SourceUnavailableError."""
    source = OpcUaSource(name="endpoints", url=url, nodes={}, publishing_interval_ms=500, sampling_interval_ms=250)
    client, protocols = _client(source)
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT_SECONDS):
            return list(await client.connect_and_get_server_endpoints())
    except Exception as error:  # asyncua raises of every kind
        client.disconnect_socket()
        raise _unavailable(source, error, protocols) from error


def _unavailable(source: OpcUaSource, error: Exception, protocols: list[BoundedProtocol]) -> SourceUnavailableError:
    what, hint = cause_of(error, protocol_error=_ended_by(protocols))
    if isinstance(error, LablineError):
        return SourceUnavailableError(what if source.url in what else f"{source.url}: {what}", hint=hint)
    if source.username is not None and not source.password and getattr(error, "code", None) in USER_REFUSED:
        hint = "there is no password: credential opcua_<name>_password is missing"
    return SourceUnavailableError(f"{source.url} {what}", hint=hint.replace("<name>", source.name))


def _ended_by(protocols: list[BoundedProtocol]) -> Exception | None:
    return protocols[-1].ended_by if protocols else None


def _client(source: OpcUaSource) -> tuple[Client, list[BoundedProtocol]]:
    uri = None
    if source.security is not None:
        uri = application_uri_of(certificate_in(source.security.certificate))
    client, protocols = make_client(
        source.url,
        request_timeout_seconds=REQUEST_TIMEOUT_SECONDS,
        application_uri=uri or DEFAULT_APPLICATION_URI,
    )
    if source.username is not None:
        client.set_user(source.username)
        client.set_password(source.password or "")
    return client, protocols


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
    endpoints = await endpoints_of(source.url)
    try:
        presented = Client.find_endpoint(endpoints, mode, policy.URI).ServerCertificate or b""
    except ua.UaError as error:
        offered = ", ".join(sorted({_security_text(endpoint) for endpoint in endpoints})) or "nothing"
        raise SourceUnavailableError(
            f"{source.url} does not offer {security.policy}/{security.mode}; it offers {offered}",
            hint="set security to one that it offers",
        ) from error
    trusted = {certificate.public_bytes(Encoding.DER) for certificate in certificates_in(security.server_certificate)}
    matching = next((certificate for certificate in trusted if presented.startswith(certificate)), None)
    if matching is None:
        if security.rejected is not None:
            keep_rejected(security.rejected, source.name, presented)
        raise CertificateUntrustedError(
            f"{source.url} presents a certificate that is not pinned, SHA-256 {sha256_of(presented)}",
            hint=f"compare the SHA-256 with the server's own, then labline opcua trust {source.name}",
        )
    own = certificate_in(security.certificate).public_bytes(Encoding.DER)  # whatever its file is called
    await client.set_security(
        policy,
        CertProperties(own, extension="der"),
        CertProperties(security.private_key.read_bytes(), extension="pem"),
        server_certificate=matching,
        mode=mode,
    )


async def _log_in_by_certificate(client: Client, source: OpcUaSource) -> None:
    """Have the client show who it is by a certificate, and prove it by the key (OPC 10000-4, 7.40.5)."""
    if source.user_certificate is None or source.user_key is None:
        raise SourceUnavailableError(f"{source.name}: the certificate of the user has no key")
    certificate = certificate_in(source.user_certificate).public_bytes(Encoding.DER)  # whatever its file is called
    client.user_certificate = x509.load_der_x509_certificate(certificate)
    await client.load_private_key(str(source.user_key), extension="pem")


def _security_text(endpoint: ua.EndpointDescription) -> str:
    policy = str(endpoint.SecurityPolicyUri).rsplit("#", 1)[-1]
    return "None" if policy == "None" else f"{policy}/{endpoint.SecurityMode.name}"
