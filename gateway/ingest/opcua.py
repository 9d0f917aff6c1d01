"""Process values from OPC UA servers into the rings."""

from collections.abc import Callable

from gateway.history.rings import Rings
from gateway.records import TagSample
from gateway.transport.opcua import OpcUaSession, OpcUaSource


def subscribe_source(
    source: OpcUaSource,
    *,
    rings: Rings,
    now_ns: Callable[[], int],
    on_state: Callable[[str, bool], None],
    on_alarm: Callable[[str], None] = lambda _code: None,
) -> OpcUaSession:
    """Return the session that feeds a source's tags into the rings; its owner runs it."""

    def on_notification(samples: tuple[TagSample, ...]) -> None:
        rings.take(source.name, samples, confirmed_ns=now_ns())

    def on_session_state(subscribed: bool) -> None:  # noqa: FBT001 - a state, told by a callback
        if not subscribed:
            rings.lose(source.name)
        on_state(source.name, subscribed)

    return OpcUaSession(
        source, now_ns=now_ns, on_notification=on_notification, on_state=on_session_state, on_alarm=on_alarm
    )
