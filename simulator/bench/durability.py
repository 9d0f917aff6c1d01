"""Durability in full: what ``tests/crash`` shows in small.

Kills at random instants under load, a broker killed and unreachable, the time to READY with a large store, and files
damaged at random places. Everything is counted by an account kept outside the gateway.
"""

import asyncio
import random
import statistics
import sys
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path

from simulator.bench import disk
from simulator.bench.damage import Damage, damaged_stores
from simulator.bench.large import fill
from simulator.bench.load import Load, kill
from simulator.bench.measuring import Figure, Goal
from simulator.broker import free_port
from simulator.faults import Fault, FaultyLink
from simulator.gateway_process import ask

KILLS, SMALL_KILLS = 300, 5
DAMAGES, SMALL_DAMAGES = 200, 5
_NONE = Goal(op="==", value=0)


def measure(small: bool) -> dict[str, Figure]:  # noqa: FBT001 - every bench takes it
    """Return the figures of every kind of trouble."""
    figures = asyncio.run(_kills(SMALL_KILLS if small else KILLS))
    figures |= asyncio.run(_broker_trouble())
    figures |= asyncio.run(_large_store(64 if small else 1024))
    figures |= disk.measure(SMALL_DAMAGES if small else DAMAGES)
    figures |= _damages(SMALL_DAMAGES if small else DAMAGES)
    return figures


def counted(verdict: dict[str, int], prefix: str) -> dict[str, Figure]:
    """Return a verdict as figures that are all to be zero."""
    return {f"{prefix}_{name}": Figure(value=count, unit="messages", goal=_NONE) for name, count in verdict.items()}


async def _kills(count: int) -> dict[str, Figure]:
    chance = random.Random(7)
    ready: list[float] = []
    with tempfile.TemporaryDirectory(prefix="labline-bench-") as name:
        async with Load(Path(name)).running() as load:
            publishing = asyncio.create_task(load.publish(every_seconds=0.01), name="bench-results")
            for _ in range(count):
                async with load.gateway() as gateway:
                    ready.append(gateway.ready_seconds)
                    await asyncio.sleep(chance.uniform(0.0, 1.5))
                    await kill(gateway)
            publishing.cancel()
            await asyncio.wait({publishing})
            async with load.gateway():
                with suppress(TimeoutError):  # what is not back by then counts as lost
                    await load.until_all_back(seconds=300)
            verdict = load.verdict()
            trail = await ask("audit", "verify", "--config", str(load.configuration))
            results = len(load.published)
    return {
        "kills": Figure(value=count, unit="kills"),
        "kills_results": Figure(value=results, unit="results"),
        **counted(verdict, "kills"),
        "kills_redelivered": Figure(value=load.account.redelivered, unit="messages"),
        "kills_audit_wrong": Figure(value=len(trail["wrong"]), unit="findings", goal=_NONE),
        "kills_ready_median": Figure(value=statistics.median(ready), unit="s"),
        "kills_ready_max": Figure(value=max(ready), unit="s"),
    }


async def _broker_trouble() -> dict[str, Figure]:
    """The broker killed under load, then a day's messages while it cannot be reached."""
    with tempfile.TemporaryDirectory(prefix="labline-bench-") as name:
        async with Load(Path(name), with_plant=False).running() as load, load.gateway():
            mosquitto = load.broker.mosquitto
            if mosquitto is None:
                raise RuntimeError("this needs a mosquitto")
            publishing = asyncio.create_task(load.publish(every_seconds=0.005), name="bench-results")
            for _ in range(5):
                await asyncio.sleep(1.5)
                await mosquitto.kill()
                await asyncio.sleep(0.5)
                await mosquitto.start()
            publishing.cancel()
            await asyncio.wait({publishing})
            await load.until_all_back(seconds=120)
            verdict = load.verdict()
    return {**counted(verdict, "broker_killed"), **await _unreachable()}


async def _unreachable(results: int = 8640) -> dict[str, Figure]:
    """A day of results, one each ten seconds, told in a few seconds while nothing can be sent."""
    with tempfile.TemporaryDirectory(prefix="labline-bench-") as name:
        async with (
            Load(Path(name), with_plant=False).running() as load,
            FaultyLink(port=load.broker.port, listen=free_port()) as link,
        ):
            load.configure("", partial(_by_way_of, link))
            async with load.gateway() as gateway:
                await load.publish(every_seconds=0.0, most=200)
                await load.until_all_back()
                before = gateway.resident_bytes()
                link.set(Fault.SWALLOW)
                await load.publish(every_seconds=0.0, most=results)
                await asyncio.sleep(5)
                after = gateway.resident_bytes()
                link.set(Fault.NONE)
                await load.until_all_back(seconds=300)
                verdict = load.verdict()
    return {
        **counted(verdict, "unreachable"),
        "unreachable_growth": Figure(value=(after - before) / 2**20, unit="MiB"),
    }


def _by_way_of(link: FaultyLink, text: str) -> str:
    return text.replace(f"port = {link.port}", f"port = {link.listen}")


async def _large_store(mebibytes: int) -> dict[str, Figure]:
    """READY with a store of so many MiB, from memory and from disk."""
    with tempfile.TemporaryDirectory(prefix="labline-bench-") as name:
        async with Load(Path(name)).running() as load:
            async with load.gateway():
                await load.publish(every_seconds=0.0, most=50)
                await load.until_all_back()
            size = fill(load.store, mebibytes)
            warm = []
            for _ in range(3):
                async with load.gateway() as gateway:
                    warm.append(gateway.ready_seconds)
            cold = None
            if _drop_caches():
                async with load.gateway() as gateway:
                    cold = gateway.ready_seconds
    found = {
        "store_size": Figure(value=size / 2**20, unit="MiB"),
        "ready_warm": Figure(value=statistics.median(warm), unit="s", goal=Goal(op="<=", value=3)),
    }
    return found if cold is None else {**found, "ready_cold": Figure(value=cold, unit="s")}


def _drop_caches() -> bool:
    """Forget what the kernel keeps of files; only root may."""
    with suppress(OSError):
        Path("/proc/sys/vm/drop_caches").write_text("3\n", encoding="ascii")
        return True
    return False


def _damages(count: int) -> dict[str, Figure]:
    figures: dict[str, Figure] = {}
    for kind in Damage:
        outcomes = list(damaged_stores(kind, count, seed=11))
        for number, outcome in enumerate(outcomes):
            for wrong in outcome.wrong_served:
                sys.stderr.write(f"{kind} {number}: {wrong} is not what was written\n")
        figures |= {
            f"{kind}_cases": Figure(value=len(outcomes), unit="stores"),
            f"{kind}_wrong_served": Figure(
                value=sum(len(each.wrong_served) for each in outcomes), unit="records", goal=_NONE
            ),
            f"{kind}_unnoticed": Figure(value=sum(each.unnoticed for each in outcomes), unit="stores", goal=_NONE),
            f"{kind}_quarantined": Figure(value=sum(each.quarantined for each in outcomes), unit="stores"),
            f"{kind}_harmless": Figure(value=sum(each.harmless for each in outcomes), unit="stores"),
        }
    return figures
