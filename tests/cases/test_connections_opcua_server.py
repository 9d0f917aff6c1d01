"""Browsing, checking and reading against one real server that has what real servers have: odd names and bad values."""

import asyncio
from contextlib import suppress
from types import SimpleNamespace

import pytest
import pytest_asyncio
from asyncua import ua
from asyncua.client.ua_client import UaClientState, UASocketProtocol
from asyncua.crypto.security_policies import SecurityPolicyNone

from gateway.errors import SourceUnavailableError
from gateway.transport.opcua_browse import browse, read_once
from gateway.transport.opcua_client import AnyAnswer, BoundedProtocol
from gateway.transport.opcua_connection import OpcUaSource, connected
from gateway.transport.opcua_nodes import node_text, resolved
from gateway.transport.opcua_values import misfit_of, sample_of, status_text
from tests.fixtures.building import NOW_NS
from tests.fixtures.opcua_feed import URI, source_of
from tests.fixtures.opcua_odd_server import odd_server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def odd(tmp_path_factory):
    async with odd_server(tmp_path_factory.mktemp("odd")) as server:
        yield server


def source(url, **nodes):
    return OpcUaSource(name="plc1", url=url, nodes=nodes, publishing_interval_ms=50, sampling_interval_ms=50,
                       indexes={"second": 1})  # fmt: skip


@pytest.mark.asyncio(loop_scope="module")
async def test_connections_15_one_value_that_cannot_be_decoded_costs_browsing_its_row_only(odd):
    found = {each.path: each for each in (await browse(source_of(odd.url), most=100)).variables}
    assert found["/R"].value == "BadDecodingError"
    assert found["/T"].value == "20.5"
    assert found["/X"].value == "4.5"


@pytest.mark.asyncio(loop_scope="module")
async def test_connections_10_15_check_names_each_cause_and_reads_the_others(odd):
    nodes = {
        "good": f"nsu={URI};s=T",
        "misspelt": f"nsu={URI};s=TT",
        "raw": "nsu=urn:odd%3B100%25%3Buri;s=R",
        "text": f"nsu={URI};s=S",
        "array": f"nsu={URI};s=A",
        "second": f"nsu={URI};s=A",
        "elsewhere": "nsu=urn:nowhere;s=T",
    }
    readings = await read_once(source(odd.url, **nodes), now_ns=NOW_NS)
    problems = {tag: reading.problem for tag, reading in readings.items()}
    assert problems["good"] is None
    assert readings["second"].sample.value == 2.0
    assert {tag: problems[tag] for tag in ("misspelt", "raw", "text", "array")} == {
        "misspelt": "BadNodeIdUnknown",
        "raw": "BadDecodingError",
        "text": "is text, not a number",
        "array": "is an array of 2; index = 0 takes its first element",
    }
    assert "the server has no namespace urn:nowhere" in problems["elsewhere"]


@pytest.mark.asyncio(loop_scope="module")
async def test_connections_20_what_browse_prints_is_what_the_configuration_takes(odd):
    browsed = {each.path: each.node for each in (await browse(source_of(odd.url), most=100)).variables}
    assert browsed["/X"] == "nsu=urn:odd%3B100%25%3Buri;s=X;y=%25"
    (reading,) = (await read_once(source(odd.url, odd=browsed["/X"]), now_ns=NOW_NS)).values()
    assert reading.sample.value == 4.5


@pytest.mark.asyncio(loop_scope="module")
async def test_connections_19_a_namespace_without_a_name_is_ignored(odd):
    found = await browse(source_of(odd.url), most=100)
    assert "/T" in {each.path for each in found.variables}
    assert (await read_once(source(odd.url, t=f"nsu={URI};s=T"), now_ns=NOW_NS))["t"].problem is None


@pytest.mark.asyncio(loop_scope="module")
async def test_first_plant_14_browse_says_how_many_there_are_beside_those_shown(odd):
    found = await browse(source_of(odd.url), most=2)
    assert len(found.variables) == 2
    assert found.total >= 7
    assert found.complete


def test_connections_19_nulls_among_the_namespaces_do_not_hide_the_others():
    known, refused = resolved({"a": "nsu=urn:b;s=A", "b": "nsu=urn:none;s=A"}, ["http://x", None, "urn:b", None])
    assert known["a"].NamespaceIndex == 2
    assert refused["b"].endswith("it has http://x, urn:b")
    assert node_text(ua.NodeId("A", 1), ["http://x", None]) is None


@pytest.mark.parametrize("uri", ["urn:plain", "urn:a;b", "urn:100%", "urn:%3B", "http://x/%20y;z"])
def test_connections_20_a_node_survives_its_way_into_the_configuration_and_back(uri):
    node = ua.NodeId("a;b=c", 1)
    text = node_text(node, ["http://opcfoundation.org/UA/", uri])
    known, _refused = resolved({"t": text}, ["http://opcfoundation.org/UA/", uri])
    assert known["t"] == node


def test_connections_20_a_uri_that_is_written_as_it_is_is_understood_as_well():
    known, _refused = resolved({"t": "nsu=urn:50%20off;s=A"}, ["http://x", "urn:50%20off"])
    assert known["t"].NamespaceIndex == 1


@pytest.mark.parametrize("status", [0x80050000, 0x80340000, 0x80000000])
def test_connections_10_a_bad_status_is_kept_where_there_is_no_value(status):
    value = ua.DataValue(None, ua.StatusCode(status))
    assert sample_of("t", value, NOW_NS).status == status
    assert misfit_of(value) is None


def test_connections_10_no_value_with_a_good_status_is_a_type_mismatch():
    value = ua.DataValue(ua.Variant(None, ua.VariantType.Null), ua.StatusCode(0))
    assert status_text(sample_of("t", value, NOW_NS).status) == "BadTypeMismatch"
    assert misfit_of(value) == "has no value"


def test_status_codes_are_told_by_name_whatever_their_info_bits():
    assert status_text(0x80340480) == "BadNodeIdUnknown"
    assert status_text(0x8FFF0000) == "status 0x8FFF0000"


def protocol_without_a_socket():
    protocol = BoundedProtocol(4, security_policy=SecurityPolicyNone())
    protocol.ended = []
    protocol.connection_made(SimpleNamespace(abort=lambda: protocol.ended.append("aborted"), close=lambda: None))
    return protocol


def test_attacks_20_a_chunk_that_drips_in_is_not_gathered_anew_with_every_packet(monkeypatch):
    taken = []
    monkeypatch.setattr(UASocketProtocol, "data_received", lambda _self, data: taken.append(len(data)))
    protocol = protocol_without_a_socket()
    chunk = b"MSGF" + (2**20).to_bytes(4, "little") + bytes(2**20 - 8)
    for at in range(0, len(chunk), 64):
        assert taken == []
        protocol.data_received(chunk[at : at + 64])
    protocol.data_received(chunk[:100])
    assert taken == [2**20]
    assert protocol.ended == []


@pytest.mark.parametrize("announced", [0, 7, 2**20 + 1, 2**31, 2**32 - 1])
def test_attacks_20_no_length_beyond_the_bounds_is_waited_for(announced):
    protocol = protocol_without_a_socket()
    protocol.data_received(b"MSGC" + announced.to_bytes(4, "little")[:2])
    assert protocol.ended == []
    protocol.data_received(announced.to_bytes(4, "little")[2:])
    assert protocol.ended == ["aborted"]
    assert "refused" in str(protocol.ended_by)
    protocol.data_received(b"MSGF" * 1000)  # what is still on its way
    assert not protocol._waiting


def test_attacks_20_chunks_without_an_end_are_bounded(monkeypatch):
    protocol = protocol_without_a_socket()
    monkeypatch.setattr(UASocketProtocol, "data_received", lambda self, data: grow(self, len(data)))

    def grow(receiver, length):
        receiver._connection._incoming_size += length

    chunk = b"MSGC" + (2**20).to_bytes(4, "little") + bytes(2**20 - 8)
    for _ in range(17):
        protocol.data_received(chunk)
    assert protocol.ended == ["aborted"]
    assert "more than 16 MiB" in str(protocol.ended_by)


async def test_connections_24_any_answer_to_the_watchdog_counts_as_alive():
    async def answering(error):
        async def read_attributes(_nodes, _attribute):
            raise error

        await AnyAnswer(SimpleNamespace(read_attributes=read_attributes)).read_value()

    await answering(ua.uaerrors.BadUserAccessDenied())
    await answering(ValueError("bytes that are no answer"))
    for gone in (ua.uaerrors.BadSessionIdInvalid(), ConnectionError("closed"), TimeoutError()):
        with pytest.raises(type(gone)):
            await answering(gone)


@pytest.mark.asyncio(loop_scope="module")
async def test_connections_24_a_server_that_denies_its_state_is_not_left(odd, monkeypatch):
    space = odd.server.iserver.aspace
    real = space.read_attribute_value

    def denying(node, attribute):
        if node.NamespaceIndex == 0 and node.Identifier == ua.ObjectIds.Server_ServerStatus_State:
            return ua.DataValue(None, ua.StatusCode(ua.StatusCodes.BadUserAccessDenied))
        return real(node, attribute)

    monkeypatch.setattr(space, "read_attribute_value", denying)
    monkeypatch.setattr("gateway.transport.opcua_client._WATCHDOG_SECONDS", 0.05)
    async with connected(source_of(odd.url)) as client:
        await asyncio.sleep(0.3)
        assert client.state is UaClientState.CONNECTED
        await client.get_namespace_array()


async def serving(answer):
    """Return (the port of a server that answers each connection with these bytes, what ends it)."""

    async def serve(reader, writer):
        with suppress(OSError):
            for part in answer:
                writer.write(part)
                await writer.drain()
            await reader.read()  # until the other side ends it
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server.sockets[0].getsockname()[1], server


@pytest.mark.parametrize(
    "answer",
    [
        [b"ACKF" + (2**31 - 1).to_bytes(4, "little"), b"\x00" * 65_536],
        [b"ACKF"[:3], b"F" + (2**31 - 1).to_bytes(4, "little")],
        [b"MSGF" + (64 * 2**20).to_bytes(4, "little") + b"\x00" * 100],
    ],
)
async def test_attacks_20_a_message_of_2_gib_is_refused_as_soon_as_it_is_announced(answer):
    port, server = await serving(answer)
    try:
        async with asyncio.timeout(30):
            with pytest.raises(SourceUnavailableError, match=r"announces a message of \d+ MiB: refused"):
                await browse(source_of(f"opc.tcp://127.0.0.1:{port}"), most=5)
    finally:
        server.close()
