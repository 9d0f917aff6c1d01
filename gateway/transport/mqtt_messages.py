"""Messages of an MQTT session: those that come, and those that are published."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """A message from the broker, not yet acknowledged."""

    session: str
    topic: str
    payload: bytes
    message_number: int
    redelivered: bool
    qos: int
    generation: int
    traceparent: str | None = None  # of who has sent it (a user property of MQTT 5)
    response_topic: str | None = None  # where an answer is asked for, with what it is to repeat (MQTT 5)
    correlation: bytes | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """What to publish at QoS 1, with the properties of MQTT 5 (left out on 3.1.1).

    ``late``: it waited when the connection came up, so that it tells of an earlier time.
    """

    topic: str
    payload: bytes
    retain: bool = False
    expires_in_seconds: int | None = None
    content_type: str | None = None
    correlation: bytes | None = None
    late: bool = False
    traceparent: str | None = None
