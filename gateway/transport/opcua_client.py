"""asyncua's client with what a plant needs of it: bounded messages, and a watchdog that any answer satisfies.

A server says itself how long each chunk is; asyncua believes it and gathers so much, copying what it has with every
packet. Here a chunk or message beyond a bound ends the connection as soon as it is announced.
"""

import struct
from typing import Any
from urllib.parse import urlsplit

from asyncua import Client, ua
from asyncua.client.ua_client import UASocketProtocol

from gateway.errors import SourceUnavailableError
from gateway.transport.opcua_failures import session_is_gone
from gateway.transport.opcua_notifications import PublishingSession

LARGEST_CHUNK_BYTES = 2**20  # the standard lets a server send what we offered, 64 KiB; some send more
LARGEST_MESSAGE_BYTES = 16 * 2**20
_SESSION_TIMEOUT_MS = 30_000  # a server forgets a session that we could not close after so long
_SCHEME = "opc.tcp://"  # the only transport that asyncua speaks
_WATCHDOG_SECONDS = 2.0
_HEADER = struct.Struct("<3ssI")


class BoundedProtocol(UASocketProtocol):  # type: ignore[misc]  # asyncua has no types
    """asyncua's protocol, which ends a connection whose server announces too much, and remembers why it ended."""

    def __init__(self, timeout: float, *, security_policy: Any) -> None:
        super().__init__(timeout, security_policy=security_policy)
        self._waiting = bytearray()  # of a chunk that has not come whole: asyncua would copy it with every packet
        self.ended_by: Exception | None = None

    def data_received(self, data: bytes) -> None:
        """Process received data by whole chunks; refuse a chunk longer than allowed."""
        if self.ended_by is not None:
            return  # data still on their way are of no interest
        self._waiting += data
        while self.ended_by is None and len(self._waiting) >= _HEADER.size:
            announced = int(_HEADER.unpack_from(self._waiting)[2])
            if not _HEADER.size <= announced <= LARGEST_CHUNK_BYTES:
                self._refuse(f"announces a message of {announced / 2**20:.0f} MiB")
                return
            if len(self._waiting) < announced:
                return
            chunk = bytes(self._waiting[:announced])
            del self._waiting[:announced]
            super().data_received(chunk)
            if self._connection._incoming_size > LARGEST_MESSAGE_BYTES:  # noqa: SLF001 - asyncua has no other way
                self._refuse(f"sends a message of more than {LARGEST_MESSAGE_BYTES // 2**20} MiB")

    def _process_received_message(self, msg: Any) -> None:
        """Take a message; a refusal of the secure channel, which asyncua takes for a broken answer, is raised."""
        if isinstance(msg, ua.Message) and not self._connection.is_open():
            self.check_answer(msg.body(), " in response to OpenSecureChannelRequest")
        super()._process_received_message(msg)

    def _refuse(self, what: str) -> None:
        self._waiting.clear()
        self._connection._drop_incoming_parts()  # noqa: SLF001 - asyncua has no other way
        self._fail_all_pending(SourceUnavailableError(f"the server {what}: refused"))
        if self.transport is not None:
            self.transport.abort()

    def _fail_all_pending(self, exc: Exception) -> None:
        self.ended_by = self.ended_by or exc
        super()._fail_all_pending(exc)


class AnyAnswer:
    """In the place of the node that asyncua's watchdog reads: whatever a server answers, it is alive."""

    def __init__(self, session: Any) -> None:
        self._session = session

    async def read_value(self) -> None:
        """Read the server's state; raises where nothing answers or the session is gone, whatever the value."""
        node = ua.NodeId(ua.ObjectIds.Server_ServerStatus_State)
        try:
            await self._session.read_attributes([node], ua.AttributeIds.Value)
        except ua.UaStatusCodeError as error:
            if session_is_gone(error):
                raise
        except (OSError, TimeoutError):
            raise
        except Exception:  # noqa: BLE001, S110 - an answer that cannot be read is one, too
            pass


def make_client(
    url: str, *, request_timeout_seconds: float, application_uri: str
) -> tuple[Client, "list[BoundedProtocol]"]:
    """Return a client that is not connected yet, and the protocols that it makes; raises SourceUnavailableError."""
    try:
        if not url.startswith(_SCHEME):
            raise ValueError(f"it begins with {_SCHEME}, such as opc.tcp://10.0.0.5:4840")  # noqa: TRY301
        client = Client(_with_port(url), timeout=request_timeout_seconds, watchdog_intervall=_WATCHDOG_SECONDS)
        if client.server_url.hostname is None:
            raise ValueError("it needs a host, such as opc.tcp://10.0.0.5:4840")  # noqa: TRY301
    except ValueError as error:
        raise SourceUnavailableError(f"{url} is no address: {error}") from error
    made: list[BoundedProtocol] = []
    transport = client.uaclient

    def make_protocol() -> BoundedProtocol:
        protocol = BoundedProtocol(request_timeout_seconds, security_policy=transport.security_policy)
        protocol.pre_request_hook = transport.pre_request_hook
        protocol.on_connection_lost = transport._on_transport_lost  # noqa: SLF001 - as asyncua's own does
        protocol.is_session_closing = transport._is_session_closing  # noqa: SLF001 - as asyncua's own does
        transport.protocol = protocol
        made.append(protocol)
        return protocol

    transport._make_protocol = make_protocol  # noqa: SLF001 - asyncua has no other way
    transport.session = PublishingSession(transport)
    client.nodes.server_state = AnyAnswer(transport.session)
    client.name = client.description = "labline"
    client.application_uri = application_uri
    client.max_messagesize = LARGEST_MESSAGE_BYTES
    client.session_timeout = _SESSION_TIMEOUT_MS
    return client, made


def _with_port(url: str) -> str:
    """Return an address with the standard's port where it names none; raises ValueError."""
    parts = urlsplit(url)
    return url if parts.port is not None or not parts.netloc else parts._replace(netloc=f"{parts.netloc}:4840").geturl()
