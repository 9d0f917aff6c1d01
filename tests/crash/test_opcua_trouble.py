"""An OPC UA server as a process of its own: killed, hung, cut off. Data flow again by themselves, no session leaks."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from gateway.records.process import Quality, quality_of
from simulator.broker import free_port
from tests.crash.conftest import needed, needs_root
from tests.fixtures.opcua_feed import Listener, source_of

REPOSITORY = Path(__file__).parents[2]
BACK_WITHIN_SECONDS = 10


class PlantProcess:
    def __init__(self, folder, *, host="127.0.0.1", port=None, before=()):
        self.host, self.port = host, port or free_port()
        self.url = f"opc.tcp://{host}:{self.port}/test"
        self.file = folder / "sessions"
        self._before = before
        self._process = None

    def start(self, *, padding=0):
        plant = [sys.executable, "-m", "tests.crash.plant_process"]
        where = [self.host, str(self.port), str(self.file), str(padding)]
        self._process = subprocess.Popen([*self._before, *plant, *where], cwd=REPOSITORY)

    def signal(self, number):
        self._process.send_signal(number)

    def kill(self):
        self._process.kill()
        self._process.wait()

    @property
    def sessions(self):
        return int(self.file.read_text() or 0)


@asynccontextmanager
async def listening_to(plant):
    listener = Listener(source_of(plant.url, "T"))
    try:
        async with listener.running():
            plant.start()
            await listener.until("T", flowing)
            yield listener
    finally:
        plant.signal(signal.SIGCONT)
        plant.kill()


def flowing(value, status):
    return value is not None and value > 0 and quality_of(status) is Quality.GOOD


def unknown(_value, status):
    return status is not None and quality_of(status) is Quality.BAD


async def back(listener):
    """Return after how many seconds data flow again, and go on flowing."""
    begun = time.monotonic()
    await listener.until("T", flowing, seconds=40)
    took = time.monotonic() - begun
    value, _status = listener.last("T")
    await listener.until("T", lambda later, status: flowing(later, status) and later != value)
    return took


async def test_a_killed_server_that_comes_back_with_other_namespaces_is_found_again(tmp_path):
    plant = PlantProcess(tmp_path)
    async with listening_to(plant) as listener:
        plant.kill()
        await listener.until("T", unknown)
        await asyncio.sleep(4)
        plant.start(padding=3)
        assert await back(listener) < BACK_WITHIN_SECONDS


async def test_a_server_that_hangs_without_closing_is_noticed_and_taken_up_again_when_it_goes_on(tmp_path):
    plant = PlantProcess(tmp_path)
    async with listening_to(plant) as listener:
        plant.signal(signal.SIGSTOP)
        await listener.until("T", unknown, seconds=90)
        await asyncio.sleep(3)
        plant.signal(signal.SIGCONT)
        assert await back(listener) < BACK_WITHIN_SECONDS
        async with asyncio.timeout(45):  # sessions that could not be closed are forgotten by the server
            while plant.sessions != 1:
                await asyncio.sleep(0.2)


@contextmanager
def network_of_its_own():
    """A network namespace with a link to ours: (what to run in it, its address, the link's name here)."""
    (ip,) = needed("ip")
    needs_root("make a network namespace")
    name = f"labline-{os.getpid()}"
    here, there = f"ll{os.getpid() % 100000}a", f"ll{os.getpid() % 100000}b"
    subnet = f"10.213.{os.getpid() % 250}"

    def run(*arguments):
        subprocess.run([ip, *arguments], check=True)

    run("netns", "add", name)
    try:
        run("link", "add", here, "type", "veth", "peer", "name", there)
        run("link", "set", there, "netns", name)
        run("addr", "add", f"{subnet}.1/24", "dev", here)
        run("link", "set", here, "up")
        run("-n", name, "addr", "add", f"{subnet}.2/24", "dev", there)
        run("-n", name, "link", "set", there, "up")
        run("-n", name, "link", "set", "lo", "up")
        yield (ip, "netns", "exec", name), f"{subnet}.2", lambda state: run("link", "set", here, state)
    finally:
        subprocess.run([ip, "link", "del", here], check=False)
        run("netns", "del", name)


async def test_a_link_that_is_dropped_is_noticed_and_data_flow_again_when_it_is_back(tmp_path):
    with network_of_its_own() as (inside, address, link):
        plant = PlantProcess(tmp_path, host=address, port=4840, before=inside)
        async with listening_to(plant) as listener:
            link("down")
            await listener.until("T", unknown, seconds=90)
            await asyncio.sleep(3)
            link("up")
            assert await back(listener) < BACK_WITHIN_SECONDS
            async with asyncio.timeout(45):  # sessions that could not be closed are forgotten by the server
                while plant.sessions != 1:
                    await asyncio.sleep(0.2)
