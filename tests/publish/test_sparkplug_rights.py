"""The rights that ``deploy/mosquitto/rules.acl`` names are those that the edge node needs, and the check tries them."""

import asyncio
from dataclasses import replace

import pytest

from gateway.cli.broker_probes import probe_broker
from gateway.clock import SystemClock
from gateway.config.reading import read
from simulator.broker import find_mosquitto, free_port
from tests.fixtures.building import line
from tests.fixtures.real_parts import REPOSITORY, missing
from tests.fixtures.secured_broker import running_mosquitto
from tests.fixtures.sparkplug import EdgeBench
from tests.publish.test_sparkplug_configuration import BARE, NODE

OWN = "topic readwrite acme/lyon/polymers/line-1/quality/#\ntopic read lims/results/#\ntopic read mes/context/#\n"
TOPICS = {"NBIRTH/line-1", "NDATA/line-1", "NDEATH/line-1", "DBIRTH/line-1/R1", "DDATA/line-1/R1", "DDEATH/line-1/R1"}


@pytest.fixture
def guarded(tmp_path):
    """Run a broker by the rules of the example that begin so, for everybody; yields what starts it."""
    if find_mosquitto() is None:
        missing("mosquitto")
    example = (REPOSITORY / "deploy" / "mosquitto" / "rules.acl").read_text().split("user scada")[0]
    of_node = [row.removeprefix("#") for row in example.splitlines() if row.startswith("#topic") and "spBv1.0" in row]
    assert len(of_node) == 3

    def start(*allowed):
        folder = tmp_path / "-".join(map(str, allowed)).replace(" ", "") / "broker"
        folder.mkdir(parents=True)
        rules = folder / "rules"
        rules.write_text(OWN + "\n".join(of_node[at] for at in allowed) + "\n")
        rules.chmod(0o600)
        port = free_port()
        text = f"listener {port} 127.0.0.1\nallow_anonymous true\nacl_file {rules}\n"
        return port, running_mosquitto(folder, text, port)

    return start


async def found(tmp_path, port):
    file = tmp_path / "labline.toml"
    file.write_text(
        BARE.replace("broker.local", "127.0.0.1").replace("1883", str(port)) + NODE + 'primary_host_id = "scada"\n'
    )
    here = replace(line(), path="acme/lyon/polymers/line-1", topic_root="acme/lyon/polymers/line-1/quality")
    async with asyncio.timeout(90):
        findings = await probe_broker(read(file)[0], here, clock=SystemClock())
    return {finding.subject: finding.ok for finding in findings if "spBv1.0" in finding.subject}


async def test_with_the_rights_of_the_example_the_check_finds_nothing_wrong_and_the_node_is_born(guarded, tmp_path):
    port, broker = guarded(0, 1, 2)
    with broker:
        rights = await found(tmp_path, port)
        assert all(rights.values())
        assert {subject.removeprefix("publish spBv1.0/lyon/") for subject in rights if "publish" in subject} == TOPICS
        assert rights.keys() >= {"subscribe spBv1.0/lyon/NCMD/line-1", "subscribe spBv1.0/STATE/scada"}
        edge = EdgeBench(tmp_path, port)
        async with edge.running(), asyncio.timeout(60):
            while edge.conditions.get("SPARKPLUG_UNAVAILABLE", True):
                await asyncio.sleep(0.02)
        edge.bench.connection.close()


async def test_a_right_that_is_missing_is_found_though_a_broker_drops_such_messages_without_a_word(guarded, tmp_path):
    port, broker = guarded(1)
    with broker:
        rights = await found(tmp_path, port)
    assert {subject.removeprefix("publish spBv1.0/lyon/") for subject, ok in rights.items() if not ok} >= TOPICS
    assert rights["subscribe spBv1.0/lyon/NCMD/line-1"]
