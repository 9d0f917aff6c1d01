"""Stopping in order, whatever goes on: nothing is lost, everything is closed, and a second signal skips the drain."""

import asyncio
import os
import signal
import sys
import time

import pytest

from simulator.broker import free_port
from simulator.faults import Fault, FaultyLink
from tests.crash.conftest import CLEAN


async def ended(gateway, seconds):
    begun = time.monotonic()
    async with asyncio.timeout(seconds):
        code = await gateway.process.wait()
    return code, time.monotonic() - begun


async def test_a_stop_under_load_loses_nothing_and_ends_with_0(bench_of):
    async with bench_of() as load:
        publishing = asyncio.create_task(load.publish(every_seconds=0.02))
        for _ in range(2):
            async with load.gateway() as gateway:
                await asyncio.sleep(0.7)
                gateway.process.send_signal(signal.SIGTERM)
                code, _took = await ended(gateway, 60)
                assert code == 0
        publishing.cancel()
        await asyncio.wait({publishing})
        async with load.gateway():
            await load.until_all_back()
            assert "STORE_UNCHECKED" not in load.account.status.get("degraded", [])
    assert load.verdict() == CLEAN


@pytest.mark.parametrize(("signals", "longest"), [(1, 12), (2, 4)])
async def test_with_the_broker_out_of_reach_it_drains_until_the_deadline_or_until_a_second_signal(
    bench_of, signals, longest
):
    async with bench_of(gateway_before=False) as load, FaultyLink(port=load.broker.port, listen=free_port()) as link:
        text = load.configuration.read_text()
        load.configuration.write_text(text.replace(f"port = {load.broker.port}", f"port = {link.listen}"))
        async with load.gateway() as gateway:
            await load.publish(every_seconds=0.0, most=20)
            await load.until_all_back()
            link.set(Fault.SWALLOW)
            await asyncio.sleep(1)
            for _ in range(signals):
                gateway.process.send_signal(signal.SIGTERM)
                await asyncio.sleep(0.3)
            code, took = await ended(gateway, 20)
        assert code == 0
        assert took < longest
        link.set(Fault.NONE)
        await load.publish(every_seconds=0.0, most=40)
        async with load.gateway():
            await load.until_all_back()
    assert load.verdict() == CLEAN


@pytest.mark.real_interpreter
async def test_a_signal_while_it_starts_ends_it_in_order(bench_of):
    async with bench_of() as load:
        for wait in (0.5, 1.0):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "gateway", "run", "--config", str(load.configuration), env=os.environ,
                stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            await asyncio.sleep(wait)
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(90):
                assert await process.wait() in {0, -signal.SIGTERM}
        await load.publish(every_seconds=0.0, most=10)
        async with load.gateway():
            await load.until_all_back()
    assert load.verdict() == CLEAN
