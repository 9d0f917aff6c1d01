"""What a view stands on besides the store: the line, the clocks, the live values and the gateway's own state."""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.clock import Clock
from gateway.contract.payloads.status import StatusPayload
from gateway.deadlines import ClockReading
from gateway.line.definition import LineDefinition
from gateway.operations.health import Health
from gateway.records.sight import Sight
from gateway.store.queries.readers import Depths
from gateway.store.queries.seen import Seen


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """One instant, for who has a ``sight``.

    ``setpoints``: the present value of each manipulated tag, None where it is not known or not good.
    ``conditions``: the codes of alarms that are not latched. ``figures``: of this console.
    ``certificates``: files or folders of those that are shown or trusted, by what they are for.
    """

    at: ClockReading
    counter: int
    line: LineDefinition
    setpoints: Mapping[str, float | None]
    conditions: tuple[str, ...]
    latches: frozenset[str]
    status: StatusPayload
    sight: Sight
    figures: Mapping[str, float] = field(default_factory=dict)
    certificates: Mapping[str, Path] = field(default_factory=dict)

    def seen(self, connection: sqlite3.Connection) -> Seen:
        """Return what is seen of the records, in one transaction."""
        return Seen(connection, self.sight)


class Snapshots:
    """Takes snapshots; called on the event loop only, where rings and health live."""

    def __init__(
        self,
        line: LineDefinition,
        *,
        clock: Clock,
        health: Health,
        present: Callable[[str], float | None],
        counter: Callable[[], int],
        figures: Callable[[], Mapping[str, float]],
        certificates: Mapping[str, Path],
    ) -> None:
        """``present``: a tag's value at this instant."""
        self.line = line
        self._clock = clock
        self._health = health
        self._present = present
        self._counter = counter
        self._figures = figures
        self._certificates = certificates

    def take_line(self, line: LineDefinition) -> None:
        """Show this line from now on."""
        self.line = line

    def sight_of(self, user_id: str) -> Sight:
        """Return whose records a user sees."""
        return self.line.sights.of_user(user_id)

    def take(self, sight: Sight) -> Snapshot:
        """Return how all stands now, for who sees so much."""
        at, health, line = self._clock.now(), self._health, self.line
        tags = {item.tag for model in line.configured_models for item in model.bundle.manipulated}
        return Snapshot(
            at=at,
            counter=self._counter(),
            line=line,
            setpoints={tag: self._present(tag) for tag in sorted(tags)},
            conditions=tuple(code for code in health.degraded() if code not in health.latches),
            latches=health.latches,
            status=health.status(at_ns=at.wall_ns, depths=Depths(), models={}),
            sight=sight,
            figures=self._figures(),
            certificates=self._certificates,
        )
