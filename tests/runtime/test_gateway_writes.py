"""The whole way with a real gateway, broker and plant: what a person approves moves the setpoint, and nothing else."""

import asyncio
import json

import pytest
from asyncua import Client, ua

from simulator.gateway_process import ask
from simulator.opcua_server import NAMESPACE
from tests.fixtures.commands import labline as command
from tests.fixtures.people import ADDED_BY_COMMAND
from tests.runtime.test_gateway import start_lot

WRITE = """
[tags.{tag}.write]
profile = "request"
tolerance = 0.01
settle = "300ms"
{more}
"""


def write_configuration(line, *, stage, more=""):
    """Let both models move their setpoints, which the plant serves as plain variables."""
    line.write_configuration()
    text = line.configuration.read_text().replace('stage = "advise"', f'stage = "{stage}"')
    for tag, validated in (
        ("neutraliser_flow_setpoint", "[28.0, 72.0]"),
        ("reactor_temperature_setpoint", "[75.0, 81.0]"),
    ):
        head = f"[tags.{tag}]\n"
        assert head in text
        text = text.replace(head, f"{head}validated = {validated}\n")
        text += WRITE.format(tag=tag, more=more)
    line.configuration.write_text(f"{text}\n[approval]\nsigned_stages = false\n")


async def writes_of(line):
    ended = await asyncio.to_thread(command, "setpoint", "list", "--json", "--config", line.configuration)
    return json.loads(ended.output)["writes"]


async def move_away(line):
    """Have the operator move the temperature at the PLC, so that the viscosity leaves its target."""
    async with Client(line.server.url) as plant:
        index = await plant.get_namespace_index(NAMESPACE)
        node = plant.get_node(ua.NodeId("reactor_temperature_setpoint", index))
        await node.write_value(ua.DataValue(ua.Variant(80.0, ua.VariantType.Double)))


async def approved(line):
    """Approve the newest suggestion that still stands; return it."""
    seen = set()
    while True:
        guidance = await line.until(
            lambda _topic, document: document.get("kind") == "setpoint" and document["state"] == "proposed"
            and document["id"] not in seen, seconds=60,
        )  # fmt: skip
        seen.add(guidance["id"])
        ended = await asyncio.to_thread(command, "guidance", "approve", guidance["id"], "--config", line.configuration)
        if ended.code == 0:
            return guidance


async def written(line, guidance):
    """The move shows at the plant before it is read back."""
    async with asyncio.timeout(30):
        while True:
            write = next(item for item in await writes_of(line) if item["guidance"] == guidance["id"])
            if write["state"] == "written":
                return write


@pytest.mark.real_interpreter
async def test_a_suggestion_that_a_person_approves_moves_the_plants_setpoint_and_a_stop_ends_that(bench_line):
    write_configuration(bench_line, stage="approve")
    async with bench_line.gateway():
        await asyncio.to_thread(command, *ADDED_BY_COMMAND, "--config", bench_line.configuration)
        await start_lot(bench_line)
        await move_away(bench_line)
        guidance = await approved(bench_line)
        await bench_line.until(
            lambda _topic, document: document.get("id") == guidance["id"] and document["state"] == "applied"
        )
        write = await written(bench_line, guidance)
        assert write["approved_by"] == "Q. Head"
        assert write["to"] == write["read_back"] == guidance["suggestion"]["proposed"]
        stopped = await asyncio.to_thread(
            command, "setpoint", "stop", "--reason", "a leak", "--config", bench_line.configuration
        )
        assert stopped.code == 0, stopped.error
        await bench_line.until(
            lambda topic, document: topic == "status" and "SETPOINT_WRITES_STOPPED" in document["degraded"]
        )
    assert (await ask("audit", "verify", "--config", str(bench_line.configuration)))["audit"] == "ok"
    replayed = await asyncio.to_thread(command, "replay", "--json", "--config", bench_line.configuration)
    assert json.loads(replayed.output)["differences"] == 0
