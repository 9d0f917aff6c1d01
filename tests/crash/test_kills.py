"""``kill -9`` at random instants under load: every result has one disposition, every id one body, the trail holds."""

import asyncio
import random
from contextlib import closing

from gateway.store.database import read_state
from simulator.bench.load import kill
from simulator.gateway_process import ask
from tests.crash.conftest import CLEAN


async def test_six_kills_at_random_instants_lose_nothing_and_say_nothing_twice(bench_of):
    chance = random.Random(3)
    async with bench_of() as load:
        publishing = asyncio.create_task(load.publish(every_seconds=0.03))
        ready = []
        for _ in range(6):
            async with load.gateway() as gateway:
                ready.append(gateway.ready_seconds)
                await asyncio.sleep(chance.uniform(0.0, 0.8))
                await kill(gateway)
        publishing.cancel()
        await asyncio.wait({publishing})
        async with load.gateway():
            await load.until_all_back()
        trail = await ask("audit", "verify", "--config", str(load.configuration))
        with closing(read_state(load.store)) as connection:
            (results,) = connection.execute("SELECT count(*) FROM lab_result").fetchone()
            (gaps,) = connection.execute("SELECT count(*) FROM gap WHERE kind = 'disconnected'").fetchone()
    assert load.verdict() == CLEAN
    assert len(load.published) > 50
    assert results - len(load.published) in {0, 1}  # the last one may be with the broker before we heard that it is
    assert trail["wrong"] == []
    assert gaps > 0  # what was not heard between two lives is on record
    assert max(ready) < 60


async def test_a_kill_leaves_the_models_in_shadow_only_until_the_store_is_checked(bench_of):
    async with bench_of(gateway_before=False) as load:
        async with load.gateway() as gateway:
            await load.publish(every_seconds=0.0, most=20)
            await load.until_all_back()
            await kill(gateway)
        async with load.gateway():
            async with asyncio.timeout(90):
                while load.account.status.get("stage", {}).get("viscosity") != "advise":
                    await asyncio.sleep(0.05)
                while load.account.status["degraded"]:  # sources that are not connected yet
                    await asyncio.sleep(0.05)
