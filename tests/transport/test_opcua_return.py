"""OPC UA that comes back: what was missed is filled or on record, what is wrong with clocks and servers is noticed."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby

import pytest
from asyncua import ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.errors import SourceUnavailableError
from gateway.history.windows import WindowRequest, aggregate
from gateway.line.definition import Aggregate
from gateway.records.process import GapKind, Quality, quality_of
from gateway.time_units import SECOND_NS
from gateway.transport.opcua_connection import Security
from simulator.broker import free_port
from simulator.faults import Fault, FaultyLink
from tests.fixtures.opcua_feed import Listener, PlantOfTags, source_of


@pytest.fixture(autouse=True)
def _sooner_signs_of_life(monkeypatch):
    """A server whose values stand still shows every other second that it lives; after two its clock is known."""
    monkeypatch.setattr("gateway.transport.opcua_subscription._KEEPALIVE_SECONDS", 2.0)


def good(expected):
    return lambda value, status: value == expected and quality_of(status) is Quality.GOOD


def bad(_value, status):
    return status is not None and quality_of(status) is Quality.BAD


async def until(condition, seconds=90):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def through_a_link(**plant):
    """A feed that reaches its server by a link, and the server's own writes past it."""
    port = free_port()
    async with (
        PlantOfTags(free_port(), **plant) as server,
        FaultyLink(port=int(server.url.split(":")[2].split("/")[0]), listen=port) as link,
    ):
        listener = Listener(source_of(f"opc.tcp://127.0.0.1:{port}/test", "T"))
        async with listener.running():
            await listener.until("T", good(20.5))
            yield server, link, listener


async def test_a_dialled_address_that_is_not_the_endpoints_own_is_normal():
    async def elsewhere(server):
        server.socket_address = ("127.0.0.1", port)
        server.set_endpoint("opc.tcp://plc-behind-nat.example:4840/test")

    port = free_port()
    async with (
        PlantOfTags(port, prepare=elsewhere) as server,
        Listener(source_of(server.url, "T")).running() as listener,
    ):
        await listener.until("T", good(20.5))
        await server.write("T", 21.0)
        await listener.until("T", good(21.0))


async def test_what_was_missed_is_filled_from_the_servers_history_without_what_came_live():
    async with through_a_link(history=True) as (server, link, listener):
        link.set(Fault.REFUSE)
        await listener.until("T", bad)
        begun_ns = listener.clock.now_ns()
        for value in (30.0, 31.0, 32.0):
            await server.write("T", value)
            await asyncio.sleep(0.02)
        link.set(Fault.NONE)
        await listener.until("T", good(32.0))
        await until(listener.gaps)
        end_ns = listener.clock.now_ns()
        window = listener.rings.window(WindowRequest(tag="T", start_ns=begun_ns, end_ns=end_ns))
        (gap,) = listener.gaps()
    assert [float(value) for value in window.values if value == value] == [30.0, 31.0, 32.0]  # the last was told live
    assert aggregate(Aggregate.MEAN, window)[1] > 0.9
    assert (gap.kind, gap.subject) == (GapKind.DISCONNECTED, "plc1")
    assert gap.details == {"filled_samples": 2, "tags_without_history": [], "read_to_the_end": True}
    assert gap.from_ns < gap.until_ns


async def test_where_the_server_has_no_history_the_gap_is_on_record_and_the_time_unknown():
    async with through_a_link() as (_server, link, listener):
        link.set(Fault.REFUSE)
        await listener.until("T", bad)
        lost_ns = listener.clock.now_ns()
        await asyncio.sleep(0.5)
        back_ns = listener.clock.now_ns()
        link.set(Fault.NONE)
        await listener.until("T", good(20.5))
        await until(listener.gaps)
        window = listener.rings.window(WindowRequest(tag="T", start_ns=lost_ns, end_ns=back_ns))
        (gap,) = listener.gaps()
    assert aggregate(Aggregate.MEAN, window) == (None, 0.0)
    assert gap.details == {"filled_samples": 0, "tags_without_history": ["T"], "read_to_the_end": True}


async def test_a_link_that_swallows_everything_is_noticed_and_no_session_is_left_behind(monkeypatch):
    monkeypatch.setattr("gateway.transport.opcua_client._SESSION_TIMEOUT_MS", 8_000)
    async with through_a_link() as (server, link, listener):
        link.set(Fault.SWALLOW)
        await listener.until("T", bad, seconds=90)
        link.set(Fault.NONE)
        await server.write("T", 40.0)
        await listener.until("T", good(40.0), seconds=90)
        server.server.iserver.min_session_timeout_ms = 0
        await until(lambda: server.sessions == 1, seconds=45)


async def test_a_notification_lost_on_the_way_is_asked_for_again():
    async with through_a_link() as (server, _link, listener):
        (subscription,) = server.subscriptions()
        real = subscription._pop_publish_result

        def losing(*arguments):
            result = real(*arguments)
            subscription._pop_publish_result = real
            if not result.NotificationMessage.NotificationData:
                subscription._pop_publish_result = losing
                return result
            stand_in = ua.PublishResult(SubscriptionId=result.SubscriptionId)  # a keep-alive goes in its place
            stand_in.NotificationMessage.SequenceNumber = result.NotificationMessage.SequenceNumber
            return stand_in

        subscription._pop_publish_result = losing
        await server.write("T", 50.0)
        await asyncio.sleep(0.3)
        await server.write("T", 51.0)
        await listener.until("T", good(51.0))
        now_ns = listener.clock.now_ns()
        window = listener.rings.window(WindowRequest(tag="T", start_ns=now_ns - 5 * SECOND_NS, end_ns=now_ns))
    assert 50.0 in window.values.tolist()
    assert listener.gaps() == []


async def test_a_notification_that_cannot_be_had_again_is_a_gap_and_all_values_are_told_anew():
    async with through_a_link() as (server, _link, listener):
        (subscription,) = server.subscriptions()
        subscription._notification_seq += 5
        await server.write("T", 60.0)
        await listener.until("T", good(60.0))
        await until(lambda: GapKind.SEQUENCE in [gap.kind for gap in listener.gaps()])
        await until(lambda: [up for _name, up in listener.states][-2:] == [False, True])
        await listener.until("T", good(60.0))


async def test_an_overflow_of_the_servers_queue_is_a_gap_of_that_tag():
    async with through_a_link() as (server, _link, listener):
        before_ns = listener.rings.by_tag["T"].last_ns
        await asyncio.sleep(0.3)
        await server.write("T", 70.0, status=0x480)
        await listener.until("T", good(70.0))
        await server.write("T", 71.0, status=0x480)
        await listener.until("T", good(71.0))
        now_ns = listener.clock.now_ns()
        window = listener.rings.window(WindowRequest(tag="T", start_ns=before_ns, end_ns=now_ns))
        assert listener.gaps() == []  # it goes on
        await server.write("T", 72.0)
        await until(listener.gaps)
        (gap,) = listener.gaps()
    assert gap.details == {"times": 2}
    assert (gap.kind, gap.subject, gap.from_ns) == (GapKind.OVERFLOW, "T", before_ns)
    assert aggregate(Aggregate.MEAN, window)[1] < 0.9


async def test_what_could_not_be_read_of_a_hole_stays_unknown_though_the_part_before_it_was_filled(monkeypatch):
    monkeypatch.setattr("gateway.ingest.holes._FILL_SLICE_NS", SECOND_NS // 5)
    monkeypatch.setattr("gateway.ingest.backfill._FILL_AGAIN_SECONDS", 0.01)
    async with through_a_link(history=True) as (server, link, listener):
        (feed,) = listener.feeds
        real, ends = feed._session.read_history, []

        async def breaking_off(tags, *, start_ns, end_ns):
            if ends and end_ns > ends[0]:
                raise SourceUnavailableError("not any more")
            ends.append(end_ns)
            return await real(tags, start_ns=start_ns, end_ns=end_ns)

        feed._session.read_history = breaking_off
        link.set(Fault.REFUSE)
        await listener.until("T", bad)
        await asyncio.sleep(1)
        await server.write("T", 80.0)
        link.set(Fault.NONE)
        await listener.until("T", good(80.0))
        await until(listener.gaps)
        (gap,) = listener.gaps()
        unread = WindowRequest(tag="T", start_ns=ends[0] + SECOND_NS // 10, end_ns=ends[0] + SECOND_NS // 2)
        window = listener.rings.window(unread)
    assert aggregate(Aggregate.MEAN, window) == (None, 0.0)
    assert gap.details["read_to_the_end"] is False


async def test_requests_are_cut_to_what_the_server_takes_at_once():
    calls = []

    async def small(server):
        node = server.get_node(
            ua.NodeId(ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall)
        )
        await node.write_value(ua.DataValue(ua.Variant(2, ua.VariantType.UInt32)))

    async with PlantOfTags(free_port(), prepare=small) as plant:
        service = plant.server.iserver.subscription_service
        real = service.create_monitored_items

        async def counted(parameters, *rest, **more):
            calls.append(len(parameters.ItemsToCreate))
            return await real(parameters, *rest, **more)

        service.create_monitored_items = counted
        async with Listener(source_of(plant.url, *"TNBSA")).running() as listener:
            await listener.until("B", lambda value, _status: value == 1.0)
    assert calls == [2, 2, 1]


async def test_a_subscription_that_brings_no_data_is_not_taken_for_a_connection():
    async with PlantOfTags(free_port()) as plant:
        service = plant.server.iserver.subscription_service
        real, silent = service.create_monitored_items, [True]

        async def mute(parameters, *rest, **more):
            results = await real(parameters, *rest, **more)
            if silent[0]:
                for subscription in plant.subscriptions():
                    subscription._triggered_datachanges.clear()
            return results

        service.create_monitored_items = mute
        async with Listener(source_of(plant.url, "T")).running() as listener:
            await asyncio.sleep(6)
            assert listener.states == []
            silent[0] = False
            await listener.until("T", good(20.5), seconds=90)


@pytest.mark.parametrize("skew", [timedelta(hours=1), timedelta(hours=-1)])
async def test_values_of_a_source_whose_clock_is_wrong_are_bad_and_that_is_alarmed_until_it_is_right(skew):
    async with PlantOfTags(free_port()) as plant, Listener(source_of(plant.url, "T")).running() as listener:
        await listener.until("T", good(20.5))
        for at in range(8):
            await plant.write("T", 30.0 + at, at=datetime.now(UTC) + skew)
            await listener.until("T", lambda value, _status, at=at: value == 30.0 + at)
        assert bad(*listener.last("T"))
        await until(lambda: listener.conditions["CLOCK_SKEW_PLC1"])
        assert abs(listener.skews["plc1"]) > 3000
        for at in range(12):
            await plant.write("T", 50.0 + at)
            await asyncio.sleep(0.12)
        if skew > timedelta(0):  # the value of the future has passed the ring by
            await until(lambda: not listener.conditions["CLOCK_SKEW_PLC1"])
            await plant.write("T", 99.0)
            await listener.until("T", good(99.0))


async def test_without_a_source_time_the_servers_counts_and_says_so():
    async with PlantOfTags(free_port()) as plant, Listener(source_of(plant.url, "T")).running() as listener:
        await listener.until("T", good(20.5))
        taken = []
        listener.feeds[0]._history._historian.record = taken.extend
        data = ua.DataValue(ua.Variant(33.0, ua.VariantType.Double), ServerTimestamp=datetime.now(UTC))
        await plant.server.write_attribute_value(plant.variables["T"].nodeid, data)
        await listener.until("T", good(33.0))
    assert "SERVER_TIME" in {sample.flags.name for sample in taken if sample.series == "T"}


# --- certificates


async def certificate(folder, name, uri):
    await setup_self_signed_certificate(
        folder / f"{name}.pem", folder / f"{name}.der", uri, "localhost",
        [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH], {},
    )  # fmt: skip
    return folder / f"{name}.der", folder / f"{name}.pem"


async def test_a_server_that_renews_its_certificate_is_trusted_once_the_new_one_is_pinned_too(tmp_path):
    pinned = tmp_path / "pinned"
    pinned.mkdir()
    own, own_key = await certificate(tmp_path, "gateway", "urn:labline:gateway")
    first, first_key = await certificate(tmp_path, "first", "urn:freeopcua:python:server")
    second, second_key = await certificate(tmp_path, "second", "urn:freeopcua:python:server")
    (pinned / "first.der").write_bytes(first.read_bytes())

    def protected(file, key):
        async def prepare(server):
            await server.load_certificate(str(file))
            await server.load_private_key(str(key))
            server.set_security_policy([ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])

        return prepare

    port = free_port()
    source = source_of(f"opc.tcp://127.0.0.1:{port}/test", "T", security=Security(
        policy="Basic256Sha256", mode="SignAndEncrypt", certificate=own, private_key=own_key, server_certificate=pinned
    ))  # fmt: skip
    listener = Listener(source)
    async with listener.running():
        async with PlantOfTags(port, prepare=protected(first, first_key)):
            await listener.until("T", good(20.5))
        async with PlantOfTags(port, prepare=protected(second, second_key)):
            await until(lambda: listener.conditions.get("CERTIFICATE_UNTRUSTED_PLC1"))
            (pinned / "second.der").write_bytes(second.read_bytes())
            await listener.until("T", good(20.5), seconds=90)
            await until(lambda: listener.states[-1] == ("plc1", True))
            assert not listener.conditions["CERTIFICATE_UNTRUSTED_PLC1"]


async def test_a_long_hole_is_filled_slice_by_slice_and_goes_on_where_it_was_broken_off(monkeypatch):
    monkeypatch.setattr("gateway.ingest.holes._FILL_SLICE_NS", SECOND_NS // 10)
    monkeypatch.setattr("gateway.ingest.backfill._FILL_AGAIN_SECONDS", 0.01)
    read_stretches = []
    async with through_a_link(history=True) as (server, link, listener):
        (feed,) = listener.feeds
        real = feed._session.read_history

        async def broken_now_and_then(tags, *, start_ns, end_ns):
            read_stretches.append((start_ns, end_ns))
            if len(read_stretches) % 2:
                raise SourceUnavailableError("not now")
            return await real(tags, start_ns=start_ns, end_ns=end_ns)

        feed._session.read_history = broken_now_and_then
        link.set(Fault.REFUSE)
        await listener.until("T", bad)
        begun_ns = listener.clock.now_ns()
        written = [float(value) for value in range(100, 120)]
        for value in written:
            await server.write("T", value)
            await asyncio.sleep(0.02)
        link.set(Fault.NONE)
        await listener.until("T", good(written[-1]))
        await until(listener.gaps)
        end_ns = listener.clock.now_ns()
        window = listener.rings.window(WindowRequest(tag="T", start_ns=begun_ns, end_ns=end_ns))
        (gap,) = listener.gaps()
    known = [float(value) for value in window.values if value == value]
    assert [value for value, _again in groupby(known)] == written  # a slice begins with what held at its start
    assert aggregate(Aggregate.MEAN, window)[1] > 0.9
    assert gap.details["filled_samples"] == len(written) - 1
    assert len(set(read_stretches)) > 3
