"""Whatever is sent to the interfaces is answered or ends its connection: no failure, and no memory without bound."""

import asyncio
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.interfaces.i3x.answering import ROUTES
from gateway.transport.opcua_server.hardened import ReadingProtocol, ReadOnlyServer
from gateway.transport.opcua_server.wire import Options
from tests.fixtures.i3x import i3x_served

_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8
)
_FIELDS = ("elementIds", "maxDepth", "startTime", "endTime", "clientId", "subscriptionId", "subscriptionIds",
           "lastSequenceNumber", "relationshipType", "includeMetadata", "displayName")  # fmt: skip
_BODIES = st.dictionaries(st.sampled_from(_FIELDS), _VALUES, max_size=6) | _VALUES


@pytest.fixture(scope="module")
def i3x(tmp_path_factory):
    with i3x_served(tmp_path_factory.mktemp("store")) as served:
        yield served


@given(route=st.sampled_from(sorted(ROUTES)), body=_BODIES | st.binary(max_size=300))
def test_every_request_of_i3x_has_an_answer_in_its_envelope(i3x, route, body):
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, _headers, answer = i3x.raw(*route, sent)
    document = json.loads(answer)
    assert status in {200, 206, 400, 404, 429, 501}, document
    assert isinstance(document["success"], bool)
    if status >= 400:
        assert document["responseDetail"]["status"] == status


class Transport:
    """Takes what a server writes, as a socket would."""

    def __init__(self):
        self.open, self.written = True, 0

    def get_extra_info(self, _name):
        return ("127.0.0.1", 1)

    def write(self, data):
        self.written += len(data)

    def set_write_buffer_limits(self, high):
        self.high = high

    def close(self):
        self.open = False

    abort = close


_HELLO = struct.pack("<3scIIIIIIi", b"HEL", b"F", 32, 0, 65535, 65535, 0, 0, -1)
_CHUNKS = st.builds(
    lambda kind, final, size, body: kind + final + struct.pack("<I", size) + body,
    st.sampled_from([b"HEL", b"OPN", b"MSG", b"CLO", b"ERR", b"ACK", b"XXX"]),
    st.sampled_from([b"F", b"C", b"A", b"Z"]),
    st.integers(0, 300) | st.integers(0, 2**32 - 1), st.binary(max_size=300),
)  # fmt: skip
_PIECES = st.lists(st.binary(max_size=200) | st.just(_HELLO) | _CHUNKS, max_size=12)


@pytest.fixture(scope="module")
def server():
    return ReadOnlyServer(Options(host="127.0.0.1", port=1, securities=("None",), application_uri="urn:test", line="l",
                                  version="0", anonymous=True))  # fmt: skip


@given(pieces=_PIECES)
def test_whatever_bytes_come_to_the_opcua_server_are_bounded_and_end_at_most_their_connection(server, pieces):
    async def run():
        transport = Transport()
        protocol = ReadingProtocol(server.iserver, [], [], [], server.limits)
        protocol.connection_made(transport)
        for piece in pieces:
            protocol.data_received(piece)
            await asyncio.sleep(0)
            assert len(protocol._buffer) <= 2 * 65_535
            assert protocol.messages.qsize() <= 50
        await asyncio.sleep(0)
        processor = protocol.processor
        assert processor.session is None
        assert processor._connection._incoming_size <= server.limits.max_message_size
        protocol.connection_lost(None)
        await asyncio.gather(*protocol.closing_tasks)

    asyncio.run(run())
    assert server.iserver.sessions == 0


def test_a_message_that_never_ends_is_cut_off(server):
    async def run():
        transport = Transport()
        protocol = ReadingProtocol(server.iserver, [], [], [], server.limits)
        protocol.connection_made(transport)
        protocol.data_received(_HELLO)
        for _ in range(10):
            protocol.data_received(b"MSGC" + struct.pack("<I", 2**31) + b"x" * 60_000)
        assert not transport.open
        assert len(protocol._buffer) <= 2 * 65_535
        protocol.connection_lost(None)
        await asyncio.gather(*protocol.closing_tasks)

    asyncio.run(run())


def test_a_client_that_does_not_read_its_answers_is_cut_off(server):
    async def run():
        transport = Transport()
        protocol = ReadingProtocol(server.iserver, [], [], [], server.limits)
        protocol.connection_made(transport)
        assert transport.high == server.iserver.options.limits.unread_bytes
        protocol.pause_writing()  # as the loop says once so much waits
        assert not transport.open
        protocol.connection_lost(None)
        await asyncio.gather(*protocol.closing_tasks)

    asyncio.run(run())
