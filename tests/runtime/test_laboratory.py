"""The laboratory's side through the whole gateway: master data and webhook in; drafts, controls, requests out."""

from simulator.broker import free_port
from simulator.gateway_process import ask, running_gateway
from tests.ingest.test_webhook import TOKEN, post
from tests.runtime.test_gateway import CONTEXT, NOW

LABORATORY = """
[master_data]
topic = "mes/specifications/#"

[webhook]
port = {port}

[procedures]
folder = "procedures"

[sampling]
enabled = true
tests_per_hour = 4

[[control]]
material = "OIL-100"
analyte = "viscosity"
mean = 100.0
standard_deviation = 0.5
unit = "mPa.s"

[[together]]
product = "FG-200"
analytes = ["viscosity", "ph"]
"""
PROCEDURE = """---
title: Viscosity out of specification
analyte: viscosity
failure: out_of_specification
---
1. Take a second sample from the same drum.
"""
STATED = {"product": "FG-200", "analyte": "viscosity", "version": "4", "lower": 95.0, "upper": 105.0, "unit": "mPa.s",
          "required": True}  # fmt: skip


async def test_a_specification_by_mqtt_judges_a_result_by_http_and_everything_that_follows_is_told(bench_line):
    port = free_port()
    text = bench_line.configuration.read_text()
    bench_line.write_configuration(text + LABORATORY.format(port=port))
    (bench_line.folder / "procedures").mkdir()
    (bench_line.folder / "procedures" / "viscosity.md").write_text(PROCEDURE)
    credentials = bench_line.folder / "credentials"
    credentials.mkdir()
    (credentials / "lims_webhook_token").write_text(TOKEN)
    environment = {"CREDENTIALS_DIRECTORY": str(credentials)}
    async with running_gateway(bench_line.configuration, directory=bench_line.folder, environment=environment):
        await bench_line.publish("mes/specifications/erp", STATED)
        context = {"equipment_id": "R1", "at": NOW, "job_order_id": "WO-2"}
        await bench_line.publish(CONTEXT, {**context, "event": "order_started", "material_definition_id": "FG-200"})
        await bench_line.publish(CONTEXT, {**context, "event": "lot_started", "material_lot_id": "LOT-2"})
        control = {"sample_id": "QC-1", "test_id": "Viscosity", "value": 103.0, "unit": "mPa.s", "status": "approved",
                   "control_id": "OIL-100"}  # fmt: skip
        assert (await post(port, control))[0] == 200
        rejected = await bench_line.until(lambda topic, _document: topic == "control/viscosity")
        assert (rejected["rejected"], rejected["lots_measured_since_last_good"]) == (True, None)

        result = {"sample_id": "S-9", "test_id": "Viscosity", "value": 107.0, "unit": "mPa.s", "status": "approved",
                  "result_version": 1, "material_lot_id": "LOT-2"}  # fmt: skip
        assert await post(port, result) == (200, {"status": "committed"})
        disposition = await bench_line.disposition_of("S-9")
        assert (disposition["recommendation"], "CONTROL_REJECTED" in disposition["flags"]) == ("hold", True)
        hold = await bench_line.until(lambda _topic, document: document.get("kind") == "hold")
        assert "second sample" in str(hold["instructions"])
        deviation = await bench_line.until(lambda topic, _document: topic.startswith("deviation/"))
        assert deviation["specification"]["upper"] == 105.0
        assert "second sample" in deviation["document"]

        await bench_line.publish(CONTEXT, {**context, "event": "lot_started", "material_lot_id": "LOT-3"})
        await bench_line.publish(CONTEXT, {**context, "event": "lot_ended", "material_lot_id": "LOT-3"})
        request = await bench_line.until(lambda topic, _document: topic.startswith("sample-request/"))
        assert request["body"]["material_lot"] == "LOT-3"
        assert [each["test_id"] for each in request["body"]["recommended_tests"]] == ["viscosity"]

        config = ("--config", str(bench_line.configuration))
        trace = await ask("audit", "trace", "S-9", *config)
        assert {deviation["id"], disposition["id"], hold["id"]} <= set(_ids(trace))
        assert (await ask("lims", "controls", *config))["controls"][0]["rejected"] is True
        assert (await ask("lims", "queue", *config))["queue"][0]["lot"] == "LOT-3"
    assert (await ask("audit", "verify", *config))["audit"] == "ok"


def _ids(found):
    if isinstance(found, dict):
        yield from (value for value in found.values() if isinstance(value, str))
        for each in found.values():
            yield from _ids(each)
    elif isinstance(found, list):
        for each in found:
            yield from _ids(each)
