"""The gateway as a process: real broker, real OPC UA server, real sockets. Kills: tests/crash."""

import asyncio
import json
import sqlite3
from contextlib import closing

import pytest

from gateway.cli.live import live_status, live_tags
from gateway.config.reading import read
from gateway.contract.lims.names import normalised
from gateway.contract.readings import QualityWord
from gateway.store.database import read_state
from simulator.gateway_process import GatewayFailedError, ask
from tests.fixtures.real_parts import TOPIC_ROOT

NOW = "2026-01-01T00:00:00Z"
CONTEXT = "mes/context/bench"


async def start_lot(line, lot="LOT-1"):
    await line.publish(CONTEXT, {"event": "order_started", "job_order_id": "WO-1", "material_definition_id": "FG-100",
                                 "equipment_id": "R1", "at": NOW})  # fmt: skip
    await line.publish(CONTEXT, {"event": "lot_started", "material_lot_id": lot, "job_order_id": "WO-1",
                                 "equipment_id": "R1", "at": NOW})  # fmt: skip


@pytest.mark.real_interpreter
async def test_from_a_tag_and_a_result_to_a_hold_that_the_terminal_acknowledges(bench_line):
    async with bench_line.gateway():
        await start_lot(bench_line)
        prediction = await bench_line.until(
            lambda topic, document: topic == "prediction/R1/viscosity" and document["verdict"]["accepted"]
        )
        assert prediction["low"] < prediction["value"] < prediction["high"]
        await bench_line.result(
            sample_id="S-1", test_id="Viscosity", value=120.5, unit="mPa.s", material_lot_id="LOT-1"
        )
        disposition = await bench_line.disposition_of("S-1")
        assert disposition["recommendation"] == "hold"
        hold = await bench_line.until(lambda _topic, document: document.get("kind") == "hold")
        assert hold["measured"]["value"] == 120.5
        await bench_line.publish(
            f"{TOPIC_ROOT}/response/T-07",
            {"id": "r-1", "guidance_id": hold["id"], "act": "acknowledge", "terminal": "T-07", "person": "op"},
        )
        await bench_line.until(
            lambda _topic, document: document.get("id") == hold["id"] and document.get("state") == "acknowledged"
        )
        board = await bench_line.until(
            lambda topic, document: topic == "board" and any(x["state"] == "acknowledged" for x in document["guidance"])
        )
        assert board["guidance"][0]["id"] == hold["id"]
        await shown_by_the_gateway(bench_line)
    offline = await bench_line.until(lambda topic, document: topic == "status" and not document["online"])
    assert offline["version"]
    assert (await ask("audit", "verify", "--config", str(bench_line.configuration)))["audit"] == "ok"
    buffer = await ask("buffer", "status", "--config", str(bench_line.configuration))
    assert buffer["guidance"] == buffer["evidence"] == buffer["parked"] == 0


async def shown_by_the_gateway(line):
    """What commands read of a gateway that runs: the tags as they are, and its status."""
    directory = read(line.configuration)[0].store.directory
    shown = await asyncio.to_thread(live_tags, directory)
    assert shown.by == "gateway"
    assert {tag.quality for tag in shown.tags} == {QualityWord.GOOD}
    assert all(tag.usable and tag.unit for tag in shown.tags)
    assert (await asyncio.to_thread(live_status, directory))["sources"]["plc1"] == "connected"


RUBBISH = [
    b"\x00\xff\xfe\x80 binary rubbish", b"{", b"[]", b"3", b"null", b'{"result": NaN}', b"[" * 50_000,
    b'{"sample_id": "S", "result": 1e999, "material_lot": "L"}', b'{"test_name": "pH", "result": 1, "spec_min": "x"}',
    b'{"sample_id": {"a": 1}, "test_name": 3.5, "result": "n.d."}',
    b'{"x": "' + b"a" * 300_000 + b'"}',
]  # fmt: skip


async def test_rubbish_on_every_topic_goes_to_the_dead_letters_and_nothing_valid_is_lost(bench_line):
    topics = ["lims/results/qc", "lims/results/a/b/c", CONTEXT, f"{TOPIC_ROOT}/response/T-07"]
    async with bench_line.gateway():
        for topic in topics:
            for payload in RUBBISH:
                await bench_line.publish(topic, payload)
        await bench_line.result(sample_id="S-good", test_id="pH", value=7.0, material_lot_id="LOT-1")
        assert (await bench_line.disposition_of("S-good"))["recommendation"] == "review"  # its product is unknown
        async with asyncio.timeout(90):
            while len(bench_line.of("dead-letter")) < len(topics) * len(RUBBISH):
                bench_line.arrived.clear()
                await bench_line.arrived.wait()
    letters = bench_line.of("dead-letter")
    assert len(letters) == len(topics) * len(RUBBISH)
    assert all(letter["reasons"] and letter["reasons"][0]["text"].endswith(".") for letter in letters)
    assert len({letter["id"] for letter in letters}) == len(letters)
    buffer = await ask("buffer", "status", "--config", str(bench_line.configuration))
    assert buffer["dead_letters"] == len(letters)


async def test_lots_and_samples_may_be_called_anything(bench_line):
    names = ["LOT/1", "A+B", "C#D", "100%", "a  b", "Lös/ung\x07", "x" * 250]
    async with bench_line.gateway():
        for name in names:
            await bench_line.result(sample_id=name, test_id="pH", value=9.9, material_lot_id=name)
        for name in names:
            disposition = await bench_line.disposition_of(normalised(name))
            assert disposition["material_lot_id"] == normalised(name)


async def test_an_outage_of_the_broker_never_stalls_ingest_and_everything_arrives_afterwards(bench_line):
    mosquitto = bench_line.broker.mosquitto
    async with bench_line.gateway():
        await bench_line.until(lambda topic, _document: topic.startswith("prediction/"))
        await mosquitto.stop()
        with closing(read_state(bench_line.folder / "store")) as connection:
            count = "SELECT count(*) FROM prediction"
            (before,) = connection.execute(count).fetchone()
            async with asyncio.timeout(90):  # two models twice a second go on without a broker
                while connection.execute(count).fetchone()[0] < before + 8:
                    await asyncio.sleep(0.1)
        bench_line.messages.clear()
        await mosquitto.start()
        await bench_line.until(lambda topic, _document: topic.startswith("prediction/"), seconds=120)  # we hear again
        await bench_line.result(sample_id="S-after", test_id="pH", value=9.9, material_lot_id="L")
        await bench_line.disposition_of("S-after")


async def test_values_flow_again_after_the_opc_ua_server_was_gone(bench_line):
    def accepted(topic, document):
        return topic == "prediction/R1/ph" and document["verdict"]["accepted"]

    async with bench_line.gateway():
        await bench_line.until(accepted)
        await bench_line.server.stop()
        await bench_line.until(
            lambda topic, document: topic == "status" and document["sources"].get("plc1") == "disconnected"
        )
        abstained = await bench_line.until(
            lambda topic, document: topic == "prediction/R1/ph" and document["verdict"]["reasons"][:1]
        )
        assert abstained["value"] is None
        bench_line.messages.clear()
        await bench_line.server.start()
        await bench_line.until(accepted, seconds=120)


async def test_a_gateway_without_tags_and_models_still_judges_results(bench_line):
    text = bench_line.configuration.read_text()
    keep = [text[: text.index("[opcua.plc1]")], text[text.index("[mqtt]") : text.index("[[model]]")]]
    bench_line.write_configuration("\n".join(keep))
    async with bench_line.gateway():
        await bench_line.result(sample_id="S-1", test_id="pH", value=9.9, material_lot_id="L", product="FG-100")
        assert (await bench_line.disposition_of("S-1"))["recommendation"] == "hold"


async def test_mqtt_3_1_1_works_and_leaves_no_stale_board_behind(bench_line):
    text = bench_line.configuration.read_text().replace('protocol = "5"', 'protocol = "3.1.1"')
    bench_line.write_configuration(text)
    async with bench_line.gateway():
        await bench_line.result(sample_id="S-1", test_id="pH", value=9.9, material_lot_id="L")
        await bench_line.disposition_of("S-1")
        await bench_line.until(lambda topic, document: topic == "board" and document)
    assert ("board", {}) in bench_line.messages  # cleared by an empty retained message


async def test_a_bad_configuration_lists_every_error_and_ends_with_2(bench_line):
    text = (
        bench_line.configuration.read_text()
        .replace("client_id", "client_idd")
        .replace("[store]", "[stores]\nx = 1\n[store]")
    )
    bench_line.write_configuration(text)
    with pytest.raises(GatewayFailedError, match="ended with 2") as caught:
        async with bench_line.gateway():
            pass
    assert "did you mean client_id?" in str(caught.value)
    assert "stores" in str(caught.value)


async def test_every_prediction_keeps_what_it_stood_on(bench_line):
    async with bench_line.gateway():
        await bench_line.until(
            lambda topic, document: topic.startswith("prediction/") and document["verdict"]["accepted"]
        )
    with closing(read_state(bench_line.folder / "store")) as connection:
        connection.row_factory = sqlite3.Row
        row = connection.execute("SELECT body FROM prediction WHERE accepted = 1 LIMIT 1").fetchone()
    features = json.loads(row["body"])["features"]
    assert len(features["names"]) == len(features["values"]) == len(features["evidence"])
    assert all(evidence["count"] and evidence["samples_sha256"] for evidence in features["evidence"])
