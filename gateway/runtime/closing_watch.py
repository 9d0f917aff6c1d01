"""Raises an alarm while the day has come on which the effect of actions is looked at, and nobody has said how it is.

It ends when the check is on record: the deviation is closed again by what is known now, or with another day; or when
the lots that were made since say that the actions were effective, or new facts have opened the deviation again.
"""

import asyncio
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import structlog

from gateway.advice.plant_times import day_of
from gateway.database.opening import SQLITE_ERRORS
from gateway.errors import LablineError
from gateway.line.definition import LineDefinition
from gateway.store.database import read_state
from gateway.store.queries.closings_to_check import closings_to_check

log = structlog.get_logger()
EFFECT_TO_CHECK = "EFFECT_TO_CHECK"
_EVERY_SECONDS = 60.0


class ClosingWatch:
    """Looks each minute, on a thread of its own."""

    def __init__(
        self,
        line: LineDefinition,
        *,
        directory: Path,
        now_ns: Callable[[], int],
        on_condition: Callable[[str, bool], None],
    ) -> None:
        self._zone = line.time_zone
        self._directory = directory
        self._now_ns = now_ns
        self._on_condition = on_condition

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_EVERY_SECONDS)

    async def look(self) -> None:
        """Look once; while the store cannot be read, what stood stands."""
        try:
            due = await asyncio.to_thread(self._any_due)
        except (LablineError, *SQLITE_ERRORS) as error:
            log.debug("closings cannot be looked at", error=str(error))
            return
        self._on_condition(EFFECT_TO_CHECK, due)

    def _any_due(self) -> bool:
        today = day_of(self._now_ns(), self._zone)
        with closing(read_state(self._directory)) as connection:
            return bool(closings_to_check(connection, today))
