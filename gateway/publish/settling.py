"""What follows from the broker's answers: acknowledged rows are deleted, refused ones parked, lost ones sent again.

An acknowledgement is a broker's word, given before it saves: mosquitto killed at that moment has forgotten. So what was
acknowledged is kept until the broker has acknowledged something else a while later, and where the connection goes
before that, it is sent once again, in its order and with its id. Telemetry is not: the next value is on its way.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable

import structlog

from gateway.database.writer import Writer
from gateway.errors import StoreUnavailableError
from gateway.publish.holding_back import HoldingBack
from gateway.publish.in_flight import InFlight
from gateway.publish.order import SendingOrder
from gateway.publish.poison_message import PoisonMessageDetector
from gateway.records.outgoing import Lane
from gateway.store.outbox import acknowledged
from gateway.transport.mqtt import MqttSession

log = structlog.get_logger()

_IDLE_SECONDS = 1.0
_REFUSED = 0x80
_KEPT_SECONDS = 0.1  # a broker that gives another acknowledgement that much later has saved what it gave the first for


class Settling:
    """Settles answers in batches on the writing thread; until that is committed they count as in flight."""

    def __init__(
        self,
        *,
        session: MqttSession,
        writer: Writer,
        in_flight: InFlight,
        order: SendingOrder,
        holding_back: HoldingBack,
        on_settled: Callable[[bool], None],
    ) -> None:
        """``on_settled`` hears that there may be room again, and whether something was lost on the way."""
        self._session = session
        self._writer = writer
        self._in_flight = in_flight
        self._order = order
        self._holding_back = holding_back
        self._on_settled = on_settled
        self._kept: deque[tuple[float, list[int]]] = deque()  # when acknowledged, and what; the oldest first
        self._we_dropped = False
        self.poison_detector = PoisonMessageDetector()
        self.sent = 0

    async def run(self) -> None:
        """Settle until cancelled."""
        while True:
            await self._in_flight.answered.wait()
            self._in_flight.answered.clear()
            lost = False
            try:
                lost = await self._settle()
            except StoreUnavailableError as error:
                log.error("the outbox cannot be written", error=str(error))  # noqa: TRY400 - the cause is in it
                await asyncio.sleep(_IDLE_SECONDS)
                self._in_flight.answered.set()
            self._on_settled(lost)

    def begin(self) -> None:
        """Begin again on a connection that has come up: what was acknowledged on the one before is sent again."""
        self._kept.clear()

    def dropped_by_us(self) -> None:
        """Note that the connection is given up by us: no message is to blame."""
        self._we_dropped = True

    async def all_is_kept(self) -> None:
        """Take what was acknowledged for kept: the broker lives."""
        await self._acknowledged([], answered_at=math.inf)

    async def _settle(self) -> bool:
        """Delete what was acknowledged, park what was refused, forget what was lost on the way; return whether any was.

        An answer is forgotten only once its own write is committed: where the store fails, it is settled later.
        """
        answers, answered_at = self._in_flight.answers(), self._in_flight.answered_at
        done = {seq for seq, code in answers.items() if code is not None and code < _REFUSED}
        if done:
            self.poison_detector.cleared()
            await self._acknowledged(sorted(done), answered_at=answered_at)
            self.sent += len(done)
            self._in_flight.forget(done)
        for seq, code in answers.items():
            if code is not None and code >= _REFUSED:
                reason = f"refused by the broker with reason code 0x{code:02X}"
                await self._holding_back.park(self._in_flight.message(seq), reason)
                self._in_flight.forget({seq})
        lost = {seq for seq, code in answers.items() if code is None}
        if lost:
            await self._suspect(lost)
            self._in_flight.forget(lost)
        return bool(lost)

    async def _acknowledged(self, seqs: list[int], *, answered_at: float) -> None:
        """Keep acknowledged messages; delete telemetry, and what the broker outlived or acknowledged twice."""
        messages = (self._in_flight.message(seq) for seq in seqs)
        gone = {message.seq for message in messages if message.lane is Lane.TELEMETRY or message.again}
        kept = [seq for seq in seqs if seq not in gone]
        old = [batch for batch in self._kept if answered_at - batch[0] >= _KEPT_SECONDS]
        gone.update(*(seqs_then for _at, seqs_then in old))
        await self._writer.run(acknowledged(kept, connection_number=self._order.connection, gone=sorted(gone)))
        self._kept = deque(batch for batch in self._kept if batch not in old)
        if kept:
            self._kept.append((answered_at, kept))

    async def _suspect(self, lost: set[int]) -> None:
        if self._session.taken_over or self._we_dropped:
            self._we_dropped = False
            return  # another client of our name took the connection, or we gave it up: no message is to blame
        culprit = self.poison_detector.lost(lost)
        if culprit is not None:
            await self._holding_back.park(self._in_flight.message(culprit), "the broker drops the connection over it")
            self.poison_detector.cleared()
