"""Every configured source stands in the status from the start, and is told by name when it cannot be had."""

import asyncio
from types import SimpleNamespace

from gateway.config.reading import read
from gateway.history.memory.rings import Rings
from gateway.history.tag_history import History
from gateway.ingest.event_queue import EventQueue
from gateway.ingest.gaps import Gaps
from gateway.operations.health import Health
from gateway.runtime.sources import feeds
from gateway.store.queries.readers import Depths
from tests.cases.test_first_plant_opcua import configure
from tests.fixtures.opcua_feed import Unrecorded
from tests.fixtures.opcua_feed_by_hand import Clock

SECOND = """
[opcua.plc2]
url = "opc.tcp://127.0.0.1:2"
"""


def built(folder, url="opc.tcp://127.0.0.1:1"):
    """Return (the feeds of a configuration as the gateway builds them, the health that hears them)."""
    settings, _sha256 = read(configure(folder, url, security="", more=SECOND))
    clock, health = Clock(), Health(line=SimpleNamespace(path="e/s/a/l", models=()))
    rings = Rings({"t": "plc1"}, capacity=10)
    ground = SimpleNamespace(
        settings=settings, clock=clock, health=health, gaps=Gaps(inbox=EventQueue(), now=clock.now)
    )
    return feeds(ground, History(rings, Unrecorded(), now=clock.now)), health


def test_connections_04_every_configured_source_is_disconnected_until_it_is_heard(tmp_path):
    _built, health = built(tmp_path)
    assert health.sources == {"plc1": False, "plc2": False}
    assert health.degraded() == ("SOURCE_PLC1_DISCONNECTED", "SOURCE_PLC2_DISCONNECTED")


async def test_connections_04_first_plant_08_the_status_of_a_server_that_is_down_says_so_and_why(tmp_path):
    (feed, _other), health = built(tmp_path)
    changed = asyncio.Event()
    health.on_change = changed.set
    task = asyncio.create_task(feed.run())
    async with asyncio.timeout(30):
        await changed.wait()
    task.cancel()
    await asyncio.wait({task})
    status = health.status(at_ns=0, depths=Depths(), models={})
    assert status.sources["plc1"] == "disconnected"
    assert "nothing listens at this port" in status.source_reasons["plc1"]
    assert "SOURCE_PLC1_DISCONNECTED" in status.degraded


def test_the_status_names_as_many_tags_as_a_message_may_hold(tmp_path):
    _built, health = built(tmp_path)
    health.tags("plc1", {f"t{at:04}": "x" * 1000 for at in range(2000)})
    told = health.status(at_ns=0, depths=Depths(), models={}).tag_reasons
    assert len(told) == 50
    assert max(map(len, told.values())) == 300
