"""The drain: read what waits, check once more, publish, wait for the acknowledgement, delete.

The outbox is the only retrier: what was in flight when a connection went is simply read again, in order. What has just
been committed is handed over, and sent without being read where all before it has been passed on. Sending and
settling are two loops, so that the pipeline stays full while acknowledged rows are deleted in batches on the writing
thread; until that is committed they count as in flight.

An acknowledgement is a broker's word, given before it saves: mosquitto killed at that moment has forgotten. So what was
acknowledged is kept until the broker has acknowledged something else a while later, and where the connection goes
before that, it is sent once again, in its order and with its id. Telemetry is not: the next value is on its way.

A message that the broker refuses is parked: kept, alarmed, and not in the way. So is one over which the broker drops
the connection: when that happens again and again with nothing acknowledged in between, messages go one at a time on a
connection that has stood for a moment, and the one that still costs it is the one to park.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from gateway.clock import Clock
from gateway.database.writer import Writer
from gateway.errors import NotConnectedError, StoreUnavailableError
from gateway.guardrails.setpoints import may_suggest, refused_suggestions
from gateway.line.definition import LineDefinition
from gateway.publish.order import SendingOrder
from gateway.records.outgoing import Lane
from gateway.records.verdicts import Reason
from gateway.store.outbox import Left, Queued, acknowledged, departed, parked
from gateway.store.queries.readers import Reader
from gateway.time_units import SECOND_NS
from gateway.transport.mqtt import MqttSession
from gateway.transport.mqtt_connection import Outgoing

log = structlog.get_logger()

_IDLE_SECONDS = 1.0
_LOOK_AGAIN_SECONDS = 2.0
_LOOK_AGAIN_AT_LAST_SECONDS = 8.0
_MOST_HANDED = 100  # more is read from the outbox by and by
_ACKNOWLEDGEMENT_TIMEOUT_SECONDS = 20.0
_REFUSED = 0x80
_HEADROOM_BYTES = 256  # of a packet, for its header and properties
_LOSSES_UNTIL_CAREFUL = 3
_CAREFUL_PAUSE_SECONDS = 1.0
_STRIKES_UNTIL_PARKED = 3
_KEPT_SECONDS = 0.1  # a broker that gives another acknowledgement that much later has saved what it gave the first for


@dataclass(slots=True)
class _InFlight:
    message: Queued
    since: float


@dataclass(slots=True)
class _Suspicion:
    """How often the connection went with messages in flight and none acknowledged in between."""

    losses: int = 0
    strikes: int = 0
    suspect: int | None = None

    @property
    def careful(self) -> bool:
        return self.losses >= _LOSSES_UNTIL_CAREFUL

    def cleared(self) -> None:
        self.losses, self.strikes, self.suspect = 0, 0, None

    def lost(self, seqs: set[int]) -> int | None:
        """Note a loss; return the message to park, or None."""
        if self.careful and len(seqs) == 1:
            (seq,) = seqs
            self.strikes = self.strikes + 1 if seq == self.suspect else 1
            self.suspect = seq
        self.losses += 1
        return self.suspect if self.strikes >= _STRIKES_UNTIL_PARKED else None


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
        clock: Clock,
        on_progress: Callable[[], None],
        on_alarm: Callable[[str], None],
        on_withheld: Callable[[str, Mapping[str, Reason]], None] = lambda _message_id, _refused: None,
    ) -> None:
        """``present`` gives a tag's value at this instant, or None; ``on_alarm`` hears of withheld and refused.

        ``on_withheld`` hears which message the second check kept back, and of which guidance in it, by id, why.
        """
        self._session = session
        self._reader = reader
        self._writer = writer
        self._line = line
        self._present = present
        self._clock = clock
        self._on_progress = on_progress
        self._on_alarm = on_alarm
        self._on_withheld = on_withheld
        self._order = SendingOrder()
        self._generation = -1
        self._in_flight: dict[int, _InFlight] = {}
        self._answers: dict[int, int | None] = {}
        self._answered_at = 0.0  # when the last acknowledgement came
        self._kept: deque[tuple[float, list[int]]] = deque()  # when acknowledged, and what; the oldest first
        self._suspicion = _Suspicion()
        self._something = asyncio.Event()
        self._answered_something = asyncio.Event()
        self._settled = asyncio.Event()
        self._more = True  # whether the outbox has to be read
        self._handed: list[Queued] = []  # committed after all that was read of it
        self._store_fails = False  # whether sending met a store that cannot be used, when it last tried
        self._caught_up = asyncio.Event()
        self._look_again_at = 0.0
        self._we_dropped = False
        self.sent = 0

    def take_line(self, line: LineDefinition) -> None:
        """Check what leaves by this definition from now on."""
        self._line = line

    def wake(self) -> None:
        """Look again: something was committed."""
        self.committed(None)

    def committed(self, messages: Sequence[Queued] | None) -> None:
        """Take what was committed now, in its order; None where the outbox has to be read for it."""
        if messages is not None and not messages:
            return
        if messages is None or len(self._handed) + len(messages) > _MOST_HANDED or not self._session.connected:
            self._more = True
        else:
            self._handed += messages
        self._caught_up.clear()
        self._something.set()

    async def caught_up(self, *, within_seconds: float) -> None:
        """Return when all that was committed is handed to the session, or when that takes too long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_seconds):
                await self._caught_up.wait()

    async def run(self) -> None:
        """Drain until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._settling(), name="drain-settling")
            await self._sending()

    async def until_empty(self) -> None:
        """Return when nothing is left to send; what was acknowledged is then taken for kept by a broker that lives."""
        while self._is_busy() or await self._is_left():
            self._settled.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_IDLE_SECONDS):
                    await self._settled.wait()
        if self._session.connected and self._session.generation == self._generation:
            await self._acknowledged([], answered_at=math.inf)

    async def _is_left(self) -> bool:
        """Return whether the outbox holds something to send; where it cannot be read now, it may."""
        try:
            return bool(await self._reader.waiting(most=1, cursors=self._order.from_the_beginning()))
        except StoreUnavailableError:
            return True

    def _is_busy(self) -> bool:
        """Return whether there is work that it knows of, without a look into the outbox."""
        to_read = self._session.connected and not self._store_fails and (self._more or bool(self._handed))
        return bool(self._in_flight) or to_read

    # --- sending

    async def _sending(self) -> None:
        while True:
            self._on_progress()
            self._drop_if_unanswered()
            try:
                if self._session.connected and (self._more or self._handed):
                    await self._send()
                    self._store_fails = False
            except StoreUnavailableError as error:
                log.error("the outbox cannot be used", error=str(error))  # noqa: TRY400 - the cause is in the sentence
                self._look_again_at, self._more, self._store_fails = 0.0, True, True
                await asyncio.sleep(_IDLE_SECONDS)
            await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(_IDLE_SECONDS):
                await self._something.wait()
        except TimeoutError:
            self._more = True  # look now and then, whatever was or was not told
        if not self._in_flight and self._clock.monotonic() >= self._look_again_at:
            self._look_again_at = self._clock.monotonic() + _LOOK_AGAIN_SECONDS
            self._order.again()
            self._more = True
        self._something.clear()

    def _drop_if_unanswered(self) -> None:
        oldest = next(iter(self._in_flight.values()), None)  # in the order of sending
        if oldest is None or oldest.message.seq in self._answers:
            return  # answered; it is the store that has not taken note yet
        if self._clock.monotonic() - oldest.since > _ACKNOWLEDGEMENT_TIMEOUT_SECONDS:
            self._we_dropped = True
            self._session.drop("the broker did not acknowledge in time")

    async def _send(self) -> None:
        if self._session.generation != self._generation:
            await self._begin()
        limit = self._most_in_flight()
        room = limit - len(self._in_flight)
        if room <= limit // 4:
            return  # settling wakes us when there is more
        if self._in_flight and self._clock.monotonic() - self._look_again_at > _LOOK_AGAIN_AT_LAST_SECONDS:
            return  # traffic never pauses: once nothing is in flight, what lies behind the cursors is looked at again
        waiting, all_read = await self._next(room)
        if not self._writer.reliable:  # what is read may be gone when the disk is whole again
            raise StoreUnavailableError("the disk failed as the store committed", hint="check the disk's health")
        with self._session.together():
            if not await self._passed_on(waiting, all_read=all_read):
                self._more = True
                return
        self._more = self._more or not all_read
        if not self._more and not self._handed:
            self._caught_up.set()
            self._settled.set()  # who waits until all is empty looks again

    async def _passed_on(self, waiting: Sequence[Queued], *, all_read: bool) -> bool:
        """Pass on what waits, each live message behind the older ones of its topic; return whether all could be."""
        backlog = {(each.lane, each.topic) for each in waiting if not self._order.is_live(each)}
        pulled = set[tuple[Lane, str]]()  # whose backlog is sent: what of it was read and not pulled is gone since
        for message in waiting:
            if self._session.generation != self._generation or not self._has_room():
                return False
            topic, live = (message.lane, message.topic), self._order.is_live(message)
            if live and (topic in backlog or not all_read):
                if not await self._older_first(message):
                    return False
                pulled.add(topic)
            if live or topic not in pulled:
                await self._pass_on(message)
            else:
                self._order.passed(message)
        return True

    def _most_in_flight(self) -> int:
        return 1 if self._suspicion.careful else self._session.inflight_limit

    def _has_room(self) -> bool:
        """Return whether one more may be in flight: older ones of a topic have taken places meanwhile."""
        return len(self._in_flight) < self._most_in_flight() and self._session.has_room

    async def _next(self, room: int) -> tuple[list[Queued], bool]:
        """Return the next messages in the order of sending, at most so many, and whether that is all that waits.

        What is handed over while the outbox is read may have been read: then it has been passed when its turn comes.
        """
        if not self._more and len(self._handed) < room:
            handed, self._handed = self._handed, []
            fresh = (message for message in handed if not self._order.has_passed(message))
            return sorted(fresh, key=lambda message: (message.lane, message.seq)), True
        self._more, self._handed = False, []
        waiting = await self._reader.waiting(most=room, cursors=self._order.cursors())
        return waiting, len(waiting) < room

    async def _begin(self) -> None:
        """Begin anew on a connection that has come up."""
        self._more = True
        if self._in_flight:  # settling has not yet heard what became of them on the connection before
            self._answered_something.set()
            while self._in_flight:
                self._settled.clear()
                self._on_progress()  # where the store fails, waiting is all there is to do
                with suppress(TimeoutError):
                    async with asyncio.timeout(_IDLE_SECONDS):
                        await self._settled.wait()
        if self._suspicion.careful:
            await asyncio.sleep(_CAREFUL_PAUSE_SECONDS)  # a connection that stands without it, for the comparison
        generation = self._session.generation
        self._kept.clear()
        number = max(self._clock.now_ns(), self._order.connection + 1)  # no other ever had it, in this life or before
        self._order.begin(await self._reader.newest_seq(), connection=number)
        self._generation = generation  # only now: where the store fails, it is begun anew

    async def _older_first(self, message: Queued) -> bool:
        """Send a topic's backlog before its live message; return False where more of it waits than fits now."""
        if self._order.backlog == 0:
            return True
        most = self._most_in_flight() - len(self._in_flight)
        older = await self._reader.older_of_topic(
            message,
            sent=self._order.sent_of(message.lane),
            backlog=self._order.backlog,
            connection=self._order.connection,
            most=most,
        )
        for each in older:
            if not self._order.was_pulled(each):
                await self._pass_on(each, pulled=True)
                self._order.pulled(each)
        self._more = self._more or len(older) >= most
        return len(older) < most

    async def _pass_on(self, message: Queued, *, pulled: bool = False) -> None:
        """Publish a message, or take it out with a record of why not."""
        if not pulled:
            self._order.passed(message)
            if self._order.was_pulled(message):
                return
        if message.seq in self._in_flight:
            return
        if len(message.payload) + len(message.topic) + _HEADROOM_BYTES > self._session.largest_packet_bytes:
            await self._park(message, f"its {len(message.payload)} bytes are more than the broker takes")
        elif not await self._withheld(message):
            self._publish(message)

    async def _withheld(self, message: Queued) -> bool:
        """Take out what must not be sent, with a record of why; return whether it was."""
        if not message.holds:
            self._on_alarm("EVIDENCE_DAMAGED")
            log.critical("a message does not match its hash; it is not sent", topic=message.topic, seq=message.seq)
            await self._writer.run(parked(message.seq, "it does not match the hash it was written with"))
            return True
        if message.expires is not None and self._clock.now().is_past(message.expires):
            await self._take_out(message, Left.EXPIRED)
            return True
        refused = await self._refused(message)
        if not refused:
            return False
        reasons = [reason.text for reason in refused.values()]
        if message.lane is Lane.GUIDANCE and not message.again:
            log.critical(
                "guidance withheld by the second check",
                topic=message.topic,
                message=message.message_id,
                reasons=reasons,
            )
            self._on_alarm("GUIDANCE_WITHHELD")
        else:  # it was told before, and the plant or the alarms have gone on since: no alarm
            log.warning(
                "withheld by the second check", topic=message.topic, message=message.message_id, reasons=reasons
            )
        await self._take_out(message, Left.WITHHELD)
        self._on_withheld(message.message_id, refused)
        return True

    async def _refused(self, message: Queued) -> Mapping[str, Reason]:
        """Return by guidance why the second check refuses a message, by the alarms that stand at this moment."""
        if message.lane is not Lane.GUIDANCE and not may_suggest(message.payload):
            return {}
        latches = await self._reader.latches()
        return refused_suggestions(message.payload, self._line, self._present, latches)

    async def _take_out(self, message: Queued, why: Left) -> None:
        await self._writer.run(departed([message.seq], why, at_ns=self._clock.now_ns()))

    def _publish(self, message: Queued) -> None:
        if self._session.generation != self._generation:  # changed while the message was looked at: begun anew
            self._more = True
            return
        try:
            outcome = self._session.publish(_outgoing(message, self._clock))
        except NotConnectedError:
            self._more = True  # the next connection begins anew
            return
        self._in_flight[message.seq] = _InFlight(message, self._clock.monotonic())
        log.debug("sent", topic=message.topic, message=message.message_id)
        outcome.add_done_callback(lambda answer: self._answered(message.seq, answer))

    def _answered(self, seq: int, answer: "asyncio.Future[int]") -> None:
        lost = answer.cancelled() or answer.exception() is not None
        self._answers[seq] = None if lost else answer.result()
        if not lost:
            self._answered_at = self._clock.monotonic()
        self._answered_something.set()

    # --- settling

    async def _settling(self) -> None:
        while True:
            await self._answered_something.wait()
            self._answered_something.clear()
            try:
                await self._settle()
            except StoreUnavailableError as error:
                log.error("the outbox cannot be written", error=str(error))  # noqa: TRY400 - the cause is in it
                await asyncio.sleep(_IDLE_SECONDS)
                self._answered_something.set()
            self._something.set()  # there may be room again

    async def _settle(self) -> None:
        """Delete what was acknowledged, park what was refused, forget what was lost on the way.

        An answer is forgotten only once its own write is committed: where the store fails, it is settled later.
        """
        answers, answered_at = dict(self._answers), self._answered_at
        done = {seq for seq, code in answers.items() if code is not None and code < _REFUSED}
        if done:
            self._suspicion.cleared()
            await self._acknowledged(sorted(done), answered_at=answered_at)
            self.sent += len(done)
            self._forget(done)
        for seq, code in answers.items():
            if code is not None and code >= _REFUSED:
                await self._park(self._in_flight[seq].message, f"refused by the broker with reason code 0x{code:02X}")
                self._forget({seq})
        lost = {seq for seq, code in answers.items() if code is None}
        if lost:
            self._more = True
            await self._suspect(lost)
            self._forget(lost)
        self._settled.set()

    async def _acknowledged(self, seqs: list[int], *, answered_at: float) -> None:
        """Keep what was acknowledged; delete telemetry, and what the broker has lived on after or was told of twice."""
        messages = (self._in_flight[seq].message for seq in seqs)
        gone = {each.seq for each in messages if each.lane is Lane.TELEMETRY or each.again}
        kept = [seq for seq in seqs if seq not in gone]
        old = [each for each in self._kept if answered_at - each[0] >= _KEPT_SECONDS]
        gone.update(*(seqs_then for _at, seqs_then in old))
        await self._writer.run(acknowledged(kept, connection_number=self._order.connection, gone=sorted(gone)))
        self._kept = deque(each for each in self._kept if each not in old)
        if kept:
            self._kept.append((answered_at, kept))

    async def _suspect(self, lost: set[int]) -> None:
        if self._session.taken_over or self._we_dropped:
            self._we_dropped = False
            return  # another client of our name took the connection, or we gave it up: no message is to blame
        culprit = self._suspicion.lost(lost)
        if culprit is not None:
            await self._park(self._in_flight[culprit].message, "the broker drops the connection over it")
            self._suspicion.cleared()

    def _forget(self, seqs: set[int]) -> None:
        for seq in seqs:
            self._answers.pop(seq, None)
            self._in_flight.pop(seq, None)

    async def _park(self, message: Queued, why: str) -> None:
        log.error("a message is parked", topic=message.topic, reason=why, message=message.message_id, seq=message.seq)
        self._on_alarm("PUBLISH_REFUSED")
        await self._writer.run(parked(message.seq, why))


def _outgoing(message: Queued, clock: Clock) -> Outgoing:
    seconds = None
    if message.expires is not None:
        seconds = max(1, -(-clock.now().remaining_ns(message.expires) // SECOND_NS))
    return Outgoing(
        topic=message.topic,
        payload=message.payload,
        retain=message.retain,
        expires_in_seconds=seconds,
        content_type="application/json" if message.payload else None,
        correlation=message.message_id.encode(),
    )
