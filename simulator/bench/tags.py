"""Resident memory by the number of tags, of which no model reads any: each at 1 Hz, so many and twice as many.

Values wait in memory to be sealed, and how many wait has settled after some minutes.
"""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

from simulator.bench.latency import tags_text
from simulator.bench.load import bare_configuration
from simulator.bench.measuring import Figure, Goal
from simulator.broker import running_broker
from simulator.gateway_process import running_gateway
from simulator.many_tags import many_tags

TAGS, SECONDS, SMALL_SECONDS = 2000, 600.0, 20.0


def measure(small: bool) -> dict[str, Figure]:  # noqa: FBT001 - every bench takes it
    """Return what the gateway holds with many tags, what each further one takes, and how much it computes."""
    return asyncio.run(_measure(SMALL_SECONDS if small else SECONDS))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Held:
    resident_bytes: int
    processor_share: float


async def _measure(seconds: float) -> dict[str, Figure]:
    some, twice = await _held(TAGS, seconds), await _held(2 * TAGS, seconds)
    further_bytes = (twice.resident_bytes - some.resident_bytes) / TAGS
    return {
        "resident": Figure(value=some.resident_bytes / 2**20, unit="MiB", goal=Goal(op="<=", value=170)),
        "each_further_tag": Figure(value=further_bytes / 1000, unit="KB", goal=Goal(op="<=", value=10)),
        "processor": Figure(value=some.processor_share, unit="of a core"),
    }


async def _held(tags: int, seconds: float) -> _Held:
    """Return what a gateway holds that has listened to so many tags for so long."""
    with tempfile.TemporaryDirectory(prefix="labline-bench-") as name:
        folder = Path(name)
        async with running_broker(folder) as broker, many_tags(tags) as url:
            configuration = folder / "labline.toml"
            bare = bare_configuration(folder, broker)
            configuration.write_text(bare.replace("[mqtt]", tags_text(url, tags) + "[mqtt]"), encoding="utf-8")
            async with running_gateway(configuration, directory=folder) as gateway:
                computed = gateway.processor_seconds()
                await asyncio.sleep(seconds)
                return _Held(
                    resident_bytes=gateway.resident_bytes(),
                    processor_share=(gateway.processor_seconds() - computed) / seconds,
                )
