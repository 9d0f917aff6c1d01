"""A gateway under load, and an account of what it was given and what it said.

Every result that the broker took from us (its acknowledgement counts) must come back as exactly one disposition, after
deduplication by message id; the same id must always come with the same bytes. The account is kept by id, before any
deduplication, by a subscriber whose session the broker keeps.

One exception is counted apart: mosquitto 2.0 acknowledges before it saves, so what it took in the last moment before it
was killed may stand nowhere. A result is counted so only where it was acknowledged within a second of the kill, is not
in the broker's file as the kill left it, and never came to the gateway.
"""

import asyncio
import json
import logging
import signal
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from simulator.broker import Broker, free_port, running_broker
from simulator.gateway_process import TOPIC_ROOT, RunningGateway, configuration_text, running_gateway
from simulator.mqtt import Participant, Received
from simulator.opcua_server import PlantServer
from simulator.plant import Plant

MODELS = Path(__file__).parents[2] / "models"
_WAIT_SECONDS = 60.0
_QUIET_SECONDS = 5.0  # without anything new: what has not come by then is not on its way
_FORGOTTEN_WITHIN_SECONDS = 1.0  # of a kill, before or (as the word of it comes late) after
_RESULTS_PER_LOT = 8  # a disposition carries all results of its lot


@dataclass
class Account:
    """What came back: per message id the distinct bytes, and per sample the ids of its dispositions."""

    bytes_of: dict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    dispositions: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    order: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # by topic, first arrivals
    received: int = 0
    redelivered: int = 0
    dead_letters: int = 0
    guidance: dict[str, str] = field(default_factory=dict)  # the newest state of each
    status: dict[str, Any] = field(default_factory=dict)
    accepted_predictions: int = 0

    def take(self, message: Received) -> None:
        """Take one message off the wire."""
        topic = message.topic.removeprefix(f"{TOPIC_ROOT}/")
        if not message.payload or topic.startswith(("response/", "board", "audit/")):
            return
        document = json.loads(message.payload)
        if topic.startswith("prediction/"):
            self.accepted_predictions += document["verdict"]["accepted"]
            return
        if topic == "status":
            self.status = document
            return
        if message.retained:
            return
        self.received += 1
        if topic.startswith("guidance/"):
            self.guidance[document["id"]] = document["state"]
        # a guidance is told once for each of its states, under its own id
        identity = document["id"] if "state" not in document else f"{document['id']} {document['state']}"
        known = self.bytes_of[identity]
        self.redelivered += bool(known)
        known.add(message.payload)
        if topic.startswith("disposition/") and document["rests_on"]["results"]:
            sample = document["rests_on"]["results"][-1]["sample_id"]
            if document["id"] not in self.dispositions[sample]:
                self.order[topic].append(sample)
            self.dispositions[sample].add(document["id"])
        self.dead_letters += topic == "dead-letter"

    def verdict(self, published: list[str]) -> dict[str, int]:
        """Return how often something is wrong: results without a disposition or with several, ids that came with other
        bytes, topics on which the order of publishing was not kept.
        """  # noqa: D205
        return {
            "lost": sum(not self.dispositions.get(sample) for sample in published),
            "twice": sum(len(self.dispositions.get(sample, ())) > 1 for sample in published),
            "other_bytes": sum(len(known) > 1 for known in self.bytes_of.values()),
            "out_of_order": sum(samples != sorted(samples) for samples in self.order.values()),
            "dead_letters": self.dead_letters,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class _BrokerKill:
    """When the broker was killed, and what its file held then."""

    at: float
    file: bytes


class Load:
    """A bench in a folder: broker, plant, watcher and sender around a gateway that is started and killed at will.

    ``gateway_before``: one has run and stopped before the bench begins, so that the broker keeps for it what is
    published while no gateway is there; who starts a gateway first does not need it.
    """

    def __init__(self, folder: Path, *, with_plant: bool = True, gateway_before: bool = True) -> None:
        self.folder = folder
        self.account = Account()
        self.published: list[str] = []
        self._taken_at: dict[str, float] = {}
        self._broker_kills: list[_BrokerKill] = []
        self.store = folder / "store"
        self.configuration = folder / "labline.toml"
        self.broker: Broker
        self.plant_url = ""
        self._with_plant = with_plant
        self._gateway_before = gateway_before
        self.watcher: Participant
        self._sender: Participant

    @asynccontextmanager
    async def running(
        self, broker: Broker | None = None, change: Callable[[str], str] = lambda text: text
    ) -> AsyncIterator[Self]:
        """Run everything but the gateway; ``change`` changes its configuration."""
        async with running_broker(self.folder) if broker is None else _there(broker) as self.broker:
            port = self.broker.port
            async with (
                Participant("watcher", port=port, version_5=True, subscriptions=(f"{TOPIC_ROOT}/#",),
                            on_message=self.account.take, persistent=True) as self.watcher,
                Participant("sender", port=port, version_5=True) as self._sender,
                self._plant() as self.plant_url,
            ):  # fmt: skip
                self.configure(self.plant_url, change)
                if self._gateway_before:
                    async with self.gateway():
                        pass
                yield self

    @asynccontextmanager
    async def _plant(self) -> AsyncIterator[str]:
        if not self._with_plant:
            yield ""
            return
        logging.getLogger("asyncua").setLevel(logging.CRITICAL)  # it tells of every client that was killed
        async with PlantServer(Plant(1), port=free_port()) as server:
            living = asyncio.create_task(server.run(), name="plant")
            try:
                yield server.url
            finally:
                living.cancel()
                await asyncio.wait({living})

    def configure(self, plant_url: str, change: Callable[[str], str] = lambda text: text) -> None:
        """Write the gateway's configuration; without a plant it has neither tags nor models."""
        text = (
            configuration_text(directory=self.folder, broker=self.broker, plant_url=plant_url, models=MODELS)
            if plant_url
            else bare_configuration(self.folder, self.broker)
        )
        self.configuration.write_text(change(text), encoding="utf-8")

    @asynccontextmanager
    async def gateway(self, **environment: str) -> AsyncIterator[RunningGateway]:
        """Run the gateway until the block ends."""
        async with running_gateway(self.configuration, directory=self.folder, environment=environment) as gateway:
            yield gateway

    async def publish(self, *, every_seconds: float, most: int | None = None) -> None:
        """Publish results until cancelled; those the broker has acknowledged stand in ``published``."""
        while most is None or len(self.published) < most:
            number = len(self.published) + 1
            await self.publish_one(f"S-{number:06d}")
            await asyncio.sleep(every_seconds)

    async def publish_one(self, sample: str) -> None:
        """Publish one result and return once the broker has it; every tenth one is out of specification."""
        number = int(sample.rsplit("-", 1)[-1])
        document = {
            "sample_id": sample, "test_id": "pH", "value": 9.8 if number % 10 == 0 else 7.0 + number % 7 / 100,
            "unit": "pH", "status": "approved", "material_lot_id": lot_of(number), "material_definition_id": "FG-100",
        }  # fmt: skip
        if number % 2:  # the others are told apart by their delivery alone
            document["result_version"] = 1
        await self.say("lims/results/qc", document)
        self.published.append(sample)
        self._taken_at[sample] = time.monotonic()

    async def say(self, topic: str, document: Mapping[str, Any]) -> None:
        """Publish anything else that a plant says, and return once the broker has it."""
        await self._sender.publish(topic, json.dumps(document).encode())

    async def kill_broker(self) -> None:
        """End the broker at once, and keep what its file held then."""
        if self.broker.mosquitto is None:
            raise RuntimeError("this needs a mosquitto")
        at = time.monotonic()
        await self.broker.mosquitto.kill()
        file = self.folder / "mosquitto.db"
        self._broker_kills.append(_BrokerKill(at=at, file=file.read_bytes() if file.exists() else b""))

    async def until_all_back(self, seconds: float = _WAIT_SECONDS) -> None:
        """Wait until every published result has come back; raises TimeoutError once none has come for so long.

        A broker that writes all it keeps at every change sends a long backlog slowly: as long as more comes, we wait.
        """
        fewest, since = len(self.published) + 1, time.monotonic()
        while missing := self._missing():
            if len(missing) < fewest:
                fewest, since = len(missing), time.monotonic()
            quiet_seconds = time.monotonic() - since
            if quiet_seconds > _QUIET_SECONDS and missing == self.forgotten_by_broker():
                return
            if quiet_seconds > seconds:
                raise TimeoutError(f"{len(missing)} results are not back, and none has come for {seconds:g} s")
            await asyncio.sleep(0.05)

    def _missing(self) -> set[str]:
        return {sample for sample in self.published if not self.account.dispositions.get(sample)}

    def forgotten_by_broker(self) -> set[str]:
        """Return the results that the broker had acknowledged and not saved when it was killed."""
        return {
            sample
            for sample in self._missing()
            if any(
                abs(kill.at - self._taken_at[sample]) <= _FORGOTTEN_WITHIN_SECONDS and sample.encode() not in kill.file
                for kill in self._broker_kills
            )
        }

    def verdict(self) -> dict[str, int]:
        """Return what is wrong with what came back, but for what the broker itself had forgotten."""
        forgotten = self.forgotten_by_broker()
        return self.account.verdict([sample for sample in self.published if sample not in forgotten])


def bare_configuration(folder: Path, broker: Broker) -> str:
    """Return the configuration of a gateway with neither tags nor models."""
    text = configuration_text(directory=folder, broker=broker, plant_url="", models=MODELS)
    return text[: text.index("[opcua.plc1]")] + text[text.index("[mqtt]") : text.index("[[model]]")]


def lot_of(number: int) -> str:
    """Return the lot of a result by its number."""
    return f"LOT-{number // _RESULTS_PER_LOT:05d}"


async def kill(gateway: RunningGateway) -> None:
    """End the gateway as a power cut of the process would: at once."""
    gateway.process.send_signal(signal.SIGKILL)
    await gateway.process.wait()


@asynccontextmanager
async def _there(broker: Broker) -> AsyncIterator[Broker]:
    yield broker
