"""A running gateway as an edge node of Sparkplug: what a host sees when it is killed, and when it comes back."""

from simulator.bench.load import bare_configuration, kill
from simulator.mqtt import Participant
from tests.fixtures.real_parts import Line
from tests.fixtures.sparkplug import Host

CONFIGURATION = '\n[sparkplug]\ngroup_id = "lyon"\nedge_node_id = "line-1"\n'
RESULT = {"test_id": "pH", "unit": "pH", "material_definition_id": "FG-100"}


async def test_a_host_sees_births_holds_the_will_of_a_killed_gateway_and_the_next_birth(tmp_path, broker):
    line = Line(tmp_path, broker, None)
    sender = Participant("sender", port=broker.port, version_5=True)
    async with Host(broker.port) as host, sender as line.sender:
        line.write_configuration(bare_configuration(line.folder, broker) + CONFIGURATION)
        async with line.gateway() as gateway:
            await host.until(lambda: "NBIRTH" in host.kinds)
            birth = host.heard[0]
            assert birth.value("bdSeq") == 0
            assert birth.value("About/Line") == "bench/lab/polymers/line-1"
            await line.result(**RESULT, sample_id="S-1", material_lot_id="LOT-1", value=9.8)
            await host.until(lambda: "NDATA" in host.kinds)
            await kill(gateway)
        await host.until(lambda: "NDEATH" in host.kinds)
        assert host.heard[-1].value("bdSeq") == 0
        async with line.gateway():
            await host.until(lambda: host.kinds.count("NBIRTH") == 2)
            again = [message for message in host.heard if message.kind == "NBIRTH"][-1]
            assert again.value("bdSeq") == 1
            assert (again.value("Hold/Lot"), again.value("Disposition/Recommendation")) == ("LOT-1", "hold")
        await host.until(lambda: host.kinds[-1] == "NDEATH")
    assert host.heard[-1].value("bdSeq") == 1
