"""The real parts that tests run against: a broker, an OPC UA server, the gateway as a process.

Where a part is missing on a person's machine its tests skip and say so; with CI=true they fail instead.
"""

import asyncio
import json
import os
from pathlib import Path

import pytest

from gateway.contract.topics import Topics
from simulator.broker import find_mosquitto, free_port, running_broker
from simulator.gateway_process import TOPIC_ROOT, configuration_text, running_gateway
from simulator.mqtt import Participant
from simulator.opcua_server import PlantServer
from simulator.plant import Plant

REPOSITORY = Path(__file__).parents[2]


def missing(what):
    """Skip loudly, or fail where nothing may be missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing, and with CI=true nothing may be")
    pytest.skip(f"{what} is missing on this machine: install it to run this test")


@pytest.fixture
async def broker(tmp_path):
    """A real mosquitto on a free port of loopback."""
    if find_mosquitto() is None:
        missing("mosquitto")
    directory = tmp_path / "broker"
    directory.mkdir()
    async with running_broker(directory) as running:
        yield running


class Line:
    """A gateway process on a real broker and a real OPC UA server, and the ends that talk to it."""

    def __init__(self, folder, broker, server):
        self.folder = folder
        self.broker = broker
        self.server = server
        self.configuration = folder / "labline.toml"
        self.messages = []
        self.arrived = asyncio.Event()
        self.topics = Topics(TOPIC_ROOT)

    def write_configuration(self, text=None):
        self.configuration.write_text(
            text
            or configuration_text(
                directory=self.folder, broker=self.broker, plant_url=self.server.url, models=REPOSITORY / "models"
            )
        )

    def received(self, message):
        if not message.retained and "/response/" not in message.topic:
            document = json.loads(message.payload) if message.payload else {}
            self.messages.append((message.topic.removeprefix(f"{TOPIC_ROOT}/"), document))
            self.arrived.set()

    async def until(self, condition, seconds=60.0):
        """Wait until some message (topic, document) fulfils the condition, and return its document."""
        async with asyncio.timeout(seconds):
            while True:
                for topic, document in list(self.messages):
                    if condition(topic, document):
                        return document
                self.arrived.clear()
                await self.arrived.wait()

    def of(self, kind):
        return [document for _, document in self.messages if document.get("schema") == f"labline.{kind}/1"]

    async def publish(self, topic, document):
        payload = document if isinstance(document, bytes) else json.dumps(document).encode()
        await self.sender.publish(topic, payload)

    async def result(self, **fields):
        await self.publish("lims/results/qc", {"status": "approved", "result_version": 1, **fields})

    async def disposition_of(self, sample_id, version=1):
        def rests_on_it(_topic, document):
            results = document.get("rests_on", {}).get("results", [])
            return any(each["sample_id"] == sample_id and each["result_version"] == version for each in results[-1:])

        return await self.until(rests_on_it)

    def gateway(self):
        return running_gateway(self.configuration, directory=self.folder)


class RestartablePlant:
    """The simulated plant behind a real OPC UA server that can go and come back on its port."""

    def __init__(self):
        self._port = free_port()
        self._plant = Plant(1)
        self.url = PlantServer(self._plant, port=self._port).url

    async def start(self):
        self._server = PlantServer(self._plant, port=self._port)
        await self._server.__aenter__()
        self._task = asyncio.create_task(self._server.run(), name="plant")

    async def stop(self):
        self._task.cancel()
        await asyncio.wait({self._task})
        await self._server.__aexit__()


@pytest.fixture
async def plant_server():
    """A plant that moves in real time and serves its tags."""
    plant = RestartablePlant()
    await plant.start()
    yield plant
    await plant.stop()


@pytest.fixture
async def bench_line(tmp_path, broker, plant_server):
    """A line with everything but the gateway running; tests start that themselves."""
    line = Line(tmp_path, broker, plant_server)
    line.write_configuration()
    async with (
        Participant("watcher", port=broker.port, version_5=True, subscriptions=(f"{TOPIC_ROOT}/#",),
                    on_message=line.received),
        Participant("sender", port=broker.port, version_5=True) as sender,
    ):  # fmt: skip
        line.sender = sender
        yield line
