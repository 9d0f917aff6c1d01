"""The options of an MQTT session: the broker's address, the subscriptions, the callbacks.

They stand apart from the connection, so that a configuration is read without importing the MQTT library.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.transport.mqtt_messages import Delivery

DEFAULT_INFLIGHT = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokerAddress:
    """Where the broker is and how to enter."""

    host: str
    port: int
    version_5: bool = True
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    websocket_path: str | None = None  # None: directly over TCP


@dataclass(frozen=True, kw_only=True, slots=True)
class Will:
    """What the broker publishes, retained unless it says otherwise, when this session goes without a word."""

    topic: str
    payload: Callable[[], bytes]
    retain: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionOptions:
    """The options of one session: client id, address, subscriptions, callbacks.

    A session expiry above 0 makes it persistent (clean start off).
    """

    address: BrokerAddress
    client_id: str
    subscriptions: tuple[str, ...]
    retained: tuple[str, ...] = ()  # subscribed, too: what the broker retains of them comes at every connection
    on_delivery: Callable[[Delivery], None]
    on_state: Callable[[bool], None] = lambda _connected: None
    on_condition: Callable[[str, bool], None] = lambda _code, _stands: None  # (alarm's code, whether it stands)
    session_expiry_seconds: int = 0
    receive_maximum: int = DEFAULT_INFLIGHT
    will: Will | None = None

    @property
    def persistent(self) -> bool:
        """Return whether the broker keeps the session while nobody is connected."""
        return self.session_expiry_seconds > 0
