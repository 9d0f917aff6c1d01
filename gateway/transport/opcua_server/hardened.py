"""asyncua's server without what would let a client change, take over or exhaust anything.

As it comes, sessions are known by numbers that can be guessed, a connection of any other client can take one over, a
client may gather memory without bound by messages that never end or answers that it never reads, and a channel
without security has every right. Each class here closes one of these doors.
"""

import math
import secrets
from typing import Any

from asyncua import Server, ua
from asyncua.common.utils import ServiceError
from asyncua.server.binary_server_asyncio import BinaryServer, OPCUAProtocol
from asyncua.server.internal_server import InternalServer
from asyncua.server.internal_session import InternalSession, SessionState
from asyncua.server.uaprocessor import UaProcessor

from gateway.transport.opcua_server.access import ClientApplications, OnlyReading, Users
from gateway.transport.opcua_server.wire import Limits, Options

_OAEP = frozenset(
    {"http://www.w3.org/2001/04/xmlenc#rsa-oaep", "http://opcfoundation.org/UA/security/rsa-oaep-sha2-256"}
)
_CHUNK_BYTES = 65_535
_SLOWEST_PUBLISHING_MS = 3_600_000.0
_CREATE = ua.NodeId(ua.ObjectIds.CreateSessionRequest_Encoding_DefaultBinary)
_ACTIVATE = ua.NodeId(ua.ObjectIds.ActivateSessionRequest_Encoding_DefaultBinary)
_REGISTER = frozenset(
    {
        ua.NodeId(ua.ObjectIds.RegisterServerRequest_Encoding_DefaultBinary),
        ua.NodeId(ua.ObjectIds.RegisterServer2Request_Encoding_DefaultBinary),
    }
)


class ReadingSession(InternalSession):  # type: ignore[misc]  # asyncua has no types
    """A client's session: it reads, within limits, and knows only its own subscriptions."""

    encrypted = False  # whether its channel encrypts; only then is a password taken that is not encrypted by itself

    def __init__(self, *arguments: Any, limits: Limits, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._limits = limits
        self._items: dict[int, int] = {}  # by subscription

    def activate_session(self, params: Any, peer_certificate: Any) -> Any:
        """Identify who asks; refuse a password that could have been read on its way."""
        token = params.UserIdentityToken
        if isinstance(token, ua.UserNameIdentityToken):
            algorithm = token.EncryptionAlgorithm or ""
            if algorithm not in _OAEP and (algorithm or not self.encrypted):
                raise ServiceError(ua.StatusCodes.BadIdentityTokenRejected)
        return super().activate_session(params, peer_certificate)

    async def read(self, params: Any) -> Any:
        """Read attributes."""
        self._few(params.NodesToRead)
        return await super().read(params)

    async def browse(self, params: Any) -> Any:
        """Browse references."""
        self._few(params.NodesToBrowse)
        return await super().browse(params)

    async def translate_browsepaths_to_nodeids(self, params: Any) -> Any:
        """Follow browse paths."""
        self._few(params)
        return await super().translate_browsepaths_to_nodeids(params)

    async def create_subscription(self, params: Any, callback: Any, request_callback: Any = None) -> Any:
        """Open a subscription; a client that asks for values faster than they come gets them as fast as they come."""
        if len(self._own()) >= self._limits.subscriptions_of_session:
            raise ServiceError(ua.StatusCodes.BadTooManySubscriptions)
        asked = params.RequestedPublishingInterval
        asked = asked if math.isfinite(asked) else self._limits.fastest_publishing_ms
        params.RequestedPublishingInterval = min(max(asked, self._limits.fastest_publishing_ms), _SLOWEST_PUBLISHING_MS)
        return await super().create_subscription(params, callback, request_callback)

    async def create_monitored_items(self, params: Any) -> Any:
        """Have variables watched. There are no events."""
        self._mine(params.SubscriptionId)
        self._few(params.ItemsToCreate)
        own = self._own()
        self._items = {subscription: count for subscription, count in self._items.items() if subscription in own}
        if sum(self._items.values()) + len(params.ItemsToCreate) > self._limits.items_of_session:
            raise ServiceError(ua.StatusCodes.BadTooManyMonitoredItems)
        if any(item.ItemToMonitor.AttributeId == ua.AttributeIds.EventNotifier for item in params.ItemsToCreate):
            raise ServiceError(ua.StatusCodes.BadServiceUnsupported)
        for item in params.ItemsToCreate:
            item.RequestedParameters.QueueSize = min(
                max(item.RequestedParameters.QueueSize, 1), self._limits.queue_of_item
            )
        self._items[params.SubscriptionId] = self._items.get(params.SubscriptionId, 0) + len(params.ItemsToCreate)
        return await super().create_monitored_items(params)

    async def modify_monitored_items(self, params: Any) -> Any:
        """Change how variables are watched."""
        self._mine(params.SubscriptionId)
        for item in params.ItemsToModify:
            item.RequestedParameters.QueueSize = min(
                max(item.RequestedParameters.QueueSize, 1), self._limits.queue_of_item
            )
        return await super().modify_monitored_items(params)

    async def delete_monitored_items(self, params: Any) -> Any:
        """Watch variables no longer."""
        self._mine(params.SubscriptionId)
        results = await super().delete_monitored_items(params)
        left = self._items.get(params.SubscriptionId, 0) - sum(result.is_good() for result in results)
        self._items[params.SubscriptionId] = max(0, left)
        return results

    async def set_monitoring_mode(self, params: Any) -> Any:
        """Pause and resume watching."""
        self._mine(params.SubscriptionId)
        return await super().set_monitoring_mode(params)

    async def set_publishing_mode(self, params: Any) -> Any:
        """Pause and resume publishing."""
        for subscription in params.SubscriptionIds:
            self._mine(subscription)
        return await super().set_publishing_mode(params)

    def modify_subscription(self, params: Any) -> Any:
        """Return the subscription's parameters, which stay as they are."""
        self._mine(params.SubscriptionId)
        return super().modify_subscription(params)

    def republish(self, params: Any) -> Any:
        """Return a notification again."""
        self._mine(params.SubscriptionId)
        return super().republish(params)

    async def delete_subscriptions(self, ids: list[int]) -> Any:
        """Close subscriptions."""
        for subscription in ids:
            self._mine(subscription)
        return await super().delete_subscriptions(ids)

    def publish(self, acks: Any = None) -> Any:
        """Take acknowledgements of what this client was sent."""
        own = self._own()
        return super().publish([ack for ack in acks or [] if ack.SubscriptionId in own])

    async def _refused(self, *_arguments: Any) -> Any:
        raise ServiceError(ua.StatusCodes.BadUserAccessDenied)

    write = call = add_nodes = delete_nodes = add_references = delete_references = _refused
    history_read = history_update = transfer_subscriptions = _refused

    def _own(self) -> set[int]:
        return {
            number for number, subscription in self.subscription_service.subscriptions.items()
            if subscription.session_id == self.session_id
        }  # fmt: skip

    def _mine(self, subscription: int) -> None:
        if subscription not in self._own():
            raise ServiceError(ua.StatusCodes.BadSubscriptionIdInvalid)

    def _few(self, asked: list[Any]) -> None:
        if len(asked) > self._limits.nodes_of_request:
            raise ServiceError(ua.StatusCodes.BadTooManyOperations)


class ReadingServer(InternalServer):  # type: ignore[misc]  # asyncua has no types
    """The services: few sessions, none of which can be found by its number or taken over."""

    def __init__(self, options: Options) -> None:
        users = Users(options)
        super().__init__(user_manager=users)
        limits = options.limits
        self.options, self.applications = options, ClientApplications(options)
        self.supported_tokens = users.tokens()
        self.allow_remote_admin = False
        self.max_connections = limits.connections
        self.max_pending_activation_seconds = limits.activation_seconds
        self.max_pending_messages_per_connection = 50
        self.max_session_timeout_ms = limits.longest_session_ms
        self.max_subscriptions = limits.subscriptions
        self.max_monitored_item_queue_size = limits.queue_of_item
        self.max_unacked_messages_per_subscription = 50
        self.max_keep_alive_count, self.max_lifetime_count = 1000, 3000

    @property
    def sessions(self) -> int:
        """Return how many clients have a session."""
        return len(self._external_sessions)

    def create_session(self, name: str, _user: Any = None, external: bool = False) -> ReadingSession:  # noqa: FBT001, FBT002 - as asyncua calls it
        """Return a new session; its token is a secret."""
        if self.sessions >= self.options.limits.sessions:
            raise ServiceError(ua.StatusCodes.BadTooManySessions)
        session = ReadingSession(
            self, self.aspace, self.subscription_service, name, limits=self.options.limits, external=False
        )
        session.external = external
        session.auth_token = ua.NodeId(secrets.token_bytes(32))
        self.register_external_session(session)
        return session

    def lookup_external_session(self, _token: Any) -> None:
        """Return none: a client that has lost its connection opens a session of its own again."""
        return


class ReadingProcessor(UaProcessor):  # type: ignore[misc]  # asyncua has no types
    """One connection: a session at most, of an application that may, on a channel that is configured."""

    async def _process_message(self, typeid: Any, requesthdr: Any, seqhdr: Any, body: Any) -> Any:
        if typeid in _REGISTER:
            raise ServiceError(ua.StatusCodes.BadServiceUnsupported)
        if typeid in {_CREATE, _ACTIVATE}:
            self._may_open(creates=typeid == _CREATE)
        elif self.session is not None and requesthdr.AuthenticationToken != self.session.auth_token:
            raise ServiceError(ua.StatusCodes.BadSessionIdInvalid)
        return await super()._process_message(typeid, requesthdr, seqhdr, body)

    def _may_open(self, *, creates: bool) -> None:
        policy = self._connection.security_policy
        if policy.permissions is None:  # a channel for discovery only
            raise ServiceError(ua.StatusCodes.BadSecurityPolicyRejected)
        if creates:
            if self.session is not None and self.session.state is not SessionState.Closed:
                raise ServiceError(ua.StatusCodes.BadTooManySessions)
            open_channel = policy.Mode == ua.MessageSecurityMode.None_
            if not self.iserver.applications.may(None if open_channel else bytes(policy.peer_certificate or b"")):
                raise ServiceError(ua.StatusCodes.BadCertificateUntrusted)
        elif self.session is not None:
            self.session.encrypted = policy.Mode == ua.MessageSecurityMode.SignAndEncrypt

    def _should_close_session_on_transport_loss(self) -> bool:
        return self.session is not None


class ReadingProtocol(OPCUAProtocol):  # type: ignore[misc]  # asyncua has no types
    """The bytes of one connection: chunks of a bounded size, and no client that does not read its answers."""

    processor: Any
    _buffer: bytes

    def connection_made(self, transport: Any) -> None:
        """Take a connection."""
        super().connection_made(transport)
        if self.processor is None:
            return
        self.processor = ReadingProcessor(self.iserver, transport, self.limits)
        self.processor.set_policies(self.policies)
        transport.set_write_buffer_limits(high=self.iserver.options.limits.unread_bytes)

    def pause_writing(self) -> None:
        """End a connection whose client does not read."""
        if self.transport is not None:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take bytes; a chunk that is longer than was agreed ends the connection."""
        super().data_received(data)
        if len(self._buffer) > 2 * _CHUNK_BYTES and self.transport is not None:
            self._buffer = b""
            self.transport.abort()


class _Listening(BinaryServer):  # type: ignore[misc]  # asyncua has no types
    def _make_protocol(self) -> ReadingProtocol:
        return ReadingProtocol(
            iserver=self.iserver, policies=self._policies, clients=self.clients, closing_tasks=self.closing_tasks,
            limits=self.limits,
        )  # fmt: skip


class ReadOnlyServer(Server):  # type: ignore[misc]  # asyncua has no types
    """asyncua's server, made of the parts above."""

    def __init__(self, options: Options) -> None:
        super().__init__(iserver=ReadingServer(options))
        self._options = options
        self.permissions = OnlyReading()
        self.limits.max_recv_buffer = self.limits.max_send_buffer = _CHUNK_BYTES
        self.limits.max_message_size = options.limits.message_bytes
        self.limits.max_chunk_count = math.ceil(options.limits.message_bytes / 8192)

    async def start(self) -> None:
        """Listen; raises OSError where the address cannot be had."""
        await self._setup_server_nodes()
        await self.iserver.start()
        self.bserver = _Listening(self.iserver, self._options.host, self._options.port, self.limits)
        self.bserver.set_policies(self._policies)
        await self.bserver.start()
