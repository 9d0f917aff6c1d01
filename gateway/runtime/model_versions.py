"""Versions of models put into service while the gateway runs: loaded beside the one at work, then taken between events.

No event is lost or decided by two versions: whoever decides takes the line as it is when the decision begins. What the
laboratory has taught belongs to a bundle: a version that is rolled back to, or that was a candidate, finds again what
it had learned; any other begins with nothing.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

import structlog

from gateway.clock import Clock
from gateway.contract.identity import identity_of
from gateway.errors import LablineError, StoreCorruptError, StoreUnavailableError
from gateway.events import VersionTaken
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.line.definition import LineDefinition, Promoted
from gateway.store.queries.readers import Reader
from gateway.store.queries.versions import promoted_versions

log = structlog.get_logger()

_LOOK_SECONDS = 1.0
REFUSED = "VERSION_REFUSED"

Define = Callable[[Mapping[str, Promoted]], LineDefinition]
"""From the promoted versions, by model, to the line with them; raises LablineError."""


class TakesLine(Protocol):
    """A part that works by the line's definition."""

    def take_line(self, line: LineDefinition) -> None:
        """Work by this definition from now on."""
        ...


class Versions:
    """Looks for promotions and rollbacks, and takes them."""

    def __init__(
        self,
        line: LineDefinition,
        *,
        define: Define,
        reader: Reader,
        inbox: EventQueue,
        clock: Clock,
        parts: tuple[TakesLine, ...],
        on_condition: Callable[[str, bool], None],
    ) -> None:
        self._line = line
        self._define = define
        self._reader = reader
        self._inbox = inbox
        self._clock = clock
        self._parts = parts
        self._on_condition = on_condition
        self._seen = -1

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await self._look()
            except StoreCorruptError:
                raise  # as anywhere: the gateway ends, and the next start looks at the file
            except StoreUnavailableError as error:  # looked at again in a moment
                log.warning("promotions cannot be read", error=str(error))
            except LablineError as error:  # the version at work stays at work, and it is said why
                self._on_condition(REFUSED, True)
                log.error("a version is not taken", error=str(error), hint=error.hint)  # noqa: TRY400

    async def _look(self) -> None:
        acts = await self._reader.version_changes()
        if len(acts) == self._seen:
            return
        self._seen = len(acts)  # what is refused is not tried again each second; the next act is
        wanted = await asyncio.to_thread(self._define, promoted_versions(acts))
        self._on_condition(REFUSED, False)
        for before, after in zip(self._line.models, wanted.models, strict=True):
            if before.bundle.identity.sha256 != after.bundle.identity.sha256:
                self._take(wanted, after.name)

    def _take(self, line: LineDefinition, name: str) -> None:
        self._line = line
        for part in self._parts:
            part.take_line(line)
        model, at = line.model_named(name), self._clock.now()
        if model is None:
            raise RuntimeError(f"{name} has vanished from the line")
        identity = model.bundle.identity
        event = VersionTaken(
            event_id=identity_of("version-taken", name, identity.sha256, at.wall_ns, at.boot_ns),
            at=at,
            model=name,
            version=identity.version,
            bundle_sha256=identity.sha256,
            stage=model.stage.name.lower(),
        )
        self._inbox.put(event, Urgency.STOP_AND_RESPONSES)
        log.info("a version is in service", model=name, version=identity.version, sha256=identity.sha256)
