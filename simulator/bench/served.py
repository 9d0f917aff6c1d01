"""What a store serves by the doors that the gateway itself uses: decisions on its lots, windows of its tags."""

import asyncio
import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from gateway.config.connections import lims_interface
from gateway.config.line_definition import define_line
from gateway.config.reading import read
from gateway.contract.publications import DISPOSITION
from gateway.deadlines import ClockReading
from gateway.history.columns import HeldSample, Reach
from gateway.history.file.quarantine import set_aside_if_corrupt
from gateway.history.memory.rings import Rings
from gateway.history.tag_history import RING_SAMPLES, History
from gateway.history.windows import WindowRequest
from gateway.history.writer.historian import Historian
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.ingest.lims import understand_results
from gateway.ingest.messages import Intake
from gateway.lab.disposition import worse
from gateway.records.laboratory import Recommendation
from gateway.store.database import open_state
from gateway.store.transaction.decide_batch import decide_batch
from gateway.time_units import SECOND_NS
from simulator.plant import TAGS

AT_NS = 1_900_000_000_000_000_000
CHUNKED_SAMPLES, _CHUNKED_TAGS = 5000, tuple(TAGS)[:3]
_FLUSHED_SAMPLES = 60
_WINDOW_NS = 600 * SECOND_NS
_NOW = ClockReading(wall_ns=AT_NS, latest_ns=AT_NS, boot_ns=0, boot_id="bench")


class Decided(NamedTuple):
    """A disposition: what it recommends, and the results it rests on."""

    recommendation: Recommendation
    results: frozenset[tuple[str, str, int]]


class Sample(NamedTuple):
    """A value in a window."""

    tag: str
    held_ns: int
    value: float
    status: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Samples:
    """The known values of all windows, until when they are confirmed, and what was noticed on the way."""

    samples: frozenset[Sample]
    confirmed_ns: int
    noticed: bool
    set_aside: bool


class Doors:
    """The gateway's own doors to a store, for the line of a configuration."""

    def __init__(self, configuration: Path) -> None:
        self._settings, _sha256 = read(configuration)
        self._line = define_line(self._settings, path=configuration)

    def decided(self, store: Path, lots: Sequence[str]) -> dict[str, Decided]:
        """Return what is decided when one more good result of each lot comes in; raises sqlite3.Error."""
        with closing(open_state(store)) as connection:
            decisions = [asyncio.run(self._decide_result(connection, lot)) for lot in lots]
        return {lot: decision for lot, decision in zip(lots, decisions, strict=True) if decision is not None}

    async def _decide_result(self, connection: sqlite3.Connection, lot: str) -> Decided | None:
        inbox, lims = EventQueue(), self._settings.lims
        understand = understand_results(lims_interface(lims, lims.analytes))
        intake = Intake(inbox=inbox, urgency=Urgency.INBOUND, routes={"#": understand}, now=lambda: _NOW)
        document = {
            "sample_id": f"again-{lot}", "test_id": "pH", "value": 7.2, "unit": "pH", "status": "approved",
            "material_lot_id": lot, "material_definition_id": "FG-100",
        }  # fmt: skip
        intake.offer("lims/results/qc", json.dumps(document).encode(), session="bench", committed=lambda: None)
        connection.execute("BEGIN IMMEDIATE")
        decide_batch(connection, line=self._line, batch=await inbox.take(most=1))
        topic = DISPOSITION.topic_of(self._line.topic_root, lot)
        newest = "SELECT payload FROM outbox_checked WHERE topic = ? AND holds ORDER BY seq DESC LIMIT 1"
        row = connection.execute(newest, (topic,)).fetchone()
        connection.execute("ROLLBACK")
        if row is None:
            return None
        disposition = json.loads(row["payload"])
        rests_on = frozenset(
            (result["sample_id"], result["test_id"], result["result_version"])
            for result in disposition["rests_on"]["results"]
        )
        return Decided(recommendation=Recommendation(disposition["recommendation"]), results=rests_on)

    async def samples(self, store: Path, stretch: range) -> Samples:
        """Return every known value of every tag, window by window over a stretch; raises LablineError."""
        noticed: list[str] = []
        set_aside_if_corrupt(store, at_ns=AT_NS, on_damage=lambda: noticed.append("set aside"))
        set_aside = bool(noticed)
        rings = Rings({name: tag.source for name, tag in self._line.tags.items()}, capacity=RING_SAMPLES)
        async with Historian(store, now_ns=lambda: AT_NS) as historian:
            history = History(rings, historian, now=lambda: _NOW, on_damage=lambda: noticed.append("damaged"))
            await history.load()
            samples: set[Sample] = set()
            for start_ns in stretch[::_WINDOW_NS]:
                requests = [
                    WindowRequest(tag=tag, start_ns=start_ns, end_ns=start_ns + _WINDOW_NS) for tag in self._line.tags
                ]
                for request, window in (await history.windows(requests)).items():
                    columns = zip(window.held_ns, window.values, window.statuses, strict=True)
                    samples |= {
                        Sample(tag=request.tag, held_ns=int(held_ns), value=float(value), status=int(status))
                        for held_ns, value, status in columns
                        if value == value  # noqa: PLR0124 - not what is unknown
                    }
            confirmed_ns = max(rings.confirmed_ns(source) for source in self._settings.opcua)
        return Samples(
            samples=frozenset(samples), confirmed_ns=confirmed_ns, noticed=bool(noticed), set_aside=set_aside
        )


def less_careful(now: Mapping[str, Decided], truth: Mapping[str, Decided]) -> list[str]:
    """Return the lots for which less care is recommended than should be, or on results that nobody has sent."""
    return [
        lot
        for lot in sorted(truth.keys() & now.keys())
        if worse(now[lot].recommendation, truth[lot].recommendation) is not now[lot].recommendation
        or not now[lot].results <= truth[lot].results
    ]


async def add_chunks(store: Path, *, before_ns: int) -> int:
    """Seal chunks of earlier samples into a store's history, as if it had run for longer; return when they begin."""
    async with Historian(store, now_ns=lambda: before_ns) as historian:
        loaded = await historian.load(lambda _series: Reach(1))
        for at in range(CHUNKED_SAMPLES):
            held_ns = before_ns - (CHUNKED_SAMPLES - at) * SECOND_NS
            historian.record(
                HeldSample(series=tag, arrival=loaded.arrival + at + 1, source_ns=held_ns, held_ns=held_ns,
                           value=float(at % 100), status=0)
                for tag in _CHUNKED_TAGS
            )  # fmt: skip
            if at % _FLUSHED_SAMPLES == 0:
                await historian.flush()
    return before_ns - CHUNKED_SAMPLES * SECOND_NS
