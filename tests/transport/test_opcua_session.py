"""The OPC UA edge against a real asyncua server: namespaces, qualities, types, several servers, return."""

from datetime import datetime

import pytest
from asyncua import ua

from gateway.errors import SourceUnavailableError
from gateway.history.memory.rings import Rings
from gateway.history.windows import WindowRequest
from gateway.records.process import Quality, quality_of
from gateway.transport.opcua_browse import browse, read_once
from gateway.transport.opcua_connection import OpcUaSource
from gateway.transport.opcua_values import sample_of
from simulator.broker import free_port
from tests.fixtures.building import NOW_NS
from tests.fixtures.opcua_feed import URI, Listener, PlantOfTags, source_of


async def test_values_come_with_quality_and_source_time():
    async with PlantOfTags(free_port()) as plant, Listener(source_of(plant.url, "T")).running() as listener:
        await listener.until("T", lambda value, _status: value == 20.5)
        await plant.write("T", 21.5, status=ua.StatusCodes.UncertainLastUsableValue)
        await listener.until("T", lambda value, status: value == 21.5 and quality_of(status) is Quality.UNCERTAIN)
        before = listener.rings.by_tag["T"].last_ns
        await plant.write("T", 22.5)
        await listener.until("T", lambda value, _status: value == 22.5)
        assert listener.rings.by_tag["T"].last_ns > before


async def test_numbers_of_every_kind_are_taken_and_what_is_no_number_is_bad():
    async with PlantOfTags(free_port()) as plant, Listener(source_of(plant.url, *"TNBSA")).running() as listener:
        await listener.until("N", lambda value, _status: value == 7.0)
        await listener.until("B", lambda value, _status: value == 1.0)
        for tag in "SA":
            await listener.until(tag, lambda value, _status: value is not None)
            value, status = listener.last(tag)
            assert value != value
            assert quality_of(status) is Quality.BAD


async def test_several_servers_at_once_and_one_that_is_down_does_not_hold_up_the_other():
    down = source_of(f"opc.tcp://127.0.0.1:{free_port()}", "X", name="plc2")
    async with PlantOfTags(free_port()) as plant, Listener(source_of(plant.url, "T"), down).running() as listener:
        await listener.until("T", lambda value, _status: value == 20.5)
        await listener.until_states(True)
    assert listener.states[0] == ("plc1", True)


async def test_data_flow_again_after_a_restart_with_another_namespace_order():
    port = free_port()
    listener = Listener(source_of(f"opc.tcp://127.0.0.1:{port}/test", "T"))
    async with listener.running():
        async with PlantOfTags(port) as plant:
            await listener.until("T", lambda value, _status: value == 20.5)
            await plant.write("T", 30.0)
            await listener.until("T", lambda value, _status: value == 30.0)
        await listener.until("T", lambda _value, status: status is not None and quality_of(status) is Quality.BAD)
        async with PlantOfTags(port, padding=3):
            await listener.until("T", lambda value, _status: value == 20.5, seconds=30)
            await listener.until_states(True, False, True)
    assert [up for _, up in listener.states] == [True, False, True, False]


async def test_a_node_that_does_not_exist_does_not_cost_the_others():
    async with PlantOfTags(free_port()) as plant, Listener(source_of(plant.url, "T", "missing")).running() as listener:
        session, refused = listener.sessions[0], {"missing": "BadNodeIdUnknown"}
        await listener.until("T", lambda value, _status: value == 20.5 and session.refused_nodes == refused)


async def test_a_missing_namespace_is_told_with_what_is_there():
    async with PlantOfTags(free_port()) as plant:
        source = OpcUaSource(name="p", url=plant.url, nodes={"t": "nsu=urn:other;s=T"}, publishing_interval_ms=50,
                             sampling_interval_ms=50)  # fmt: skip
        readings = await read_once(source, now_ns=NOW_NS)
    assert readings["t"].sample is None
    assert "no namespace urn:other; it has" in readings["t"].problem
    assert URI in readings["t"].problem


async def test_a_tag_with_an_unknown_namespace_does_not_cost_the_others():
    async with PlantOfTags(free_port()) as plant:
        nodes = {"T": f"nsu={URI};s=T", "lost": "nsu=urn:other;s=T"}
        source = OpcUaSource(name="p", url=plant.url, nodes=nodes, publishing_interval_ms=50, sampling_interval_ms=50)
        async with Listener(source).running() as listener:
            await listener.until("T", lambda value, _status: value == 20.5)
            assert set(listener.sessions[0].refused_nodes) == {"lost"}


@pytest.mark.parametrize("moment", [None, datetime(1601, 1, 1), datetime(9999, 12, 31)])  # noqa: DTZ001 - as asyncua gives
def test_times_that_are_none_or_beyond_int64_cost_nothing_but_themselves(moment):
    value = ua.DataValue(ua.Variant(1.0, ua.VariantType.Double), SourceTimestamp=moment, ServerTimestamp=moment)
    rings = Rings({"t": "s"}, capacity=10)
    rings.add_notification("s", [sample_of("t", value, NOW_NS)], confirmed_ns=NOW_NS)
    window = rings.window(WindowRequest(tag="t", start_ns=0, end_ns=NOW_NS))
    assert window.held_ns.tolist() == [NOW_NS]
    believed = moment is None or moment.year == 1601
    assert (quality_of(int(window.statuses[0])) is Quality.GOOD) == believed


async def test_a_server_that_is_not_there_is_told():
    with pytest.raises(SourceUnavailableError, match="cannot be reached"):
        await browse(source_of(f"opc.tcp://127.0.0.1:{free_port()}"), most=5)


async def test_browsing_names_nodes_as_the_configuration_wants_them():
    async with PlantOfTags(free_port(), padding=2) as plant:
        node_at = {node.path: node for node in (await browse(source_of(plant.url), most=100)).variables}
    assert node_at["/T"].node == f"nsu={URI};s=T"
    assert node_at["/T"].data_type == "Double"
