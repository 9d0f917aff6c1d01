"""Versions of models put into service while the gateway runs: loaded beside the one at work, then taken between events.

No event is lost or decided by two versions: whoever decides takes the line as it is when the decision begins. What the
laboratory has taught belongs to a bundle: a version that is rolled back to, or that was a candidate, finds again what
it had learned; any other begins with nothing.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import structlog

from gateway.clock import Clock
from gateway.contract.identity import identity_of
from gateway.errors import LablineError
from gateway.events import VersionTaken
from gateway.inference.signed_stages import with_signed_stages
from gateway.inference.versions import Promoted, in_service, promoted_versions
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.line.definition import LineDefinition
from gateway.records.acts import PromoteModel, RollBackModel
from gateway.store.queries.readers import Reader
from gateway.store.queries.signed_stages import signed_stages_in

log = structlog.get_logger()

_TAKEN_SECONDS = 5.0

Define = Callable[[Mapping[str, Promoted]], LineDefinition]
"""From the promoted versions, by model, to the line with them; raises LablineError."""


class TakesLine(Protocol):
    """A part that works by the line's definition."""

    def take_line(self, line: LineDefinition) -> None:
        """Work by this definition from now on."""
        ...


class Versions:
    """Loads the version that a person puts into service, and gives it to every part once that is on record."""

    def __init__(
        self,
        line: LineDefinition,
        *,
        define: Define,
        reader: Reader,
        inbox: EventQueue,
        clock: Clock,
        parts: Sequence[TakesLine],
    ) -> None:
        self._line = line
        self._define = define
        self._reader = reader
        self._inbox = inbox
        self._clock = clock
        self._parts = parts

    async def line_after(self, act: PromoteModel | RollBackModel) -> LineDefinition | None:
        """Return the line as it will be after an act; None where there is nothing to roll back.

        Raises LablineError where the version does not hold, or is not one of this line.
        """
        changes = await self._reader.models.version_changes()
        versions, promoted = promoted_versions(changes), in_service(changes).get(act.model, [])
        if isinstance(act, PromoteModel):
            versions[act.model] = Promoted(folder=Path(act.folder), sha256=act.bundle_sha256)
        elif not promoted:
            return None
        else:
            before = promoted[:-1]
            versions |= promoted_versions(before)
            if not before:
                del versions[act.model]
        line = await asyncio.to_thread(self._define, versions)
        if line.model_named(act.model) is None:
            names = ", ".join(model.name for model in line.models) or "none"
            raise LablineError(f"no [[model]] of the running gateway is called {act.model}", hint=f"there are: {names}")
        return line

    async def line_by(self, define: Define) -> LineDefinition:
        """Return the line with the versions in service, as another configuration defines it.

        Raises LablineError where it does not hold.
        """
        versions = promoted_versions(await self._reader.models.version_changes())
        return await asyncio.to_thread(define, versions)

    async def take_stages(self, directory: Path) -> None:
        """Give every part the line with the stages that are signed now."""
        stages = await asyncio.to_thread(signed_stages_in, directory)
        self._line = with_signed_stages(self._line, stages)
        for part in self._parts:
            part.take_line(self._line)

    async def take(self, line: LineDefinition) -> None:
        """Give every part the line with other versions; return once that is on record, or after a few seconds."""
        before, self._line = self._line, line
        for part in self._parts:
            part.take_line(line)
        changed = [
            after.name
            for former, after in zip(before.models, line.models, strict=True)
            if former.bundle.identity.sha256 != after.bundle.identity.sha256
        ]
        for name in changed:
            await self._on_record(name)

    async def _on_record(self, name: str) -> None:
        model, at = self._line.model_named(name), self._clock.now()
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
        committed = asyncio.Event()
        self._inbox.put(event, Urgency.STOP_AND_RESPONSES, committed.set)
        log.info("a version is in service", model=name, version=identity.version, sha256=identity.sha256)
        try:
            async with asyncio.timeout(_TAKEN_SECONDS):
                await committed.wait()
        except TimeoutError:  # it is at work; that it is goes on record as soon as the store can
            log.warning("a version is in service, and the store takes long to note it", model=name)
