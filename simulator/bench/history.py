"""History: bytes a sample on the simulator's tags, and one-hour windows of 24 tags from disk and from rings.

The samples are the simulated plant's, each sensor in the steps of its converter (12 to 16 bits), each scan at its
own instant with a millisecond's jitter, all sealed and read back to the bit.
"""

import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import uvloop

from gateway.clock import SystemClock
from gateway.history.columns import Columns
from gateway.history.memory.rings import Rings
from gateway.history.tag_history import History
from gateway.history.windows import WindowRequest
from gateway.history.writer.historian import Historian
from gateway.records.process import TagSample
from gateway.time_units import SECOND_NS
from simulator.bench.measuring import Figure, Goal
from simulator.plant import TAGS, Plant

HOURS, SMALL_HOURS = 8, 2
WINDOW_TAGS = 24
REPEATS = 15
START_NS = 1_800_000_000 * SECOND_NS
_BITS = (12, 14, 16)
_SCAN_NS = SECOND_NS
_JITTER_NS = 1_000_000


def measure(small: bool) -> dict[str, Figure]:  # noqa: FBT001 - every bench takes it
    """Return bytes a sample, and how long windows take."""
    return uvloop.run(_measure(SMALL_HOURS if small else HOURS))


def scans(hours: int) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield (instant, values by tag) of 24 tags at 1 Hz: the plant's sensors, some twice with another converter."""
    plant, jitter = Plant(1), random.Random(1)
    names = [*TAGS, *(f"{tag}_b" for tag in TAGS)][:WINDOW_TAGS]
    plant.advance(60.0)
    plant.measure()
    middle = dict(plant.reported)
    for second in range(hours * 3600):
        plant.advance(60.0 + second * 0.25)  # the plant lives faster than it is told: more change, not less
        plant.measure()
        at_ns = START_NS + second * _SCAN_NS + round(jitter.gauss(0, _JITTER_NS / 1000)) * 1000
        values = {}
        for number, name in enumerate(names):
            tag = name.removesuffix("_b")
            span = 4 * abs(middle[tag]) + 1.0  # a transmitter's range: zero to about twice the usual value
            step = span / (2 ** _BITS[number % len(_BITS)] - 1)
            sensed = plant.reported[tag] + (jitter.gauss(0, TAGS[tag].noise) if TAGS[tag].noise else 0.0)
            values[name] = -span / 2 + round((sensed + span / 2) / step) * step
        yield at_ns, values


async def _measure(hours: int) -> dict[str, Figure]:
    tags: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="labline-bench-") as name:
        recorded = list(scans(hours))
        tags = dict.fromkeys(recorded[0][1], "plc1")
        now_ns, present = recorded[-1][0], [recorded[0][0]]
        rings = Rings(tags, capacity=4096)
        async with Historian(Path(name), now_ns=lambda: present[0]) as historian:
            history = History(rings, historian, now=SystemClock().now)
            await history.load()
            for number, (at_ns, values) in enumerate(recorded):
                present[0] = at_ns
                samples = [
                    TagSample(tag=tag, value=value, status=0, source_ns=at_ns, server_ns=at_ns)
                    for tag, value in values.items()
                ]
                history.add_notification("plc1", samples, confirmed_ns=at_ns)
                if number % 60 == 0:
                    await historian.flush()
            await historian.flush()
            used = await historian.retention.bytes_used()
            samples_count = len(recorded) * len(tags)
            begun = time.perf_counter()
            await history.windows(_requests(tags, START_NS + 2 * 3600 * SECOND_NS))
            first = time.perf_counter() - begun
            disk = await _timed(history, tags, start_ns=START_NS + 600 * SECOND_NS)
            memory = await _timed(history, tags, start_ns=now_ns - 3600 * SECOND_NS)
            floor = _floor(recorded, tags, now_ns)
            await _same(history, recorded, tags)
    return {
        "bytes_per_sample": Figure(value=used / samples_count, unit="B", goal=Goal(op="<=", value=4)),
        "hour_from_disk": Figure(value=disk * 1000, unit="ms", goal=Goal(op="<=", value=10)),
        "hour_from_disk_first_time": Figure(value=first * 1000, unit="ms"),
        "hour_from_rings": Figure(
            value=memory * 1000, floor=floor * 1000, unit="ms", goal=Goal(op="<=", value=3)
        ),
        "samples": Figure(value=samples_count, unit="samples"),
    }  # fmt: skip


def _requests(tags: Mapping[str, str], start_ns: int) -> list[WindowRequest]:
    return [WindowRequest(tag=tag, start_ns=start_ns, end_ns=start_ns + 3600 * SECOND_NS) for tag in tags]


async def _timed(history: History, tags: Mapping[str, str], *, start_ns: int) -> float:
    times = []
    for repeat in range(REPEATS):
        requests = _requests(tags, start_ns - repeat * SECOND_NS)
        begun = time.perf_counter()
        windows = await history.windows(requests)
        times.append(time.perf_counter() - begun)
        if min(len(window) for window in windows.values()) < 3590:
            raise RuntimeError("a window came back short")
    return statistics.median(times)


def _floor(recorded: list[tuple[int, dict[str, float]]], tags: Mapping[str, str], now_ns: int) -> float:
    """Return how long the same cutting takes on arrays that are there already."""
    newest = recorded[-4096:]
    times_ns = np.array([at_ns for at_ns, _ in newest], np.int64)
    arrays = {tag: np.array([values[tag] for _, values in newest]) for tag in tags}
    statuses = np.zeros(len(times_ns), np.uint32)
    measured = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        for tag in tags:
            first = max(int(np.searchsorted(times_ns, now_ns - 3600 * SECOND_NS, side="right")) - 1, 0)
            stop = int(np.searchsorted(times_ns, now_ns, side="right"))
            for array in (times_ns, arrays[tag], statuses):
                array[first:stop].copy()
        measured.append(time.perf_counter() - begun)
    return statistics.median(measured)


async def _same(history: History, recorded: list[tuple[int, dict[str, float]]], tags: Mapping[str, str]) -> None:
    """Raise unless what is read back is what was recorded, to the bit."""
    for tag in tags:
        request = WindowRequest(tag=tag, start_ns=recorded[0][0], end_ns=recorded[-1][0])
        columns: Columns = (await history._historian.stretches([request]))[0][request]  # noqa: SLF001 - from inside
        expected = np.array([values[tag] for _, values in recorded])
        if not np.array_equal(columns.values.view(np.int64), expected.view(np.int64)):
            raise RuntimeError(f"{tag} did not come back to the bit")
