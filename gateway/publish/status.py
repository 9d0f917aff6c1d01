"""The status: past the outbox, retained, so that it needs no disk; the goodbye too."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog

from gateway import __version__
from gateway.contract.payloads.status import StatusPayload, status_payload
from gateway.contract.publications import BOARD, PREDICTION, STATUS
from gateway.errors import NotConnectedError, StoreUnavailableError
from gateway.line.definition import LineDefinition, ModelAssignment
from gateway.operations.health import Health
from gateway.store.queries.readers import Depths, Reader
from gateway.time_units import SECOND_NS
from gateway.transport.mqtt import MqttSession
from gateway.transport.mqtt_messages import Outgoing

log = structlog.get_logger()

_EVERY_SECONDS = 10.0
_PAUSE_SECONDS = 0.2
_TIMEOUT_SECONDS = 5.0
_REFUSED = 0x80
_CALLS_NS = 600 * SECOND_NS


def offline_payload(line: LineDefinition, at_ns: int) -> bytes:
    """Return what stands as status when the gateway has gone."""
    return status_payload(line=line.path, at_ns=at_ns, online=False, version=__version__).encoded()


class StatusPublisher:
    """Publishes the status when something changes and every ten seconds."""

    def __init__(
        self,
        *,
        line: LineDefinition,
        health: Health,
        reader: Reader,
        session: MqttSession,
        now_ns: Callable[[], int],
        due: asyncio.Event,
    ) -> None:
        """``due`` is set by whatever changes the health."""
        self._line = line
        self._health = health
        self._reader = reader
        self._session = session
        self._now_ns = now_ns
        self._due = due

    def take_line(self, line: LineDefinition) -> None:
        """Tell the figures of this line's models from now on."""
        self._line = line

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            self._due.clear()
            if self._session.connected:
                await self._publish((await self.present()).encoded())
            await asyncio.sleep(_PAUSE_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_SECONDS):
                    await self._due.wait()

    async def present(self) -> StatusPayload:
        """Return the status at this instant."""
        depths, figures = await self._figures()
        return self._health.status(at_ns=self._now_ns(), depths=depths, models=figures)

    async def say_goodbye(self, *, messages_expire: bool) -> None:
        """Tell that we are offline; where messages do not expire by themselves, clear what would go stale."""
        if not self._session.connected:
            return
        root = self._line.topic_root
        if not messages_expire:
            stale = {
                PREDICTION.topic_of(root, model.equipment_id, output.analyte)
                for model in self._line.models
                for output in model.bundle.outputs
            }
            for topic in (BOARD.topic_of(root), *sorted(stale)):
                await self._send(Outgoing(topic=topic, payload=b"", retain=True))
        if await self._publish(offline_payload(self._line, self._now_ns())):
            self._session.polite = True

    async def model_figures(self) -> dict[str, dict[str, float]]:
        """Return how the models do, by name."""
        return {model.name: await self._figures_of(model) for model in self._line.models}

    async def _figures(self) -> tuple[Depths, dict[str, dict[str, float]]]:
        """Return what waits and how the models do; where the store cannot be read, the status says so without."""
        try:
            figures = await self.model_figures()
            self._health.latched(await self._reader.alarms.latches())
            self._health.alarm_counts = await self._reader.alarms.counts(self._now_ns() - _CALLS_NS)
            return await self._reader.depths(), figures
        except StoreUnavailableError as error:
            self._health.alarm("STORE_UNREADABLE")
            log.error("figures for the status cannot be read", error=str(error))  # noqa: TRY400 - the cause is in it
            return Depths(), {}

    async def _figures_of(self, model: ModelAssignment) -> dict[str, float]:
        """Return the figures of a model, and for how long the process has been outside what it has learned."""
        identity, now_ns = model.bundle.identity, self._now_ns()
        signed = model.bundle.corrected_by_people
        figures = await self._reader.models.figures(model.name, identity.sha256, signed=signed)
        if model.bundle.outside is not None:
            since_ns = await self._reader.models.outside_since_ns(model, now_ns)
            figures["outside_seconds"] = 0.0 if since_ns is None else round((now_ns - since_ns) / SECOND_NS, 1)
        return figures

    async def _publish(self, payload: bytes) -> bool:
        topic = STATUS.topic_of(self._line.topic_root)
        return await self._send(Outgoing(topic=topic, payload=payload, retain=True, content_type="application/json"))

    async def _send(self, message: Outgoing) -> bool:
        """Publish past the outbox; return whether the broker took it."""
        with suppress(NotConnectedError, TimeoutError):
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await self._session.wait_room()
                return await self._session.publish(message) < _REFUSED
        return False
