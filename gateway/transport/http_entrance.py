"""Who may stand at the webhook's door: connections that have shown no token are few, short, and give way to newer ones.

So half-open connections, however many, keep nobody out: a sender that shows its token at once gets in.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

MOST_UNPROVEN_PER_ADDRESS = 32
MOST_UNPROVEN = 128
PROVE_SECONDS = 10.0


class Peer(NamedTuple):
    """The other end of a connection."""

    address: str
    port: int


@dataclass(slots=True)
class _Unproven:
    transport: asyncio.Transport
    deadline: asyncio.TimerHandle


class Entrance:
    """The connections that have not shown the token yet, the oldest first."""

    def __init__(self) -> None:
        self._unproven: dict[Peer, _Unproven] = {}

    def opened(self, peer: Peer, transport: asyncio.Transport) -> None:
        """Note a new connection; where too many have shown nothing, the oldest of them is ended."""
        deadline = asyncio.get_running_loop().call_later(PROVE_SECONDS, self._end, peer)
        self._unproven[peer] = _Unproven(transport, deadline)
        of_address = [each for each in self._unproven if each.address == peer.address]
        if len(of_address) > MOST_UNPROVEN_PER_ADDRESS:
            self._end(of_address[0])
        elif len(self._unproven) > MOST_UNPROVEN:
            self._end(next(iter(self._unproven)))

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
