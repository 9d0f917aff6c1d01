"""From the LIMS publishing to the disposition at a subscriber, committed in between, beside a thousand tags at 1 Hz.

In pairs with the bare floor, each ten milliseconds after the other: publish, mosquitto, a subscriber that commits one
row with ``synchronous=FULL``. All sockets are without delay. Counted are all results after the first few seconds.
"""

import asyncio
import json
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from gateway.database.opening import open_for_reading
from gateway.history.file.statements import HISTORY, HISTORY_FILE
from gateway.history.reader.recorded import RecordedHistory
from simulator.bench.load import bare_configuration, lot_of
from simulator.bench.measuring import Figure, Goal
from simulator.broker import running_broker
from simulator.gateway_process import TOPIC_ROOT, running_gateway
from simulator.many_tags import many_tags, tag_name
from simulator.mqtt import Participant, Received
from simulator.observer import spread
from simulator.opcua_server import NAMESPACE

TAGS, RESULTS_PER_SECOND, SECONDS, SMALL_SECONDS = 1000, 50, 60, 5
_WARMING_SECONDS = 5
_PATIENCE_SECONDS = 30.0
_GOAL_MS, _GOAL_RATIO = 10.0, 2.0
_SECOND_NS = 1_000_000_000


def measure(small: bool) -> dict[str, Figure]:  # noqa: FBT001 - every bench takes it
    """Return both latencies' median and 99th percentile, how many there were, and how many values came meanwhile."""
    return asyncio.run(_measure(SMALL_SECONDS if small else SECONDS))


class _Stopwatch:
    """Instants of sending and receiving, by what identifies a message."""

    def __init__(self) -> None:
        self.sent: dict[str, float] = {}
        self.received: dict[str, float] = {}

    def milliseconds(self, first: int) -> list[float]:
        """Return the latencies of all that were sent, but for the first few; raises KeyError where one never came."""
        return [(self.received[key] - at) * 1000 for key, at in list(self.sent.items())[first:]]


async def _measure(seconds: int) -> dict[str, Figure]:
    ours, floor = _Stopwatch(), _Stopwatch()
    pairs, first = (seconds + _WARMING_SECONDS) * RESULTS_PER_SECOND, _WARMING_SECONDS * RESULTS_PER_SECOND
    with tempfile.TemporaryDirectory(prefix="labline-bench-") as name:
        folder = Path(name)
        async with running_broker(folder) as broker, many_tags(TAGS) as url:
            configuration = folder / "labline.toml"
            configuration.write_text(
                bare_configuration(folder, broker).replace("[mqtt]", tags_text(url, TAGS) + "[mqtt]"), encoding="utf-8"
            )
            with closing(_committing(folder)) as connection:
                async with (
                    Participant("dispositions", port=broker.port, version_5=True, on_arrival=_disposed(ours),
                                subscriptions=(f"{TOPIC_ROOT}/disposition/#",)),
                    Participant("floor", port=broker.port, version_5=True, on_arrival=_committed(floor, connection),
                                subscriptions=("floor/#",)),
                    Participant("sender", port=broker.port, version_5=True) as sender,
                    running_gateway(configuration, directory=folder) as gateway,
                ):  # fmt: skip
                    begun_ns, computed = time.time_ns(), gateway.processor_seconds()
                    await _send(sender, ours, floor, pairs)
                    ended_ns, computed = time.time_ns(), gateway.processor_seconds() - computed
                    async with asyncio.timeout(_PATIENCE_SECONDS):
                        while len(ours.received) < pairs or len(floor.received) < pairs:
                            await asyncio.sleep(0.05)
        values = _values_recorded(folder, begun_ns, ended_ns)
    seconds_in_all = (ended_ns - begun_ns) / _SECOND_NS
    return _figures(ours.milliseconds(first), floor.milliseconds(first)) | {
        "values": Figure(value=values / seconds_in_all, unit="values/s", goal=Goal(op=">=", value=0.9 * TAGS)),
        "processor": Figure(value=computed / seconds_in_all, unit="of a core"),
    }


def _figures(ours: list[float], floor: list[float]) -> dict[str, Figure]:
    measured, bare = spread(ours), spread(floor)
    p99, floor_p99 = measured["p99"] or 0.0, bare["p99"] or 0.0
    goal = Goal(op="<=", value=max(_GOAL_MS, _GOAL_RATIO * floor_p99) / floor_p99)
    return {
        "disposition_p50": Figure(value=measured["p50"] or 0.0, floor=bare["p50"], unit="ms"),
        "disposition_p99": Figure(value=p99, floor=floor_p99, unit="ms", goal=goal),
        "disposition_longest": Figure(value=measured["max"] or 0.0, floor=bare["max"], unit="ms"),
        "results": Figure(value=len(ours), unit="results"),
    }


async def _send(sender: Participant, ours: _Stopwatch, floor: _Stopwatch, pairs: int) -> None:
    """Send pair after pair at its instant, whether the ones before have come back or not.

    The instants are even but for some milliseconds by chance, so that no pace of the gateway's own is always met.
    """
    apart, chance = 1 / RESULTS_PER_SECOND, random.Random(5)
    begun = time.monotonic()
    async with asyncio.TaskGroup() as sending:
        for number in range(1, pairs + 1):
            sample = f"S-{number:06d}"
            payload, due = _result(sample, number), begun + (number + chance.uniform(-0.2, 0.2)) * apart
            for watch, topic, later in ((ours, "lims/results/qc", 0.0), (floor, f"floor/{sample}", 0.5 * apart)):
                await asyncio.sleep(due + later - time.monotonic())
                sending.create_task(_one(sender, watch, sample, topic, payload), name=f"send-{topic}-{sample}")


async def _one(sender: Participant, watch: _Stopwatch, sample: str, topic: str, payload: bytes) -> None:
    watch.sent[sample] = time.perf_counter()
    await sender.publish(topic, payload)


def _result(sample: str, number: int) -> bytes:
    document = {
        "sample_id": sample, "test_id": "pH", "unit": "pH",
        "value": 9.8 if number % 10 == 0 else 7.0 + number % 7 / 100,  # every tenth is out of specification
        "status": "approved", "result_version": 1, "material_lot_id": lot_of(number),
        "material_definition_id": "FG-100",
    }  # fmt: skip
    return json.dumps(document).encode()


def _disposed(watch: _Stopwatch) -> Callable[[Received], None]:
    def arrived(message: Received) -> None:
        results = json.loads(message.payload)["rests_on"]["results"]
        if results:
            watch.received.setdefault(results[-1]["sample_id"], message.at)

    return arrived


def _committing(folder: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE message (payload BLOB)")
    return connection


def _committed(watch: _Stopwatch, connection: sqlite3.Connection) -> Callable[[Received], None]:
    def arrived(message: Received) -> None:
        connection.execute("INSERT INTO message (payload) VALUES (?)", (message.payload,))  # one commit of its own
        watch.received[message.topic.removeprefix("floor/")] = time.perf_counter()

    return arrived


def tags_text(url: str, count: int) -> str:
    """Return the configuration of so many tags of a server."""
    tags = "".join(
        f'[tags.{tag_name(number)}]\nsource = "plc1"\nnode = "nsu={NAMESPACE};s={tag_name(number)}"\n'
        f'equipment = "R1"\nunit = "1"\n'
        for number in range(count)
    )
    return f'[opcua.plc1]\nurl = "{url}"\nsecurity = "None"\npublishing_interval = "250ms"\n{tags}\n'


def _values_recorded(folder: Path, begun_ns: int, ended_ns: int) -> int:
    names = [tag_name(number) for number in range(TAGS)]
    with closing(open_for_reading(folder / "store" / HISTORY_FILE, HISTORY)) as connection:
        history = RecordedHistory(connection, names)
        stretches = (history.stretch(name, start_ns=begun_ns, end_ns=ended_ns) for name in names)
        return sum(int((columns.held_ns >= begun_ns).sum()) for columns in stretches)  # without what held at the start
