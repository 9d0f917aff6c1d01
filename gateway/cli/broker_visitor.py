"""Connections to the broker with client ids of their own: those of the service would take over its live sessions."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from gateway.config.connections import broker_address
from gateway.config.tables import Settings
from gateway.transport.mqtt_messages import Delivery
from gateway.transport.mqtt_options import SessionOptions, Will
from gateway.transport.mqtt_probe import ProbeConnection

_ENTER_SECONDS = 6.0


@dataclass(slots=True)
class Deliveries:
    """What the broker has delivered, the newest of each topic."""

    newest: dict[str, bytes] = field(default_factory=dict)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, condition: Callable[[], bool], *, within_seconds: float) -> None:
        """Wait until a condition on the delivered messages is true, or the time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_seconds):
                while not condition():
                    self.arrived.clear()
                    await self.arrived.wait()


class BrokerVisitor:
    """Connections of a check's own to one broker, one at a time."""

    def __init__(self, settings: Settings, *, check_id: str) -> None:
        self.address = broker_address(settings)
        self.deliveries = Deliveries()
        self._client_id = f"{settings.mqtt.client_id}-{check_id}"
        self._generation = 0

    async def entered(
        self, *, subscriptions: tuple[str, ...] = (), will: Will | None = None, version_5: bool | None = None
    ) -> ProbeConnection:
        """Return a new connection; raises OSError or NotConnectedError."""
        self._generation += 1
        address = self.address if version_5 is None else replace(self.address, version_5=version_5)
        connection: ProbeConnection | None = None

        def on_delivery(delivery: Delivery) -> None:
            self.deliveries.newest[delivery.topic] = delivery.payload
            self.deliveries.arrived.set()
            if connection is not None:
                connection.acknowledge(delivery)  # of a session of our own: nobody else misses it

        options = SessionOptions(
            address=address, client_id=self._client_id, subscriptions=subscriptions, on_delivery=on_delivery, will=will
        )
        connection = ProbeConnection(options, self._generation)
        try:
            async with asyncio.timeout(_ENTER_SECONDS):
                await connection.open()
        except BaseException:
            connection.close(polite=True)
            raise
        return connection
