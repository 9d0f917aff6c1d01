"""The broker killed, out of reach, or shared with a second gateway."""

import asyncio
import json

import pytest

from simulator.broker import free_port
from simulator.faults import Fault, FaultyLink
from simulator.gateway_process import GatewayFailedError, running_gateway
from tests.crash.conftest import CLEAN, until


async def test_a_broker_killed_under_load_loses_nothing_that_it_had_acknowledged(bench_of):
    async with bench_of(with_plant=False, gateway_before=False) as load, load.gateway():
        publishing = asyncio.create_task(load.publish(every_seconds=0.02))
        for _ in range(3):
            await asyncio.sleep(0.7)
            await load.kill_broker()
            await asyncio.sleep(0.3)
            await load.broker.mosquitto.start()
        await asyncio.sleep(0.5)
        publishing.cancel()
        await asyncio.wait({publishing})
        await load.until_all_back()
    assert load.verdict() == CLEAN


async def test_while_the_broker_is_out_of_reach_nothing_stalls_and_afterwards_all_arrives_in_order(bench_of):
    async with bench_of(gateway_before=False) as load, FaultyLink(port=load.broker.port, listen=free_port()) as link:
        text = load.configuration.read_text()
        load.configuration.write_text(text.replace(f"port = {load.broker.port}", f"port = {link.listen}"))
        async with load.gateway():
            for fault in (Fault.SWALLOW, Fault.RESET, Fault.HALF_CLOSE):
                await load.publish(every_seconds=0.0, most=len(load.published) + 20)
                await load.until_all_back()
                link.set(fault)
                await load.publish(every_seconds=0.0, most=len(load.published) + 150)
                await asyncio.sleep(1)
                link.set(Fault.NONE)
                await load.until_all_back()
    assert load.verdict() == CLEAN


async def test_a_second_gateway_on_the_same_store_is_refused_and_the_first_goes_on(bench_of):
    async with bench_of(with_plant=False, gateway_before=False) as load, load.gateway():
        second = load.folder / "second"
        second.mkdir()
        with pytest.raises(GatewayFailedError, match="is in use by process"):
            async with running_gateway(load.configuration, directory=second):
                pass
        await load.publish(every_seconds=0.0, most=20)
        await load.until_all_back()
    assert load.verdict() == CLEAN


async def test_a_second_gateway_with_the_same_client_id_is_alarmed_and_nothing_is_lost(bench_of):
    async with bench_of(with_plant=False, gateway_before=False) as load, load.gateway():
        second = load.folder / "second"
        second.mkdir()
        configuration = second / "labline.toml"
        text = load.configuration.read_text()
        configuration.write_text(text.replace(str(load.store), str(second / "store")))
        alarmed = asyncio.Event()
        real = load.account.take

        def take(message):
            if message.topic.endswith("/status") and message.payload:
                degraded = json.loads(message.payload).get("degraded", [])
                if any(code.startswith(("CLIENT_ID_TAKEN_OVER", "CONNECTION_UNSTABLE")) for code in degraded):
                    alarmed.set()
            real(message)

        load.watcher._on_message = take
        async with running_gateway(configuration, directory=second):
            publishing = asyncio.create_task(load.publish(every_seconds=0.05))
            async with asyncio.timeout(90):
                await alarmed.wait()
            publishing.cancel()
            await asyncio.wait({publishing})
            await load.until_all_back()
        await until(lambda: load.account.status.get("online"))
    assert load.verdict()["lost"] == 0  # but the two may say the same id at different times: they are two
