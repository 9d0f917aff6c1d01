"""Resident memory of the gateway under load: after 30 minutes against after 5 (in short: 90 s against 30 s).

The whole plant at its usual pace, the operator included, with the laboratory ten times as fast.
"""

import asyncio
import tempfile
from pathlib import Path

from simulator.bench.load import Load
from simulator.bench.measuring import Figure, Goal

FIRST_SECONDS, LAST_SECONDS = 300.0, 1800.0
SMALL_FIRST_SECONDS, SMALL_LAST_SECONDS = 30.0, 90.0


def measure(small: bool) -> dict[str, Figure]:  # noqa: FBT001 - every bench takes it
    """Return how much the gateway's resident memory grows."""
    first, last = (SMALL_FIRST_SECONDS, SMALL_LAST_SECONDS) if small else (FIRST_SECONDS, LAST_SECONDS)
    return asyncio.run(_measure(first, last))


async def _measure(first_seconds: float, last_seconds: float) -> dict[str, Figure]:
    with tempfile.TemporaryDirectory(prefix="labline-bench-") as name:
        async with Load(Path(name)).running() as load, load.gateway() as gateway:
            publishing = asyncio.create_task(load.publish(every_seconds=0.1), name="bench-results")
            await asyncio.sleep(first_seconds)
            early = gateway.resident_bytes()
            await asyncio.sleep(last_seconds - first_seconds)
            late = gateway.resident_bytes()
            publishing.cancel()
            await asyncio.wait({publishing})
            results = len(load.published)
    return {
        "growth": Figure(value=(late - early) / 2**20, unit="MiB", goal=Goal(op="<=", value=2)),
        "resident": Figure(value=late / 2**20, unit="MiB"),
        "results": Figure(value=results, unit="results"),
    }
