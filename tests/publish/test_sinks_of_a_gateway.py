"""A running gateway fetches orders and lots from a real HTTP server and tells it of holds, over a kill in between."""

import asyncio
import time
from collections import deque

from gateway.contract.times import rfc3339
from simulator.bench.load import bare_configuration, kill
from simulator.mqtt import Participant
from simulator.rest_systems import Fault, RestSystem, serving
from tests.fixtures.real_parts import Line

WITHIN_SECONDS = 120.0
TOKEN = "t0ken-0123456789abcdef"
RESULT = {
    "sample_id": "S-1",
    "test_id": "pH",
    "unit": "pH",
    "material_lot_id": "LOT-1",
}  # its product comes from the MES


def configuration(line, port):
    return f"""{bare_configuration(line.folder, line.broker)}
[mes.pull]
url = "http://127.0.0.1:{port}"
path = "/context"
items = "items"
interval = "1s"

[sinks.qms]
url = "http://127.0.0.1:{port}/labline"
messages = ["hold"]
"""


async def until(condition):
    async with asyncio.timeout(WITHIN_SECONDS):
        while not condition():
            await asyncio.sleep(0.02)


def production():
    at = rfc3339(time.time_ns() - 60 * 10**9)
    order = {"job_order_id": "WO-1", "equipment_id": "R1", "at": at}
    return [{**order, "event": "order_started", "material_definition_id": "FG-100"},
            {**order, "event": "lot_started", "material_lot_id": "LOT-1"}]  # fmt: skip


def told(system):
    return [call for call in system.calls if call.method == "POST"]


async def test_a_hold_is_told_once_though_the_gateway_was_killed_before_it_heard_the_answer(
    tmp_path, broker, monkeypatch
):
    line = Line(tmp_path, broker, None)
    system = RestSystem(required=("Authorization", f"Bearer {TOKEN}"), context=production(),
                        faults=deque([Fault.SLOW]), faulty=lambda call: call.method == "POST")  # fmt: skip
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    for name in ("sink_qms_token", "mes_pull_token"):
        (credentials / name).write_text(f"{TOKEN}\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    sender = Participant("sender", port=broker.port, version_5=True)
    async with serving(system), sender as line.sender:
        line.write_configuration(configuration(line, system.port))
        async with line.gateway() as gateway:
            await until(lambda: len(system.calls) > 1)  # what came with the first answer is committed
            await line.result(**RESULT, value=9.8)
            await until(lambda: told(system))
            await kill(gateway)
        async with line.gateway():
            await until(lambda: len(told(system)) > 1)
    first, second = told(system)
    assert (first.key, first.body, first.path) == (second.key, second.body, "/labline")
    assert len(system.effects) == 1
    files = (file for file in tmp_path.rglob("*") if file.is_file() and file.parent != credentials)
    written = b"".join(file.read_bytes() for file in files)
    assert TOKEN.encode() not in written
