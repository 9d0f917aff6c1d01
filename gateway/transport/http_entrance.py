"""Who may stand at the webhook's door: connections that have shown no token are few, short, and give way to newer ones.

So half-open connections, however many, keep nobody out: a sender that shows its token at once gets in.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import structlog

log = structlog.get_logger()

MOST_UNPROVEN_PER_ADDRESS = 32
MOST_UNPROVEN = 128
PROVE_SECONDS = 10.0
_ACCEPT_AGAIN_SECONDS = 0.2


class Peer(NamedTuple):
    """The other end of a connection."""

    address: str
    port: int


class Abortable(Protocol):
    """A transport, as far as the entrance needs one."""

    def abort(self) -> None:
        """End it at once."""
        ...


@dataclass(slots=True)
class _Unproven:
    transport: Abortable
    deadline: asyncio.TimerHandle


class Entrance:
    """The connections that have not shown the token yet, the oldest first."""

    def __init__(self) -> None:
        self._unproven: dict[Peer, _Unproven] = {}
        self.lasting: set[Peer] = set()  # whose answer goes on for as long as the other end reads it

    def opened(self, peer: Peer, transport: Abortable) -> None:
        """Note a new connection, or that it speaks TLS now; where too many have shown nothing, the oldest is ended."""
        self.closed(peer)
        deadline = asyncio.get_running_loop().call_later(PROVE_SECONDS, self._end, peer)
        self._unproven[peer] = _Unproven(transport, deadline)
        of_address = [other for other in self._unproven if other.address == peer.address]
        if len(of_address) > MOST_UNPROVEN_PER_ADDRESS:
            self._end(of_address[0])
        elif len(self._unproven) > MOST_UNPROVEN:
            self._end(next(iter(self._unproven)))

    def asked(self, peer: Peer) -> None:
        """Note that a connection has asked for something that anybody may have: its time begins anew, not its place."""
        unproven = self._unproven.get(peer)
        if unproven is not None:
            unproven.deadline.cancel()
            unproven.deadline = asyncio.get_running_loop().call_later(PROVE_SECONDS, self._end, peer)

    def proven(self, peer: Peer) -> None:
        """Note that a connection has shown the token."""
        unproven = self._unproven.pop(peer, None)
        if unproven is not None:
            unproven.deadline.cancel()

    closed = proven

    def _end(self, peer: Peer) -> None:
        unproven = self._unproven.get(peer)
        if unproven is not None:
            self.closed(peer)
            unproven.transport.abort()


class Door:
    """Takes connections from a listening socket: unproven from the first byte on, the handshake of TLS too."""

    def __init__(self, entrance: Entrance, make: Callable[[], asyncio.Protocol], *, tls: ssl.SSLContext | None) -> None:
        """``make`` gives the protocol of a connection."""
        self._entrance = entrance
        self._make = make
        self._tls = tls
        self._arriving: set[asyncio.Task[None]] = set()  # at most as many as may be unproven

    async def run(self, listening: socket.socket) -> None:
        """Take connections until cancelled."""
        listening.setblocking(False)
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    taken, address = await loop.sock_accept(listening)
                except OSError as error:  # no descriptors left, or gone before it was taken
                    log.warning("the webhook could not take a connection", error=str(error))
                    await asyncio.sleep(_ACCEPT_AGAIN_SECONDS)
                    continue
                peer = Peer(str(address[0]), int(address[1]))
                task = loop.create_task(self._admit(taken, peer), name="webhook-arriving")
                self._arriving.add(task)
                task.add_done_callback(self._arriving.discard)
                self._entrance.opened(peer, _Arriving(task))
        finally:
            for task in self._arriving:
                task.cancel()

    async def _admit(self, taken: socket.socket, peer: Peer) -> None:
        seconds = None if self._tls is None else PROVE_SECONDS
        try:
            taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().connect_accepted_socket(
                self._make, taken, ssl=self._tls, ssl_handshake_timeout=seconds
            )
        except OSError:  # ssl.SSLError is one: who does not finish a handshake asks nothing
            self._entrance.closed(peer)


@dataclass(frozen=True, slots=True)
class _Arriving:
    """A connection that is on its way in."""

    task: asyncio.Task[None]

    def abort(self) -> None:
        self.task.cancel()


@dataclass(slots=True)
class Rate:
    """A token bucket: so many per second on average, and so many at once."""

    per_second: float
    at_once: int
    clock: Callable[[], float] = time.monotonic
    _left: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self._left, self._at = float(self.at_once), self.clock()

    def takes(self) -> bool:
        """Return whether one more is within the rate, and count it if so."""
        now = self.clock()
        self._left, self._at = min(self.at_once, self._left + (now - self._at) * self.per_second), now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def give_back(self) -> None:
        """Take the last one as not counted."""
        self._left = min(float(self.at_once), self._left + 1)
