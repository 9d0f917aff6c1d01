"""The edge node of Sparkplug on a real broker: births, data, deaths, rebirths, outages, and a primary host."""

import asyncio
import json
from dataclasses import replace

import pytest

from gateway.publish.sparkplug import telling
from gateway.transport.mqtt_connection import Connection
from tests.fixtures.building import assignment
from tests.fixtures.sparkplug import EdgeBench, Host, Wire, command


@pytest.fixture
async def wire(broker):
    async with Wire(broker.port) as wire:
        yield wire


@pytest.fixture
async def edge(tmp_path, wire):
    edge = EdgeBench(tmp_path, wire.port)
    yield edge
    edge.bench.connection.close()


@pytest.fixture
async def host(broker):
    async with Host(broker.port) as host:
        yield host


def by_name(birth):
    return {metric["name"]: metric for metric in birth.document["metrics"]}


def aliases(host, kind="DBIRTH"):
    birth = next(message for message in reversed(host.heard) if message.kind == kind)
    return {metric["alias"]: metric["name"] for metric in birth.document["metrics"] if "alias" in metric}


def named(host, message):
    """Return the metrics of data by the names that the birth has given to their aliases."""
    names = aliases(host, "DBIRTH" if message.device else "NBIRTH")
    return {names[metric["alias"]]: metric for metric in message.document["metrics"]}


async def test_the_births_come_first_and_have_every_metric_with_name_alias_datatype_and_value(edge, host):
    async with edge.running():
        node = await host.births(1)
        device = host.heard[1]
    assert host.kinds[:2] == ["NBIRTH", "DBIRTH"]
    assert device.device == "R1"
    assert (node.seq, device.seq) == (0, 1)
    assert {(message.qos, message.retained) for message in (node, device)} == {(0, False)}
    assert {message.document["timestamp"] for message in (node, device)} == {edge.clock.now_ns() // 10**6}
    metrics = by_name(node) | by_name(device)
    assert len({name.lower() for name in metrics}) == len(metrics)
    rebirth = metrics.pop("Node Control/Rebirth")
    assert (rebirth["datatype"], rebirth["value"], "alias" in rebirth) == (11, False, False)
    assert (metrics["bdSeq"]["datatype"], metrics["bdSeq"]["value"]) == (4, 0)
    given = [metric["alias"] for metric in (*by_name(node).values(), *by_name(device).values()) if "alias" in metric]
    assert len(set(given)) == len(given) == len(node.document["metrics"]) + len(device.document["metrics"]) - 1
    for metric in metrics.values():
        assert ("value" in metric) != bool(metric.get("is_null"))
        assert metric["datatype"] in {3, 4, 10, 11, 12}
        assert metric["timestamp"] == edge.clock.now_ns() // 10**6
    predicted = metrics["viscosity/Predicted"]["properties"]
    assert predicted["engUnit"] == (12, "mPa.s")
    assert predicted["Quality"] == (3, 0)
    assert {key: kind for key, (kind, _value) in predicted.items() if key in {"engLow", "engHigh"}} == {
        "engLow": 10, "engHigh": 10,
    }  # fmt: skip


async def test_a_prediction_is_data_of_its_equipment_by_alias_and_only_what_has_changed(edge, host):
    async with edge.running():
        await host.births(1)
        edge.predict(78.0)
        await host.until(lambda: "DDATA" in host.kinds)
        edge.predict(79.0)
        await host.until(lambda: host.kinds.count("DDATA") == 2)
        await edge.until_sent()
    first, second = (message for message in host.heard if message.kind == "DDATA")
    assert (first.qos, first.retained, first.device) == (0, False, "R1")
    assert [message.seq for message in host.heard if message.kind != "NDEATH"] == [0, 1, 2, 3]
    metrics = named(host, first)
    low, value, high = (metrics[f"viscosity/Predicted{end}"]["value"] for end in (" low", "", " high"))
    assert low < value < high
    assert metrics["viscosity/Verdict"]["value"] == "accepted"
    assert metrics["viscosity/Predicted"]["properties"] == {"Quality": (3, 192)}
    assert not any(metric.keys() & {"name", "datatype", "is_historical"} for metric in metrics.values())
    assert {metric["timestamp"] for metric in metrics.values()} == {edge.bench.now_ns // 10**6 - 1000}
    assert "viscosity/Verdict" not in named(host, second)


async def test_what_the_gates_abstain_from_is_null_and_bad_and_what_has_expired_is_stale(edge, host):
    async with edge.running():
        await host.births(1)
        edge.predict(78.0)
        await host.until(lambda: "DDATA" in host.kinds)
        edge.clock.passed += 3600.0  # no newer one comes
        edge.node.wake()
        await host.until(lambda: host.kinds.count("DDATA") == 2)
        stale = named(host, host.heard[-1])["viscosity/Predicted"]
        assert stale["properties"]["Quality"] == (3, 500)
        edge.bench.now_ns = edge.clock.now_ns()
        edge.predict(200.0)
        await host.until(lambda: host.kinds.count("DDATA") == 3)
        abstained = named(host, host.heard[-1])
        assert abstained["viscosity/Predicted"]["is_null"]
        assert abstained["viscosity/Predicted"]["properties"]["Quality"] == (3, 0)
        assert abstained["viscosity/Verdict"]["value"] == "abstained"
        host.ncmd(command())
        await host.births(2)
    device = [message for message in host.heard if message.kind == "DBIRTH"][-1]
    assert by_name(device)["viscosity/Predicted"]["is_null"]


async def test_a_rebirth_begins_again_at_zero_with_the_same_number_and_no_other_command_does_anything(edge, host):
    async with edge.running():
        first = await host.births(1)
        edge.predict(78.0)
        await host.until(lambda: "DDATA" in host.kinds)
        for wrong in (b"", b"\xff", command()[:-3], command(true=False), command("Node Control/Reboot"),
                      command("Setpoint/jacket"), b"\x12\xff\xff\xff\xff\x0f", bytes(1_000_000)):  # fmt: skip
            host.ncmd(wrong)
        host.publish("spBv1.0/lyon/DCMD/line-1/R1", command())
        edge.predict(79.0)
        await host.until(lambda: host.kinds.count("DDATA") == 2)
        assert host.kinds.count("NBIRTH") == 1
        host.ncmd(command())
        again = await host.births(2)
    assert again.seq == 0
    assert again.value("bdSeq") == first.value("bdSeq") == 0
    device = next(message for message in reversed(host.heard) if message.kind == "DBIRTH")
    assert by_name(device)["viscosity/Verdict"]["value"] == "accepted"


async def test_after_an_outage_the_birth_has_the_newest_and_what_waited_follows_as_historical(edge, host, wire):
    async with edge.running():
        await host.births(1)
        edge.predict(78.0)
        await host.until(lambda: "DDATA" in host.kinds)
        await edge.until_sent()
        await wire.cut()
        await host.until(lambda: "NDEATH" in host.kinds)
        for at in range(5):
            edge.predict(70.0 + at)
        await wire.mend()
        node = await host.births(2)
        await host.until(lambda: host.kinds.count("DDATA") == 2)
        edge.predict(78.0)
        await host.until(lambda: host.kinds.count("DDATA") == 3)
        await edge.until_sent()
    assert node.value("bdSeq") > 0
    device, past, live = host.heard[host.heard.index(node) + 1 :][:3]
    waited = [metric for metric in past.document["metrics"] if aliases(host)[metric["alias"]] == "viscosity/Predicted"]
    assert len(waited) == 4  # the fifth is in the birth
    assert all(metric["is_historical"] for metric in past.document["metrics"])
    times = [metric["timestamp"] for metric in (*waited, by_name(device)["viscosity/Predicted"])]
    assert times == sorted(set(times))
    assert not any("is_historical" in metric for metric in live.document["metrics"])


async def test_the_node_leaves_with_its_death_and_the_next_connection_has_the_next_number(edge, host):
    for number in range(2):
        async with edge.running():
            birth = await host.births(number + 1)
            assert birth.value("bdSeq") == number
        await host.until(lambda: host.kinds[-1] == "NDEATH")
        death = host.heard[-1]
        assert [metric["name"] for metric in death.document["metrics"]] == ["bdSeq"]
        assert death.value("bdSeq") == number
        assert death.seq is None
        assert not death.retained


async def test_a_device_dies_with_its_last_source_and_comes_back_with_it(edge, host):
    async with edge.running() as node:
        await host.births(1)
        edge.sources["plc1"] = False
        node.wake()
        await host.until(lambda: "DDEATH" in host.kinds)
        edge.predict(78.0)
        edge.predict(79.0)
        edge.sources["plc1"] = True
        node.wake()
        await host.until(lambda: host.kinds[-1] == "DDATA")
    assert host.kinds[:5] == ["NBIRTH", "DBIRTH", "DDEATH", "DBIRTH", "DDATA"]
    assert [message.seq for message in host.heard[:5]] == [0, 1, 2, 3, 4]
    death = host.heard[2]
    assert (death.device, death.qos, death.retained, death.document["metrics"]) == ("R1", 0, False, [])
    assert death.document["timestamp"] >= host.heard[1].document["timestamp"]
    assert all(metric["is_historical"] for metric in host.heard[4].document["metrics"])


class TestWithAPrimaryHost:
    @pytest.fixture
    async def edge(self, tmp_path, wire):
        edge = EdgeBench(tmp_path, wire.port, primary_host_id="scada")
        yield edge
        edge.bench.connection.close()

    async def test_nothing_is_born_until_that_host_is_online_and_it_goes_when_the_host_goes(self, edge, host):
        host.state(online=False, timestamp=5)
        async with edge.running():
            host.state(online=True, timestamp=9, host="other")
            edge.predict(78.0)
            async with asyncio.timeout(60):
                while not edge.conditions.get("SPARKPLUG_UNAVAILABLE"):
                    await asyncio.sleep(0.02)
            assert host.heard == []
            for not_a_state in (
                b"ONLINE",
                b"{}",
                b'{"online": "true", "timestamp": 6}',
                b'{"online": true}',
                b"[" * 9999,
            ):
                host.publish("spBv1.0/STATE/scada", not_a_state)
            host.state(online=True, timestamp=4)  # older than what it has said last
            host.state(online=True, timestamp=6)
            first = await host.births(1)
            assert first.value("bdSeq") == 0
            assert edge.conditions["SPARKPLUG_UNAVAILABLE"] is False
            host.state(online=False, timestamp=5)  # of a connection that is over
            edge.predict(79.0)
            await host.until(lambda: "DDATA" in host.kinds)
            assert "NDEATH" not in host.kinds
            host.state(online=False, timestamp=6)
            await host.until(lambda: "NDEATH" in host.kinds)
            heard = len(host.heard)
            edge.predict(80.0)
            edge.predict(81.0)
            host.state(online=True, timestamp=7)
            again = await host.births(2)
            assert again.value("bdSeq") == 1
            await host.until(lambda: host.kinds[-1] == "DDATA")
        assert "DDATA" not in [message.kind for message in host.heard[:heard]][3:]
        assert all(
            metric["is_historical"] for metric in [m for m in host.heard if m.kind == "DDATA"][-1].document["metrics"]
        )


async def test_a_suggested_setpoint_is_never_told_and_a_hold_is(edge, host):
    async with edge.running():
        await host.births(1)
        edge.bench.order()
        for _ in range(5):
            edge.predict(75.0)  # a viscosity of 112: it warns, suggests a setpoint and holds the lot
        await host.until(lambda: {"NDATA", "DDATA"} <= set(host.kinds))
    guidance = edge.bench.sent("guidance")
    assert any(document["suggestion"] for document in guidance)
    everything = json.dumps([message.document for message in host.heard])
    for document in guidance:
        if document["suggestion"]:
            assert document["title"] not in everything
    node = next(message for message in host.heard if message.kind == "NDATA")
    assert node.seq == host.heard[host.heard.index(node) - 1].seq + 1
    assert node.document["timestamp"] >= edge.bench.now_ns // 10**6 - 1000
    told = named(host, node)
    assert "bdSeq" not in told
    assert "Guidance/State" not in told
    assert told["Hold/Lot"]["value"] == "LOT/1"
    assert told["Disposition/Recommendation"]["value"] == "hold"
    assert told["Disposition/Provisional"]["value"] is True


@pytest.mark.parametrize("version_5", [True, False])
async def test_what_goes_over_the_wire_is_as_the_specification_says(tmp_path, wire, host, version_5):
    edge = EdgeBench(tmp_path, wire.port, version_5=version_5, primary_host_id="scada")
    async with edge.running():
        host.state(online=True, timestamp=1)
        await host.births(1)
        edge.predict(78.0)
        await edge.until_sent()
    edge.bench.connection.close()
    await host.until(lambda: "NDEATH" in host.kinds)
    packets = wire.packets()
    (first, connect), (_, subscribe) = packets[:2]
    assert first == CONNECT
    flags = connect[7]
    assert flags & 0x02  # clean session, clean start
    assert (flags & 0x04, (flags >> 3) & 3, flags & 0x20) == (4, 1, 0)  # a will, at QoS 1, not retained
    if version_5:
        properties = connect[10 : 11 + connect[10]]
        assert b"\x11\x00\x00\x00\x00" in properties  # the session expires with the connection
    assert b"spBv1.0/lyon/NDEATH/line-1" in connect
    assert {filter_: qos & 3 for filter_, qos in filters(subscribe, version_5)} == {
        "spBv1.0/lyon/NCMD/line-1": 1, "spBv1.0/STATE/scada": 1,
    }  # fmt: skip
    published = [first for first, _ in packets if first >> 4 == 3]
    assert set(published) == {0x30}  # QoS 0, not retained, each of them
    last, rest = packets[-1]
    assert last == DISCONNECT
    assert rest[:1] == (b"\x04" if version_5 else b"")  # "disconnect with will message"
    assert b"NDEATH" in packets[-2][1]


CONNECT, DISCONNECT = 0x10, 0xE0


def filters(subscribe, version_5):
    """Return the topic filters of a SUBSCRIBE with their options."""
    at = 2 + (1 + subscribe[2] if version_5 else 0)
    while at < len(subscribe):
        length = int.from_bytes(subscribe[at : at + 2], "big")
        yield subscribe[at + 2 : at + 2 + length].decode(), subscribe[at + 2 + length]
        at += 3 + length


async def test_a_subscription_to_commands_that_is_refused_is_no_session(tmp_path, wire, host, monkeypatch):
    edge = EdgeBench(tmp_path, wire.port)

    async def refused(_connection):
        return ("spBv1.0/lyon/NCMD/line-1",)

    monkeypatch.setattr(Connection, "subscribe", refused)
    async with edge.running(), asyncio.timeout(60):
        while not edge.conditions.get("SPARKPLUG_UNAVAILABLE"):
            await asyncio.sleep(0.02)
    edge.bench.connection.close()
    assert "NBIRTH" not in host.kinds


async def test_a_broker_that_takes_data_and_never_answers_is_left_and_nothing_is_taken_for_sent(
    tmp_path, wire, host, monkeypatch
):
    edge = EdgeBench(tmp_path, wire.port)

    async def never(_connection):
        await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(Connection, "confirmed", never)
    monkeypatch.setattr(telling, "_CONFIRM_SECONDS", 0.05)
    async with edge.running():
        edge.predict(78.0)
        await host.births(2)
    assert edge.bench.rows("SELECT DISTINCT sent FROM sparkplug_report") == [(0,)]
    edge.bench.connection.close()


async def test_what_has_waited_too_long_or_is_too_much_is_dropped_but_the_newest_of_each_subject(tmp_path, wire):
    edge = EdgeBench(tmp_path, wire.port, keep_reports=3)
    await wire.cut()
    async with edge.running() as node:
        for at in range(6):
            edge.predict(70.0 + at)
        await node.kept.tidy()
        assert (node.kept.figures.waiting, node.kept.figures.dropped) == (3, 3)
        edge.clock.passed += 2 * 86400.0
        await node.kept.tidy()
        assert (node.kept.figures.waiting, node.kept.figures.dropped) == (1, 5)
    edge.bench.connection.close()


async def test_a_version_with_other_metrics_has_everything_born_again(edge, host):
    async with edge.running() as node:
        await host.births(1)
        node.take_line(edge.bench.line)
        node.take_line(replace(edge.bench.line, models=(*edge.bench.line.models, assignment(equipment_id="R2"))))
        await host.births(2)
        await host.until(lambda: host.kinds.count("DBIRTH") == 3)
    assert {message.device for message in host.heard if message.kind == "DBIRTH"} == {"R1", "R2"}
