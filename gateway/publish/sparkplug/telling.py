"""Tells the host on one connection: births, data, deaths of devices."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

import structlog

from gateway import __version__
from gateway.contract.sparkplug.metrics import ABOUT, OF_NODE, Catalogue
from gateway.contract.sparkplug.topics import device_of
from gateway.errors import NotConnectedError
from gateway.line.definition import LineDefinition
from gateway.publish.sparkplug.kept import KeptReports
from gateway.publish.sparkplug.session import Sent, Session, Told
from gateway.store.queries.sparkplug_reader import KeptReport
from gateway.transport.mqtt_connection import Connection

log = structlog.get_logger()

_CONFIRM_SECONDS = 20.0


class Telling:
    """One connection's worth of messages. ``sources``: which are connected."""

    def __init__(
        self,
        connection: Connection,
        session: Session,
        kept: KeptReports,
        *,
        sources: Callable[[], Mapping[str, bool]],
        now_ms: Callable[[], int],
    ) -> None:
        self._connection = connection
        self._session = session
        self._kept = kept
        self._sources = sources
        self._now_ms = now_ms

    async def be_born(self, line: LineDefinition, catalogue: Catalogue) -> None:
        """Send the birth of the node and of each device that is there."""
        session, kept = self._session, await self._kept.newest()
        session.catalogue = catalogue
        upto, at_ms = max((report.seq for report in kept), default=0), self._now_ms()
        newest = [_about(line, at_ms), *self._kept.told(kept)]
        births = [session.node_birth(newest, upto=upto, at_ms=at_ms)]
        births += [
            session.device_birth(device, newest, upto=upto, at_ms=at_ms)
            for device in catalogue.devices
            if not self._is_lost(device, line)
        ]
        self._publish(births)
        self._kept.figures.births += 1
        self._kept.figures.online = True
        log.info("sparkplug node born", node=session.node.edge_node_id, devices=len(births) - 1)
        await self._confirmed([report for report in kept if report.device in session.born])

    async def attend_devices(self, line: LineDefinition) -> None:
        """Say which devices have gone, and which are back."""
        session = self._session
        for device in session.catalogue.devices:
            lost, born = self._is_lost(device, line), device in session.born
            if lost and born:
                self._publish([session.device_death(device, at_ms=self._now_ms())])
            elif not lost and not born:
                kept = [report for report in await self._kept.newest() if report.device == device]
                upto, told = max((report.seq for report in kept), default=0), self._kept.told(kept)
                self._publish([session.device_birth(device, told, upto=upto, at_ms=self._now_ms())])
                await self._confirmed(kept)

    async def tell(self, *, unless: Callable[[], bool]) -> bool:
        """Tell what waits, or what has gone stale meanwhile; return whether there was anything that waited.

        ``unless``: whether a birth is asked for, before which no data may be sent.
        """
        session = self._session
        kept = await self._kept.waiting(
            without=[name for name in session.catalogue.devices if name not in session.born]
        )
        newest = [] if kept else [report for report in await self._kept.newest() if report.sent]
        if unless():
            return False
        if not kept:
            self._publish(session.qualities(self._kept.told(newest), at_ms=self._now_ms()))
            return False
        self._publish(session.data(self._kept.told(kept), at_ms=self._now_ms()))
        await self._confirmed(kept)
        return True

    def say_goodbye(self) -> None:
        """Send the node's death; of a connection that has gone the broker has the will."""
        with suppress(NotConnectedError, OSError, ValueError):
            self._publish([self._session.node_death(at_ms=self._now_ms())])

    async def _confirmed(self, kept: Sequence[KeptReport]) -> None:
        """Take reports as sent once the broker has read everything that was published before."""
        async with asyncio.timeout(_CONFIRM_SECONDS):  # a broker that lives and never answers would hold all up
            await self._connection.confirmed()
        await self._kept.take_as_sent(kept)

    def _publish(self, messages: Iterable[Sent]) -> None:
        for message in messages:
            self._connection.send(message.topic, message.payload)

    def _is_lost(self, device: str, line: LineDefinition) -> bool:
        """Return whether none of the sources that a device's models read is connected."""
        named = {
            line.tags[tag].source
            for model in line.configured_models
            if device_of(model.equipment_id) == device
            for item in model.bundle.inputs
            for tag in item.tags
            if tag in line.tags
        }
        connected = self._sources()
        return bool(named) and not any(connected.get(source, False) for source in named)


def _about(line: LineDefinition, at_ms: int) -> Told:
    values = {"About/Line": line.path, "About/Version": __version__}
    return Told(seq=0, device=OF_NODE, subject=ABOUT, at_ms=at_ms, values=dict(values), stale=False)
