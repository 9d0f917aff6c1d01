"""A running gateway, a broker, the console and an MES over HTTP: a lot is divided, and nobody takes a part for it."""

import asyncio
import json
import time
from urllib.parse import quote

from gateway.contract.times import rfc3339
from simulator.bench.load import bare_configuration
from simulator.broker import free_port
from simulator.gateway_process import TOPIC_ROOT
from simulator.mqtt import Participant
from simulator.rest_systems import RestSystem, serving
from tests.fixtures.building import new_state
from tests.fixtures.commands import labline
from tests.fixtures.console import PASSWORD, Browser, users_of_each_role
from tests.fixtures.real_parts import Line

LOT = {"material_lot_id": "LOT-1", "job_order_id": "WO-1", "equipment_id": "R1", "material_definition_id": "FG-100"}
PART = "LOT-1/drums 1-10"
SIGNED = {"user": "quality", "password": PASSWORD}


def configuration(line, *, system, console):
    return f"""{bare_configuration(line.folder, line.broker)}
[console]
listen = "127.0.0.1:{console}"
[sinks.mes]
url = "http://127.0.0.1:{system}/labline"
messages = ["release", "hold"]
"""


async def made(line):
    at = time.time_ns()
    for event, ago, more in (("order_started", 60, {}), ("lot_started", 50, {}),
                             ("lot_ended", 10, {"quantity": 3000, "unit": "kg"})):  # fmt: skip
        await line.publish("mes/context/R1", {"event": event, **LOT, **more, "at": rfc3339(at - ago * 10**9)})
    for test, value, unit in (("Viscosity", 100.2, "mPa.s"), ("pH", 7.0, "pH")):
        await line.result(sample_id="S-1", test_id=test, value=value, unit=unit, **LOT,
                          sampled_at=rfc3339(at - 30 * 10**9))  # fmt: skip
    await line.until(
        lambda _topic, told: told.get("recommendation") == "release" and len(told["rests_on"]["results"]) == 2
    )


async def decide(browser, lot, verdict, part=""):
    basis = (await browser.get(f"/api/lots/{quote(lot, safe='')}")).document["basis_sha256"]
    asked = {"material_lot_id": lot, "verdict": verdict, "basis_sha256": basis, "part": part}
    return await browser.act("decide_lot", asked, reason="inspected", sign_in=SIGNED)


def of_part(decision, *, stands=True):
    """Return whether a message says that of the part."""

    def says(topic, told):
        decided = told.get("part_decision") or {}
        same = (decided.get("decision"), decided.get("stands")) == (decision, stands)
        return topic == "lot-part/LOT-1/drums 1-10" and same

    return says


async def until_called(system, kind):
    async with asyncio.timeout(180):
        while not (calls := [call for call in system.calls if call.headers["x-labline-kind"] == kind]):
            await asyncio.sleep(0.1)
    return json.loads(calls[-1].body)


async def test_a_part_is_released_alone_and_the_mes_hears_of_its_lot_once_all_of_it_is(tmp_path, broker):
    line, system, console = Line(tmp_path, broker, None), RestSystem(), free_port()
    ends = (
        Participant("watcher", port=broker.port, version_5=True, subscriptions=(f"{TOPIC_ROOT}/#",),
                    on_message=line.received),
        Participant("sender", port=broker.port, version_5=True),
    )  # fmt: skip
    async with serving(system), ends[0], ends[1] as line.sender:
        line.write_configuration(configuration(line, system=system.port, console=console))
        (tmp_path / "store").mkdir()
        new_state(tmp_path / "store").close()
        users_of_each_role(tmp_path / "store")
        async with line.gateway():
            browser = Browser(console)
            await browser.sign_in("quality")
            await made(line)
            asked = {"material_lot_id": "LOT-1", "part": "drums 1-10", "quantity": "2 t"}
            done = await browser.act("divide_lot", asked, reason="for Acme")
            assert (done["outcome"], done["details"]["part_id"]) == ("done", PART)
            too_much = {**asked, "part": "drums 11-20", "quantity": "1001 kg"}
            assert (await browser.act("divide_lot", too_much, reason="x"))["code"] == "PART_TOO_MUCH"
            slip = {"material_lot_id": "LOT-1", "part": "drum 99"}
            assert (await browser.act("divide_lot", {**slip, "quantity": "1 kg"}, reason="x"))["outcome"] == "done"
            assert (await browser.act("undo_division", slip, reason="a slip"))["outcome"] == "done"
            await line.until(
                lambda topic, told: topic == "lot-part/LOT-1/drum 99" and told.get("flags") == ["PART_UNDONE"]
            )
            await line.until(lambda topic, told: topic == "lot-part/LOT-1/drum 99" and told == {})
            assert (await decide(browser, PART, "release"))["code"] == "PART_NOT_NAMED"
            assert (await decide(browser, PART, "release", "drums 1-10"))["outcome"] == "done"
            await line.until(of_part("release"))
            shown = await asyncio.to_thread(labline, "lot", "LOT-1", "--json", "--config", str(line.configuration))
            assert shown.code == 0, shown.error + shown.output
            lot = shown.document
            assert (lot["parts"][0]["decision"], lot["decision"]) == ("release", None)
            assert lot["rest"] == {"quantity": "1000", "of": "3000", "unit": "kg", "parts_exceed_lot": False,
                                   "not_comparable": None}  # fmt: skip
            assert all(told["decision"] is None for told in line.of("disposition"))
            assert system.calls == []
            assert (await decide(browser, "LOT-1", "release"))["outcome"] == "done"
            assert (await until_called(system, "release"))["material_lot_id"] == "LOT-1"
            assert (await decide(browser, PART, "hold", "drums 1-10"))["outcome"] == "done"
            assert (await until_called(system, "hold"))["material_lot_id"] == "LOT-1"
            assert line.of("disposition")[-1]["decision"] is None
            assert (await decide(browser, PART, "release", "drums 1-10"))["outcome"] == "done"
            await line.publish("lims/results/qc", {"status": "approved", "result_version": 2, "sample_id": "S-1",
                                                   "test_id": "pH", "value": 7.1, "unit": "pH", **LOT})  # fmt: skip
            await line.until(of_part("release", stands=False))
    assert {told["material_lot_id"] for told in line.of("disposition")} == {"LOT-1"}
