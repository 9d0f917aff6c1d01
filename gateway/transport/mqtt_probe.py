"""A connection that asks a broker whether a topic may be published to, without anybody seeing a message.

On MQTT 5 a broker answers PUBLISH at QoS 2 with PUBREC, whose reason code says whether the right is there. The message
goes on to subscribers with PUBREL, which is never sent here; the session ends with the connection, and the broker
forgets what it holds. A few brokers pass a message on before PUBREL (MQTT 5.0, 4.3.3 allows it), so what is offered
must be harmless in itself. On MQTT 3.1.1 PUBREC says nothing, so such a connection is of MQTT 5 always.
"""

import asyncio
import ssl
from collections.abc import Callable

from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTErrorCode

from gateway.errors import NotConnectedError
from gateway.transport.mqtt_connection import Connection

_QOS_2 = 2
_HANDSHAKE_SECONDS = 3.0


class _NeverReleasing(Client):
    """paho's client, but PUBREC is reported and not answered with PUBREL."""

    on_received: Callable[[int, int], None] = staticmethod(lambda _number, _code: None)

    def _handle_pubrec(self) -> MQTTErrorCode:
        packet = bytes(self._in_packet["packet"])
        code = packet[2] if len(packet) > 2 else 0  # noqa: PLR2004 - after the packet's number; 0 may be left out
        self.on_received(int.from_bytes(packet[:2], "big"), code)
        return MQTTErrorCode.MQTT_ERR_SUCCESS


class ProbeConnection(Connection):
    """A connection whose messages are offered, and never released."""

    _client_class = _NeverReleasing
    _answer_seconds = 3.0  # a person waits

    async def offer(self, topic: str, payload: bytes, *, retain: bool) -> int:
        """Offer a message and return the broker's reason code (below 0x80: the right is there).

        Raises NotConnectedError where the broker ends the connection over it.
        """
        client = self._client
        if not isinstance(client, _NeverReleasing):
            raise TypeError("a probe needs a client that releases nothing")
        client.on_received = self.answers.acknowledged
        sent = client.publish(topic, payload, qos=_QOS_2, retain=retain)
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise NotConnectedError(f"publishing failed: {MQTTErrorCode(sent.rc).name}")
        answer = self.answers.to_publish(sent.mid)
        self.socket.flush()
        return await answer


async def presented_certificate(host: str, port: int) -> bytes | None:
    """Return the certificate (DER) that a broker presents, whoever has signed it; None where it speaks no TLS."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # it is only looked at; no data are sent
    try:
        async with asyncio.timeout(_HANDSHAKE_SECONDS):
            _reader, writer = await asyncio.open_connection(host, port, ssl=context)
    except (OSError, TimeoutError):
        return None
    presented = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return presented or None


async def speaks_tls(host: str, port: int) -> bool:
    """Return whether a server answers a TLS handshake; whose certificate it shows does not matter here."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # no data are sent, only the probe
    try:
        async with asyncio.timeout(_HANDSHAKE_SECONDS):
            _reader, writer = await asyncio.open_connection(host, port, ssl=context)
    except ssl.SSLError as error:
        return "CERTIFICATE_REQUIRED" in str(error).upper()
    except OSError:
        return False
    writer.transport.abort()
    return True
