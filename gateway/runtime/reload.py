"""Takes a changed configuration file at SIGHUP, whole or not at all: only what has changed is touched.

What needs a restart, or what ``labline check`` would refuse, leaves everything as it is; the log says why, and an alarm
stands until the file is taken or is again what counts.
"""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from gateway.advice.windows_read import read_back_ns
from gateway.clock import Clock
from gateway.config.connections import opcua_sources
from gateway.config.file_in_force import ConfigurationFile, ReadAgain
from gateway.contract.identity import identity_of
from gateway.errors import ConfigurationError, LablineError
from gateway.events import ConfigurationReloaded
from gateway.history.tag_history import History
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.line.definition import LineDefinition
from gateway.operations.health import Health
from gateway.runtime.model_versions import Versions
from gateway.runtime.sources import Feed
from gateway.transport.opcua_source import OpcUaSource

log = structlog.get_logger()

REFUSED = "CONFIGURATION_REFUSED"
_MOST_KEYS = 20
_ON_RECORD_SECONDS = 5.0


class Reload:
    """Waits for the signal, and takes the file."""

    def __init__(
        self,
        file: ConfigurationFile,
        *,
        signed: Callable[[LineDefinition], LineDefinition],
        versions: Versions,
        history: History,
        feeds: Sequence[Feed],
        inbox: EventQueue,
        clock: Clock,
        health: Health,
    ) -> None:
        """``signed`` gives a line what people have signed for it; ``versions`` has every part work by a line."""
        self._file = file
        self._signed = signed
        self._versions = versions
        self._history = history
        self._feeds = {feed.name: feed for feed in feeds}
        self._inbox = inbox
        self._clock = clock
        self._health = health
        self.asked = asyncio.Event()

    async def run(self) -> None:
        """Take the file each time it is asked for, until cancelled."""
        while True:
            await self.asked.wait()
            self.asked.clear()
            await self.reload()

    async def reload(self) -> None:
        """Take the file as it is now, or say why not."""
        try:
            again = await asyncio.to_thread(self._file.read_again)
            _require_no_restart(again)
            line = await self._versions.line_by(lambda in_service: self._signed(again.line(in_service)))
            sources = opcua_sources(again.settings)  # raises where a credential has gone meanwhile
        except ConfigurationError as error:
            for problem in error.problems:
                log.error("the configuration is refused", key=problem.key, why=problem.message, hint=problem.hint)  # noqa: TRY400
            self._health.condition(REFUSED, True)
            return
        except LablineError as error:
            log.error("the configuration is refused", why=str(error), hint=error.hint)  # noqa: TRY400
            self._health.condition(REFUSED, True)
            return
        self._health.condition(REFUSED, False)
        if again.changed:
            await self._take(again, line, sources)
        else:
            log.info("the configuration is as it was")

    async def _take(self, again: ReadAgain, line: LineDefinition, sources: Sequence[OpcUaSource]) -> None:
        """Room for new tags first, then whoever decides, then the sources: no value comes for a tag nobody knows."""
        again.take()
        self._history.take_tags({name: tag.source for name, tag in line.tags.items()}, read_back_ns(line))
        await self._versions.take(line)
        for source in sources:
            if source.name in self._feeds:
                self._feeds[source.name].take_source(source)
        await self._on_record(again)
        log.info("the configuration is taken", changed=_named(again.changed))

    async def _on_record(self, again: ReadAgain) -> None:
        at, committed = self._clock.now(), asyncio.Event()
        event = ConfigurationReloaded(
            event_id=identity_of("configuration-reloaded", again.sha256, at.wall_ns, at.boot_ns),
            at=at,
            configuration_sha256=again.sha256,
            changed=again.changed[:_MOST_KEYS],
        )
        self._inbox.put(event, Urgency.STOP_AND_RESPONSES, committed.set)
        try:
            async with asyncio.timeout(_ON_RECORD_SECONDS):
                await committed.wait()
        except TimeoutError:  # it is at work; that it is goes on record as soon as the store can
            log.warning("the configuration is taken, and the store takes long to note it")


def _require_no_restart(again: ReadAgain) -> None:
    keys = again.need_restart()
    if keys:
        raise LablineError(
            f"a restart is needed for {_named(keys)}; nothing is changed",
            hint="restart the service, or take these changes back",
        )


def _named(keys: Sequence[str]) -> str:
    more = len(keys) - _MOST_KEYS
    return ", ".join(keys[:_MOST_KEYS]) + (f" and {more} more" if more > 0 else "")
