"""An OPC UA session with a server that misbehaves: what is bad costs only itself, and is said."""

import asyncio
import math
import struct
import time
from types import SimpleNamespace

import pytest
from asyncua import ua
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import SourceUnavailableError
from tests.fixtures.opcua_scripted_server import DOUBLE, UNDECODABLE, ScriptedPlant


async def test_connections_01_a_stalled_item_makes_its_tag_unknown_and_is_made_anew():
    plant = ScriptedPlant(A=7.0, B=7.0)
    await plant.subscribe()
    await plant.tell("A", "B")
    before = plant.server.handle_of("A")
    for _second in range(29):
        plant.clock.seconds += 1
        await plant.tell("B")
    plant.server.values["A"] = 300.0
    await plant.look(after=2.0)
    await plant.look(after=3.0)
    assert frozenset({"A"}) in [each.lost_tags for each in plant.notifications]
    assert plant.server.handle_of("A") != before
    await plant.tell(raw={"A": b"\x0b" + struct.pack("<d", 300.0)})
    assert plant.last("A") == (300.0, True)
    assert plant.alarms() == set()


async def test_connections_01_an_item_made_anew_that_stays_silent_is_alarmed_and_read_instead():
    plant = ScriptedPlant(A=7.0, B=7.0)
    await plant.subscribe()
    await plant.tell("A", "B")
    plant.server.values["A"] = 300.0
    for _second in range(60):
        await plant.tell("B")
        await plant.look(after=1.0)
    assert plant.alarms() == {"ITEMS_SILENT_PLC1"}
    assert "told no more" in plant.tag_reasons["A"]
    plant.server.values["A"] = 400.0
    for _second in range(6):
        await plant.look(after=1.0)
    assert plant.last("A") == (400.0, True)
    await plant.try_again()
    assert [each.lost_tags for each in plant.notifications if each.lost_tags] == [frozenset({"A"})]
    await plant.tell(raw={"A": DOUBLE})
    assert plant.alarms() == set()


async def test_connections_01_where_most_items_are_silent_the_client_is_made_anew_but_not_all_the_time():
    plant = ScriptedPlant(A=7.0, B=7.0, C=7.0)
    await plant.subscribe()
    await plant.tell("A", "B", "C")
    plant.server.values |= {"A": 8.0, "B": 8.0}

    async def go_on(seconds):
        for second in range(seconds):
            plant.server.values |= {"A": 9.0 + second, "B": 9.0 + second}
            await plant.tell("C")
            await plant.look(after=1.0)

    with pytest.raises(SourceUnavailableError, match="no longer reports changes"):
        await go_on(60)
    await plant.subscribe()
    await plant.tell("A", "B", "C")
    await go_on(60)
    assert plant.alarms() == {"ITEMS_SILENT_PLC1"}
    assert plant.last("A")[0] > 60


async def test_connections_25_drift_within_a_dead_band_needs_no_reconnect_and_loses_the_tag_once():
    plant = ScriptedPlant(A=7.0)
    await plant.subscribe()
    await plant.tell("A")
    for second in range(300):
        plant.server.values["A"] = 7.0 + second / 1000
        marks = len([each for each in plant.notifications if each.lost_tags])
        await plant.look(after=1.0)
        if len([each for each in plant.notifications if each.lost_tags]) > marks:
            await plant.tell("A")  # the first value of the item made anew
    assert len([each for each in plant.notifications if each.lost_tags]) == 1
    assert abs(plant.last("A")[0] - plant.server.values["A"]) <= 0.006
    assert plant.alarms() == set()
    assert not any(each.confirms for each in plant.notifications if each.server_ns is None)


@pytest.mark.parametrize(
    "raw",
    [
        UNDECODABLE,
        b"\x3f\x00",  # no type that there is
        b"\x0c" + struct.pack("<i", 2**31 - 1) + b"cut",  # a text longer than the message
        b"\x8b" + struct.pack("<i", 2**30),  # an array longer than the message
    ],
)
async def test_connections_02_a_value_that_cannot_be_decoded_costs_only_its_tag(raw):
    plant = ScriptedPlant(A=7.0, B=7.0, C=7.0)
    await plant.subscribe()
    plant.server.values |= {"B": b"no value"}
    await plant.tell("A", raw={"B": raw, "C": DOUBLE})
    assert plant.last("A") == (7.0, True)
    await plant.look(after=1.0)
    assert plant.last("C") == (7.0, True)  # it stood behind: read at once
    value, good = plant.last("B")
    assert (math.isnan(value), good) == (True, False)
    assert plant.alarms() == {"TAGS_UNREADABLE_PLC1"}
    assert list(plant.tag_reasons) == ["B"]
    assert "cannot be decoded" in plant.tag_reasons["B"]
    assert not any(each.lost for each in plant.notifications)
    await plant.tell("A", "C")  # the others go on without it
    assert {node for _handle, node in plant.server.items.values()} == {"A", "C"}


async def test_connections_02_a_value_that_can_be_decoded_again_is_taken_again():
    plant = ScriptedPlant(A=7.0, B=7.0)
    await plant.subscribe()
    plant.server.values["B"] = b"no value"
    await plant.tell("A", raw={"B": UNDECODABLE})
    await plant.look(after=1.0)
    await plant.try_again()
    assert plant.alarms() == {"TAGS_UNREADABLE_PLC1"}
    plant.server.values["B"] = 8.0
    await plant.try_again()
    await plant.tell("B")
    assert plant.last("B") == (7.0, True)
    assert plant.alarms() == set()


async def test_connections_02_where_it_is_the_only_tag_the_source_is_not_connected():
    plant = ScriptedPlant(B=7.0)
    await plant.subscribe()
    await plant.tell(raw={"B": UNDECODABLE})
    await plant.upkeep.end_undecodable()
    with pytest.raises(SourceUnavailableError, match="none of its 1 tags can be had: B: cannot be decoded"):
        plant.subscription.require_tags()


async def test_connections_03_a_node_that_appears_later_is_had_then():
    plant = ScriptedPlant("A", "late", A=7.0)
    await plant.subscribe()
    assert plant.alarms() == {"NODES_REFUSED_PLC1"}
    assert plant.tag_reasons == {"late": "BadNodeIdUnknown"}
    plant.server.values["late"] = 1.0
    await plant.try_again()
    await plant.tell("late")
    assert plant.last("late") == (7.0, True)
    assert (plant.alarms(), plant.tag_reasons) == (set(), {})


async def test_connections_03_a_namespace_that_appears_later_is_had_then():
    plant = ScriptedPlant(A=7.0, L=7.0)
    plant.session._source.nodes["L"] = "nsu=urn:late;s=L"
    await plant.subscribe()
    assert "no namespace urn:late" in plant.tag_reasons["L"]
    plant.server.namespaces.append("urn:late")
    await plant.try_again()
    await plant.tell("L")
    assert plant.last("L") == (7.0, True)
    assert plant.alarms() == set()


async def test_connections_03_a_source_without_a_known_node_is_not_connected():
    plant = ScriptedPlant("A", "B")
    with pytest.raises(SourceUnavailableError, match="none of its 2 tags can be had: A: BadNodeIdUnknown"):
        await plant.subscribe()
    assert plant.alarms() == {"NODES_REFUSED_PLC1"}


async def test_connections_03_a_node_that_the_server_takes_away_is_said():
    plant = ScriptedPlant(A=7.0, B=7.0)
    await plant.subscribe()
    await plant.tell("A", "B")
    plant.server.values["B"] = None
    for _second in range(40):
        await plant.tell("A")
        await plant.look(after=1.0)
    assert frozenset({"B"}) in [each.lost_tags for each in plant.notifications]
    assert plant.tag_reasons == {"B": "BadNodeIdUnknown"}


async def test_connections_06_a_revised_publishing_interval_is_waited_for():
    plant = ScriptedPlant(A=7.0)
    plant.server.publishing_ms = 10_000.0
    await plant.subscribe()
    plant.session._pause = plant.pause
    plant.until_seconds, plant.then = 14.5, lambda: plant.tell("A")
    await plant.session._until_data(plant.subscription, plant.upkeep, None)
    assert plant.last("A") == (7.0, True)


async def test_connections_06_but_not_for_ever():
    plant = ScriptedPlant(A=7.0)
    plant.server.publishing_ms = 10_000.0
    await plant.subscribe()
    plant.session._pause = plant.pause
    with pytest.raises(SourceUnavailableError, match="brings no data"):
        await plant.session._until_data(plant.subscription, plant.upkeep, None)
    assert 15.0 < plant.clock.seconds < 17.0


async def test_connections_06_values_that_come_as_late_as_was_granted_do_not_skew_the_clock():
    plant = ScriptedPlant(A=7.0)
    plant.server.publishing_ms = 10_000.0
    await plant.subscribe()
    await plant.tell("A")
    assert plant.notifications[-1].delays_ns["A"] >= 10_000_000_000


@pytest.mark.parametrize("most", [100, 7, 1])
async def test_connections_07_a_server_that_takes_fewer_than_it_says_gets_fewer(most):
    names = {f"T{at}": 7.0 for at in range(300)}
    plant = ScriptedPlant(**names)
    plant.server.most_items = plant.server.most_reads = most
    await plant.subscribe()
    assert len(plant.server.items) == 300
    assert plant.alarms() == set()
    await plant.tell(*names)
    await plant.look(after=31.0)
    assert {name for names in plant.server.reads if len(names) <= most for name in names} <= names.keys()
    assert len({name for asked in plant.server.reads if len(asked) <= most for name in asked}) == 50


async def test_connections_07_items_that_are_refused_one_by_one_as_too_many_are_tried_again_with_fewer():
    names = {f"T{at}": 7.0 for at in range(30)}
    plant = ScriptedPlant(**names)
    real = plant.server.create_monitored_items

    async def few(parameters):
        results = await real(parameters)
        for result in results[10:]:
            del plant.server.items[result.MonitoredItemId]
            result.StatusCode = ua.StatusCode(ua.StatusCodes.BadTooManyOperations)
        return results

    plant.server.create_monitored_items = few
    await plant.subscribe()
    assert len(plant.server.items) == 30
    assert plant.alarms() == set()


async def test_connections_26_one_element_of_an_array_is_a_tag():
    plant = ScriptedPlant(A=[1.0, 2.0, 3.0, 4.0], indexes={"A": 3})
    await plant.subscribe()
    await plant.tell(raw={"A": b"\x8b" + struct.pack("<idddd", 4, 1.0, 2.0, 3.0, 4.0)})
    assert plant.last("A") == (4.0, True)
    await plant.tell(raw={"A": b"\x8b" + struct.pack("<idd", 2, 1.0, 2.0)})
    assert plant.last("A")[1] is False
    assert plant.tag_reasons["A"] == "is an array of 2, which has no element 3"
    assert plant.alarms() == {"TAGS_UNREADABLE_PLC1"}


async def test_first_plant_08_text_and_arrays_are_named_while_running():
    plant = ScriptedPlant(A=7.0, S=7.0, N=7.0)
    await plant.subscribe()
    await plant.tell(
        "N", raw={"A": b"\x8b" + struct.pack("<idd", 2, 1.0, 2.0), "S": b"\x0c" + struct.pack("<i", 2) + b"on"}
    )
    assert plant.tag_reasons == {
        "A": "is an array of 2; index = 0 takes its first element",
        "S": "is text, not a number",
    }
    await plant.tell("S")
    assert list(plant.tag_reasons) == ["A"]


async def test_connections_integers_that_would_be_rounded_are_refused_with_the_reason():
    plant = ScriptedPlant(A=7.0, B=7.0)
    await plant.subscribe()
    await plant.tell(raw={"A": b"\x08" + struct.pack("<q", 2**53 + 1), "B": b"\x08" + struct.pack("<q", -(2**53))})
    assert plant.last("A")[1] is False
    assert plant.last("B") == (-(2.0**53), True)
    assert plant.tag_reasons == {"A": "is an integer beyond 2^53, which cannot be held exactly"}


async def test_connections_14_values_count_from_their_arrival_where_that_is_configured():
    plant = ScriptedPlant(A=7.0, time_of="arrival")
    await plant.subscribe()
    await plant.tell("A")
    (sample,) = plant.notifications[-1].samples
    assert (sample.source_ns, sample.time_from) == (plant.clock.now_ns(), "gateway")


async def test_a_first_value_that_comes_before_the_item_is_granted_is_no_silence():
    plant = ScriptedPlant(A=7.0)
    real = plant.server.create_monitored_items

    async def early(parameters):
        results = await real(parameters)
        await plant.tell("A")
        return results

    plant.server.create_monitored_items = early
    await plant.subscribe()
    for _second in range(45):
        await plant.look(after=1.0)
    assert plant.alarms() == set()


async def test_connections_02_a_slow_server_is_asked_again_for_what_stood_behind():
    plant = ScriptedPlant(A=7.0, B=7.0, C=7.0)
    await plant.subscribe()
    plant.server.values |= {"B": b"no value"}
    real, slow = plant.server.read, [True]

    async def read(parameters):
        if slow[0]:
            raise TimeoutError
        return await real(parameters)

    plant.server.read = read
    await plant.tell("A", raw={"B": UNDECODABLE, "C": DOUBLE})
    await plant.look(after=1.0)
    assert plant.last("C") is None
    slow[0] = False
    await plant.look(after=1.0)
    assert plant.last("C") == (7.0, True)


@pytest.mark.parametrize("failure", [struct.error("cut"), ua.uaerrors.BadTooManyOperations()])
async def test_connections_02_07_one_tag_whose_history_cannot_be_had_costs_no_other(failure):
    async def history_read(parameters):
        names = [each.NodeId.Identifier for each in parameters.NodesToRead]
        if len(names) > 1 or (names == ["B"] and isinstance(failure, struct.error)):
            raise failure
        told = ua.DataValue(ua.Variant(1.0, ua.VariantType.Double))
        return [SimpleNamespace(StatusCode=ua.StatusCode(0), HistoryData=SimpleNamespace(DataValues=[told]),
                                ContinuationPoint=None)]  # fmt: skip

    plant = ScriptedPlant(A=7.0, B=7.0, C=7.0)
    await plant.subscribe()
    plant.session._subscribed.set()
    plant.server.history_read = history_read
    found = await plant.session.read_history(("A", "B", "C"), start_ns=1, end_ns=10**9)
    assert {"A", "C"} <= found.keys()


@given(st.lists(st.binary(max_size=24), min_size=1, max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_connections_02_whatever_bytes_come_a_good_value_before_them_counts(noise):
    async def told():
        plant = ScriptedPlant(A=7.0, B=7.0, C=7.0)
        await plant.subscribe()
        await plant.tell("A", raw={"B": b"".join(noise), "C": DOUBLE})
        return plant

    (notification,) = asyncio.run(told()).notifications
    first = notification.samples[0]
    assert (first.tag, first.value, first.status, notification.lost) == ("A", 7.0, 0, False)


@pytest.mark.parametrize("nested", [b"", b"\x98\x01\x00\x00\x00"], ids=["bare", "within an array of variants"])
async def test_connections_02_an_array_of_millions_of_nulls_costs_no_time(nested):
    plant = ScriptedPlant(A=7.0, B=7.0, C=7.0)
    await plant.subscribe()
    begun = time.process_time()
    await plant.tell("A", raw={"B": nested + b"\x80\xff\xff\xff\x00", "C": DOUBLE})  # 16 million, in four bytes
    assert time.process_time() - begun < 1
    assert plant.last("A") == (7.0, True)
    assert plant.last("B")[1] is False


async def test_connections_02_what_was_on_its_way_of_an_item_that_is_no_more_blames_no_other():
    plant = ScriptedPlant(A=7.0, B=7.0, C=7.0)
    await plant.subscribe()
    plant.server.values["B"] = b"no value"
    before = plant.server.handle_of("B")
    await plant.tell("A", raw={"B": UNDECODABLE})
    await plant.look(after=1.0)
    plant.server.items[99] = (before, "B")
    await plant.tell("A", raw={"B": UNDECODABLE, "C": DOUBLE})
    await plant.look(after=1.0)
    assert list(plant.tag_reasons) == ["B"]
    assert plant.last("C") == (7.0, True)
    assert not any(each.lost for each in plant.notifications)


async def test_connections_24_a_server_that_refuses_to_read_is_not_left():
    async def read(_parameters):
        raise ua.uaerrors.BadUserAccessDenied

    plant = ScriptedPlant("A", "late", A=7.0)
    plant.server.read = read
    await plant.subscribe()
    await plant.tell("A")
    for _second in range(70):
        await plant.look(after=1.0)
    await plant.try_again()
    assert plant.last("A") == (7.0, True)
    assert plant.tag_reasons == {"late": "BadNodeIdUnknown"}


async def test_a_session_that_is_gone_is_said_by_whatever_is_asked():
    async def read(_parameters):
        raise ua.uaerrors.BadSessionIdInvalid

    plant = ScriptedPlant(A=7.0)
    await plant.subscribe()
    await plant.tell("A")
    plant.server.read = read
    with pytest.raises(ua.uaerrors.BadSessionIdInvalid):
        await plant.look(after=31.0)
