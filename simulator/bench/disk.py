"""Disks that fill, fail or turn read-only at random instants under load: nothing is lost, nothing said twice.

These need root, strace and ext4's tools; where one is missing, the figure of how many cases were made is short of its
goal, and the bench fails.
"""

import asyncio
import os
import random
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from simulator.bench.load import Load, kill
from simulator.bench.measuring import Figure, Goal
from simulator.disks import FailingDisk, fill_up, program, small_disk

_SEED = 23
_BACK_SECONDS = 300.0
_EVERY_SECONDS, _DISK_MEBIBYTES = (
    0.02,
    512,
)  # so many results do not fill it by themselves
_NONE = Goal(op="==", value=0)


def measure(cases: int) -> dict[str, Figure]:
    """Return the figures of so many cases of each kind."""
    figures: dict[str, Figure] = {}
    for name, (needed, run) in _KINDS.items():
        done, verdict = 0, dict[str, int]()
        if os.geteuid() == 0 and all(program(name) for name in needed):
            done, verdict = cases, asyncio.run(run(cases))
        figures[f"{name}_cases"] = Figure(value=done, unit="cases", goal=Goal(op=">=", value=cases))
        figures |= {
            f"{name}_{what}": Figure(value=count, unit="messages", goal=_NONE) for what, count in verdict.items()
        }
    return figures


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="labline-bench-") as name:
        yield Path(name)


def _with_small_floor(text: str) -> str:
    return text.replace("[store]\n", '[store]\nfree_space_floor = "1 MiB"\n')


async def _full(cases: int) -> dict[str, int]:
    chance = random.Random(_SEED)
    with _folder() as folder, small_disk(folder / "store", _DISK_MEBIBYTES) as disk:
        async with Load(folder, with_plant=False).running(change=_with_small_floor) as load:
            publishing = asyncio.create_task(load.publish(every_seconds=_EVERY_SECONDS), name="bench-results")
            for number in range(cases):
                async with load.gateway() as gateway:
                    await asyncio.sleep(chance.uniform(0.0, 0.3))
                    ballast = fill_up(disk)
                    await asyncio.sleep(chance.uniform(0.0, 0.3))
                    if number % 2 == 0:
                        ballast.unlink()
                        await asyncio.sleep(chance.uniform(0.0, 0.3))
                    await kill(gateway)  # what was acknowledged must be there though the gateway ends at once
                ballast.unlink(missing_ok=True)
            async with load.gateway():
                return await _verdict(load, publishing)


async def _unsynced(cases: int) -> dict[str, int]:
    chance = random.Random(_SEED)
    strace = program("strace") or "strace"
    with _folder() as folder:
        async with Load(folder, with_plant=False).running() as load:
            publishing = asyncio.create_task(load.publish(every_seconds=_EVERY_SECONDS), name="bench-results")
            for number in range(cases):
                async with load.gateway() as gateway:
                    await asyncio.sleep(chance.uniform(0.0, 0.3))
                    injecting = await asyncio.create_subprocess_exec(
                        strace, "-f", "-qq", "-o", "/dev/null", "-p", str(gateway.process.pid),
                        "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO",
                    )  # fmt: skip
                    await asyncio.sleep(chance.uniform(0.05, 0.4))
                    if number % 2 == 0:
                        injecting.terminate()
                        await injecting.wait()
                        await asyncio.sleep(chance.uniform(0.0, 0.3))
                    await kill(gateway)
                    await injecting.wait()
            async with load.gateway():
                return await _verdict(load, publishing)


async def _read_only(cases: int) -> dict[str, int]:
    chance = random.Random(_SEED)
    with _folder() as folder, FailingDisk(folder / "disk.img", folder / "store", mebibytes=_DISK_MEBIBYTES) as disk:
        async with Load(folder, with_plant=False).running(change=_with_small_floor) as load:
            publishing = asyncio.create_task(load.publish(every_seconds=_EVERY_SECONDS), name="bench-results")
            for _ in range(cases):
                async with load.gateway() as gateway:
                    await asyncio.sleep(chance.uniform(0.0, 0.5))
                    disk.fail()
                    await asyncio.sleep(chance.uniform(0.0, 0.3))
                    await kill(gateway)
                disk.repair()
            async with load.gateway():
                return await _verdict(load, publishing)


async def _verdict(load: Load, publishing: "asyncio.Task[None]") -> dict[str, int]:
    publishing.cancel()
    await asyncio.wait({publishing})
    with suppress(TimeoutError):  # what is not back by then counts as lost
        await load.until_all_back(seconds=_BACK_SECONDS)
    return load.verdict()


_KINDS: dict[str, tuple[tuple[str, ...], Callable[[int], Coroutine[Any, Any, dict[str, int]]]]] = {
    "disk_full": (("mount",), _full),
    "fsync_fails": (("strace",), _unsynced),
    "disk_read_only": (("mount", "mkfs.ext4", "fsck.ext4", "findmnt"), _read_only),
}
