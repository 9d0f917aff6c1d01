"""Durability in full: what ``tests/crash`` shows in small.

Kills at random instants under load, a broker killed and unreachable, the time to READY with a large store, and files
damaged at random places. Everything is counted by an account kept outside the gateway.
"""

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

from gateway.store.database import read_state
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
_BROKER_KILLS = 20
_DAY_OF_RESULTS, _INGEST_SECONDS, _STARTS = 8640, 120.0, 4
_AWAY = (  # (how, for how many seconds, within how many seconds values must come again)
    (Fault.REFUSE, 20.0, 10.0),
    (Fault.SWALLOW, 40.0, 10.0),
    (Fault.REFUSE, 100.0, 30.0),
    (Fault.SWALLOW, 100.0, 30.0),
)


def measure(small: bool) -> dict[str, Figure]:  # noqa: FBT001 - every bench takes it
    """Return the figures of every kind of trouble; each is told on standard error as soon as it is there."""
    cases = SMALL_DAMAGES if small else DAMAGES
    steps: tuple[Callable[[], dict[str, Figure]], ...] = (
        lambda: asyncio.run(_kills(SMALL_KILLS if small else KILLS)),
        lambda: asyncio.run(_broker_trouble()),
        lambda: asyncio.run(_source_away()),
        lambda: asyncio.run(_large_store(64 if small else 1024)),
        lambda: disk.measure(cases),
        lambda: _damages(cases),
    )
    figures: dict[str, Figure] = {}
    for step in steps:
        measured = step()
        for name, figure in measured.items():
            sys.stderr.write(f"{name}: {figure.value:g} {figure.unit}\n")
        figures |= measured
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
                    await load.until_all_back(seconds=60)
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
            for _ in range(_BROKER_KILLS):
                await asyncio.sleep(1.5)
                await load.kill_broker()
                await asyncio.sleep(0.5)
                await mosquitto.start()
            publishing.cancel()
            await asyncio.wait({publishing})
            with suppress(TimeoutError):  # what is not back by then counts as lost
                await load.until_all_back(seconds=60)
            verdict, forgotten = load.verdict(), len(load.forgotten_by_broker())
    return {
        **counted(verdict, "broker_killed"),
        "broker_killed_forgotten_by_it": Figure(value=forgotten, unit="results"),
        **await _unreachable(),
    }


async def _unreachable(results: int = _DAY_OF_RESULTS) -> dict[str, Figure]:
    """A day of results, one each ten seconds, told in minutes while nothing can be sent: ingest goes on all the while.

    The plant lives, and its models predict; only what the gateway publishes by is cut off. Before it as many results
    are told while all is well, so that what memory grows by is the outage's.
    """
    with tempfile.TemporaryDirectory(prefix="labline-bench-") as name:
        async with (
            Load(Path(name)).running() as load,
            FaultyLink(port=load.broker.port, listen=free_port(), spares=b"labline-bench-in") as link,
        ):
            load.configure(load.plant_url, partial(_by_way_of, link))
            async with load.gateway() as gateway:
                await load.publish(every_seconds=0.01, most=results)
                await load.until_all_back()
                before = gateway.resident_bytes()
                link.set(Fault.SWALLOW)
                await load.publish(every_seconds=0.01, most=2 * results)
                behind = await _until_ingested(load)
                after = gateway.resident_bytes()
                link.set(Fault.NONE)
                with suppress(TimeoutError):
                    await load.until_all_back(seconds=60)
                verdict = load.verdict()
    return {
        **counted(verdict, "unreachable"),
        "unreachable_not_ingested": Figure(value=behind, unit="results", goal=_NONE),
        "unreachable_growth": Figure(value=(after - before) / 2**20, unit="MiB", goal=Goal(op="<=", value=4)),
    }


async def _until_ingested(load: Load) -> int:
    """Return how many published results are not in the store though it was given a while."""
    behind = len(load.published)
    with suppress(TimeoutError):
        async with asyncio.timeout(_INGEST_SECONDS):
            while behind:
                await asyncio.sleep(0.5)
                with closing(read_state(load.store)) as connection:
                    (count,) = connection.execute("SELECT count(*) FROM lab_result").fetchone()
                behind = len(load.published) - int(count)
    return behind


async def _source_away() -> dict[str, Figure]:
    """After how many seconds values come again from an OPC UA server that was away, for less and more than a minute."""
    figures = {}
    with tempfile.TemporaryDirectory(prefix="labline-bench-") as name:
        async with Load(Path(name)).running() as load:
            port = int(load.plant_url.rsplit(":", 1)[1].split("/")[0])
            async with FaultyLink(port=port, listen=free_port()) as link:
                load.configure(load.plant_url.replace(str(port), str(link.listen)))
                async with load.gateway():
                    for fault, away_seconds, goal in _AWAY:
                        await _predicting(load, _INGEST_SECONDS)
                        link.set(fault)
                        await asyncio.sleep(away_seconds)
                        link.set(Fault.NONE)
                        figures[f"source_{fault}_{away_seconds:g}s"] = Figure(
                            value=await _predicting(load, 2 * goal), unit="s", goal=Goal(op="<=", value=goal)
                        )
    return figures


async def _predicting(load: Load, seconds: float) -> float:
    """Return after how many seconds another prediction was accepted, at most so many."""
    begun, before = time.monotonic(), load.account.accepted_predictions
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while load.account.accepted_predictions <= before:
                await asyncio.sleep(0.02)
    return time.monotonic() - begun


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
            for _ in range(_STARTS):
                async with load.gateway() as gateway:  # as the kill before has left it
                    warm.append(gateway.ready_seconds)
                    await load.publish(every_seconds=0.0, most=len(load.published) + 50)
                    await kill(gateway)
            cold = None
            if _drop_caches():
                async with load.gateway() as gateway:
                    cold = gateway.ready_seconds
    figures = {
        "store_size": Figure(value=size / 2**20, unit="MiB"),
        "ready_warm": Figure(value=statistics.median(warm), unit="s", goal=Goal(op="<=", value=3)),
    }
    return figures if cold is None else {**figures, "ready_cold": Figure(value=cold, unit="s")}


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
                value=sum(len(outcome.wrong_served) for outcome in outcomes), unit="records", goal=_NONE
            ),
            f"{kind}_unnoticed": Figure(
                value=sum(outcome.unnoticed for outcome in outcomes), unit="stores", goal=_NONE
            ),
            f"{kind}_quarantined": Figure(value=sum(outcome.quarantined for outcome in outcomes), unit="stores"),
            f"{kind}_harmless": Figure(value=sum(outcome.harmless for outcome in outcomes), unit="stores"),
        }
    return figures
