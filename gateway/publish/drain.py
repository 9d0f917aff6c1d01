"""The drain: peek, check once more, publish, wait for the acknowledgement, delete.

The outbox is the only retrier: what was in flight when a connection went is simply peeked again, in order.
Acknowledged rows are deleted in batches on the writing thread; until that is committed they count as in flight.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from gateway.database.writer import Writer
from gateway.definitions import LineDefinition
from gateway.errors import NotConnectedError, StoreUnavailableError
from gateway.guardrails.setpoints import second_check
from gateway.moments import Moment
from gateway.records import SECOND_NS, Lane
from gateway.store.outbox import Left, Queued, acknowledged, departed, parked
from gateway.store.readers import Reader
from gateway.transport.mqtt import MqttSession
from gateway.transport.mqtt_connection import Outgoing

log = structlog.get_logger()

_IDLE_SECONDS = 1.0
_ACKNOWLEDGEMENT_TIMEOUT_SECONDS = 20.0
_REFUSED = 0x80
_HEADROOM_BYTES = 256  # of a packet, for its header and properties


@dataclass(slots=True)
class _InFlight:
    message: Queued
    since: float


class Drain:
    """Sends what the outbox holds through one session."""

    def __init__(
        self,
        *,
        session: MqttSession,
        reader: Reader,
        writer: Writer,
        line: LineDefinition,
        present: Callable[[str], float | None],
        now: Callable[[], Moment],
        on_progress: Callable[[], None],
        on_alarm: Callable[[str], None],
    ) -> None:
        """``present`` gives a tag's value at this instant, or None; ``on_alarm`` hears of withheld and refused."""
        self._session = session
        self._reader = reader
        self._writer = writer
        self._line = line
        self._present = present
        self._now = now
        self._on_progress = on_progress
        self._on_alarm = on_alarm
        self._in_flight: dict[int, _InFlight] = {}
        self._answers: dict[int, int | None] = {}
        self._something = asyncio.Event()
        self._settled = asyncio.Event()
        self._more = True
        self.sent = 0

    def wake(self) -> None:
        """Look again: something was committed, or answered."""
        self._more = True
        self._something.set()

    async def run(self) -> None:
        """Drain until cancelled."""
        while True:
            self._on_progress()
            self._drop_if_unanswered()
            try:
                await self._settle()
                if self._session.connected and self._more:
                    await self._send()
            except StoreUnavailableError as error:
                log.error("the outbox cannot be used", error=str(error))  # noqa: TRY400 - the cause is in the sentence
                await asyncio.sleep(_IDLE_SECONDS)
            await self._wait()

    async def until_empty(self) -> None:
        """Return when nothing is left to send."""
        while self._in_flight or await self._reader.peek(most=1):
            self._settled.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_IDLE_SECONDS):
                    await self._settled.wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(_IDLE_SECONDS):
                await self._something.wait()
        except TimeoutError:
            self._more = True  # look now and then, whatever was or was not told
        self._something.clear()

    def _drop_if_unanswered(self) -> None:
        oldest = min((item.since for item in self._in_flight.values()), default=None)
        if oldest is not None and time.monotonic() - oldest > _ACKNOWLEDGEMENT_TIMEOUT_SECONDS:
            self._session.drop("the broker did not acknowledge in time")

    # --- sending

    async def _send(self) -> None:
        limit = self._session.inflight_limit
        waiting = await self._reader.peek(most=limit + len(self._in_flight))
        self._more = False
        for message in waiting:
            if message.seq in self._in_flight:
                continue
            if len(self._in_flight) >= limit:
                self._more = True
                return
            if len(message.payload) + len(message.topic) + _HEADROOM_BYTES > self._session.largest_packet_bytes:
                await self._park(message.seq, f"its {len(message.payload)} bytes are more than the broker takes")
            elif not await self._withheld(message):
                self._publish(message)

    async def _withheld(self, message: Queued) -> bool:
        """Take out what must not be sent, with a record of why; return whether it was."""
        now = self._now()
        if message.expires is not None and now.is_past(message.expires):
            await self._writer.run(departed([message.seq], Left.EXPIRED, at_ns=now.wall_ns))
            return True
        reason = second_check(message.payload, self._line, self._present) if message.lane is Lane.GUIDANCE else None
        if reason is None:
            return False
        log.critical("guidance withheld by the second check", message=message.message_id, reason=reason.text)
        self._on_alarm("GUIDANCE_WITHHELD")
        await self._writer.run(departed([message.seq], Left.WITHHELD, at_ns=now.wall_ns))
        return True

    def _publish(self, message: Queued) -> None:
        try:
            outcome = self._session.publish(_outgoing(message, self._now()))
        except NotConnectedError:
            return
        self._in_flight[message.seq] = _InFlight(message, time.monotonic())
        outcome.add_done_callback(lambda answer: self._answered(message.seq, answer))

    def _answered(self, seq: int, answer: "asyncio.Future[int]") -> None:
        lost = answer.cancelled() or answer.exception() is not None
        self._answers[seq] = None if lost else answer.result()
        self.wake()

    # --- settling

    async def _settle(self) -> None:
        """Delete what was acknowledged, park what was refused, forget what was lost on the way.

        An answer is forgotten only once its own write is committed: where the store fails, it is settled later.
        """
        while self._answers:
            done = {seq for seq, code in self._answers.items() if code is not None and code < _REFUSED}
            if done:
                await self._writer.run(acknowledged(sorted(done)))
                self.sent += len(done)
                self._forget(done)
            self._forget({seq for seq, code in self._answers.items() if code is None})
            refused = {seq: code for seq, code in self._answers.items() if code is not None and code >= _REFUSED}
            for seq, code in refused.items():
                await self._park(seq, f"refused by the broker with reason code 0x{code:02X}")
                self._forget({seq})
            self._settled.set()

    def _forget(self, seqs: set[int]) -> None:
        for seq in seqs:
            self._answers.pop(seq, None)
            self._in_flight.pop(seq, None)

    async def _park(self, seq: int, why: str) -> None:
        log.error("a message is parked", seq=seq, reason=why)
        self._on_alarm("PUBLISH_REFUSED")
        await self._writer.run(parked(seq, why))


def _outgoing(message: Queued, now: Moment) -> Outgoing:
    seconds = None
    if message.expires is not None:
        seconds = max(1, -(-now.remaining_ns(message.expires) // SECOND_NS))
    return Outgoing(
        topic=message.topic,
        payload=message.payload,
        retain=message.retain,
        expires_in_seconds=seconds,
        content_type="application/json" if message.payload else None,
        correlation=message.message_id.encode(),
    )
