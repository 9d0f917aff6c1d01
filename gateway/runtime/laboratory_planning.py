"""Makes the plan of the laboratory's coming days where one is due: on a thread of its own, as it takes a while.

It reads what is committed, on a connection of its own. The plan is an event: whether it is still due is decided in the
transaction that puts it on record, and decisions never wait for a forecast.
"""

import asyncio
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import MappingProxyType

import structlog

from gateway.clock import Clock
from gateway.contract.identity import identity_of
from gateway.database.opening import SQLITE_ERRORS
from gateway.errors import LablineError
from gateway.events import LaboratoryPlanned
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.line.definition import LineDefinition
from gateway.records.workload import LaboratoryPlan
from gateway.runtime.dependencies import Dependencies
from gateway.store.database import read_state
from gateway.store.facts.laboratory_plan import is_due, load_history
from gateway.store.facts.reading import Reading

log = structlog.get_logger()
_EVERY_SECONDS = 600.0
_FAILED = "LABORATORY_PLAN_FAILED"


class LaboratoryPlanner:
    """The loop that looks whether a plan is due."""

    def __init__(
        self,
        line: LineDefinition,
        *,
        directory: Path,
        inbox: EventQueue,
        clock: Clock,
        on_alarm: Callable[[str], None],
        on_condition: Callable[[str, bool], None],
        begin_after_seconds: float = 5.0,
    ) -> None:
        """``on_alarm`` hears of records that do not match their hash, ``on_condition`` whether plans can be made."""
        self._line = line
        self._directory = directory
        self._inbox = inbox
        self._clock = clock
        self._on_alarm = on_alarm
        self._on_condition = on_condition
        self._begin_after_seconds = begin_after_seconds

    def take_line(self, line: LineDefinition) -> None:
        """Go on by this definition."""
        self._line = line

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        await asyncio.sleep(self._begin_after_seconds)  # a start has other things to do
        while True:
            try:
                await self.look()
                self._on_condition(_FAILED, False)
            except (LablineError, *SQLITE_ERRORS) as error:
                log.warning("the plan of the laboratory waits for the store", error=str(error))
            except Exception:  # a loop's edge: a forecast that cannot be made must stop no prediction, release or write
                log.exception("the plan of the laboratory could not be made")
                self._on_condition(_FAILED, True)
            await asyncio.sleep(_EVERY_SECONDS)

    async def look(self) -> None:
        """Return once a plan is committed, or none is due."""
        if not self._line.laboratory_load.plan:
            return
        plan, damaged = await asyncio.to_thread(plan_due, self._directory, self._line, at_ns=self._clock.now_ns())
        if damaged:
            self._on_alarm("EVIDENCE_DAMAGED")
        if plan is None:
            return
        committed, at = asyncio.Event(), self._clock.now()
        event = LaboratoryPlanned(
            event_id=identity_of("laboratory-planned", plan.plan_id, at.wall_ns, at.boot_ns), at=at, plan=plan
        )
        self._inbox.put(event, Urgency.LATER, committed.set)
        await committed.wait()


def laboratory_planner(ground: Dependencies) -> LaboratoryPlanner:
    """Return the loop of a gateway."""
    return LaboratoryPlanner(
        ground.line, directory=ground.settings.store.directory, inbox=ground.inbox, clock=ground.clock,
        on_alarm=ground.health.alarm, on_condition=ground.health.condition,
    )  # fmt: skip


def plan_due(directory: Path, line: LineDefinition, *, at_ns: int) -> tuple[LaboratoryPlan | None, tuple[str, ...]]:
    """Return the plan of what is on record, None where none is due, and the records that do not hold."""
    with closing(read_state(directory)) as connection:
        reading = Reading(connection, line, MappingProxyType({}))
        known = load_history(reading, at_ns) if is_due(reading, at_ns) else None
    if known is None:
        return None, reading.damaged
    from gateway.lab.workload.plan import plan_from  # noqa: PLC0415 - a line without a plan needs none of it

    return plan_from(known, line.laboratory_load), reading.damaged
