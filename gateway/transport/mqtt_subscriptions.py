"""The subscriptions of an MQTT session: filters that the broker refuses are tried again every minute."""

import asyncio
from contextlib import suppress

import structlog

from gateway.transport.mqtt_client import CONNECT_TIMEOUT_SECONDS
from gateway.transport.mqtt_connection import Connection
from gateway.transport.mqtt_options import SessionOptions

log = structlog.get_logger()

_ASK_AGAIN_SECONDS = 60.0


class Subscriptions:
    """What a session subscribes, and what of it the broker has ``refused``."""

    def __init__(self, options: SessionOptions) -> None:
        self.refused: tuple[str, ...] = ()
        self._options = options

    async def ask(self, connection: Connection, only: tuple[str, ...] | None = None) -> None:
        """Subscribe to all, or some; raises NotConnectedError."""
        refused = await connection.subscribe(only, unheard=bool(self.refused))
        self.refused = refused
        self._options.on_condition("SUBSCRIPTION_REFUSED", bool(refused))
        if refused and refused != only:  # a filter that is tried each minute is logged once
            log.error("subscription refused", client_id=self._options.client_id, topics=refused)

    async def until_lost(self, connection: Connection) -> str:
        """Return why the connection was lost; until then try refused filters again: rights may be granted."""
        lost = asyncio.create_task(connection.until_lost(), name=f"{self._options.client_id}-until-lost")
        try:
            while self.refused:
                await asyncio.wait({lost}, timeout=_ASK_AGAIN_SECONDS)
                if lost.done():
                    break
                with suppress(TimeoutError):  # a slow broker is no lost one; the filter is tried again
                    async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                        await self.ask(connection, self.refused)
            return await lost
        finally:
            lost.cancel()
