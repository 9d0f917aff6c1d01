"""paho's client for one connection: how it is made, and how CONNECT is sent."""

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.transport.mqtt_options import SessionOptions

CONNECT_TIMEOUT_SECONDS = 10.0
MAXIMUM_PACKET_BYTES = (
    2 * 1024 * 1024
)  # that we take: eight times the longest message that is read (contract.json_documents)
_KEEPALIVE_SECONDS = 20


def make_client(options: SessionOptions, client_class: type[Client]) -> Client:
    """Return a client that tries nothing again and acknowledges by hand."""
    address = options.address
    client = client_class(
        CallbackAPIVersion.VERSION2,
        client_id=options.client_id,
        clean_session=None if address.version_5 else not options.persistent,
        protocol=MQTTProtocolVersion.MQTTv5 if address.version_5 else MQTTProtocolVersion.MQTTv311,
        reconnect_on_failure=False,
        manual_ack=True,
        transport="tcp" if address.websocket_path is None else "websockets",
    )
    if address.websocket_path is not None:
        client.ws_set_options(path=address.websocket_path)
    client.connect_timeout = CONNECT_TIMEOUT_SECONDS / 2
    client.max_inflight_messages_set(65_535)  # who publishes looks for room first; paho queues nothing
    if address.username is not None:
        client.username_pw_set(address.username, address.password)
    if address.tls is not None:
        client.tls_set_context(address.tls)
    will = options.will
    if will is not None:
        client.will_set(will.topic, will.payload(), qos=1, retain=will.retain)
    return client


def connect(client: Client, options: SessionOptions) -> None:
    """Look the name up, open TCP and TLS, and send CONNECT; runs in a thread, raises OSError."""
    address = options.address
    if not address.version_5:
        client.connect(address.host, address.port, _KEEPALIVE_SECONDS)
        return
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = options.session_expiry_seconds
    properties.ReceiveMaximum = options.receive_maximum
    properties.MaximumPacketSize = MAXIMUM_PACKET_BYTES
    client.connect(
        address.host,
        address.port,
        _KEEPALIVE_SECONDS,
        clean_start=not options.persistent,
        properties=properties,
    )
