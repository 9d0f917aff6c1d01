"""Tells systems over HTTP what was committed for them: the same request at each attempt, in order for each lot.

A delivery is written with its cause (``store/deliveries.py``); this loop sends it until it is taken, refused for good
or given up after days. Where the gateway ends between an answer and its commit, the same request goes out once more
with the same ``Idempotency-Key``, by which the receiver knows it. A delivery that fails holds back only what comes
after it in its order. Directly before a release is sent, the store is asked whether it still holds, and whether it is
to be relied on now: by this message somebody else could let a lot go. Nothing here can delay a decision.
"""

import asyncio
import hashlib
import hmac
import random
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from gateway.clock import Clock
from gateway.contract.sinks.request import Template
from gateway.database.writer import Writer
from gateway.errors import StoreUnavailableError
from gateway.line.sinks import SinkMessage
from gateway.records.sink_deliveries import DeliveryState
from gateway.store.deliveries import (
    LONGEST_DUE_SECONDS,
    DueDelivery,
    hasten,
    not_sent,
    put_off,
    tried,
    why_not_certified,
    why_not_now,
    why_not_released,
)
from gateway.store.queries.readers import Reader
from gateway.time_units import seconds_to_ns
from gateway.transport.attempts import REFUSED_FOR_GOOD, Attempts, NotTakenNowError
from gateway.transport.http_requests import AddressError, Endpoint, HttpAnswer, HttpRequest, shown_answer
from gateway.transport.pauses import CallRate, pause_seconds

log = structlog.get_logger()

LOOK_SECONDS = 2.0
LONGEST_SINK_PAUSE_SECONDS = 60.0  # of a system that is away: then the next delivery tries it
_AT_ONCE = 50
_MOST_ANSWER_BYTES = 16 * 1024
_SUCCESS = range(200, 300)
_LETS_GO = frozenset({SinkMessage.RELEASE, SinkMessage.CERTIFICATE, SinkMessage.DISPOSITION})
_ASKS_FOR_A_PAUSE = frozenset({429, 503})


@dataclass(frozen=True, kw_only=True, slots=True)
class SinkTarget:
    """A system and how it is told; ``give_up_seconds``: after which time since the first attempt."""

    name: str
    endpoint: Endpoint
    template: Template
    calls_per_minute: int
    give_up_seconds: float
    signing_key: bytes | None = field(default=None, repr=False)


class Deliverer:
    """Tells one system until cancelled."""

    def __init__(
        self,
        target: SinkTarget,
        *,
        reader: Reader,
        writer: Writer,
        clock: Clock,
        on_condition: Callable[[str, bool], None],
        chance: Callable[[], float] = random.random,
    ) -> None:
        """``chance`` gives numbers from 0 to 1 for the jitter of pauses."""
        self._target = target
        self._reader = reader
        self._writer = writer
        self._clock = clock
        self._on_condition = on_condition
        self._chance = chance
        self._attempts = Attempts(f"sink-{target.name}")
        self._rate = CallRate(target.calls_per_minute)
        self._failures = 0  # of the system itself, in a row
        self.attempts = Counter[str]()  # of this run, by outcome
        self._not_before = -LONGEST_DUE_SECONDS  # on the clock that never steps
        self._look = asyncio.Event()

    def wake(self) -> None:
        """Look at once: a person has asked for a delivery again."""
        self._look.set()

    async def run(self) -> None:
        """Send what comes."""
        while True:
            self._look.clear()
            try:
                await self.catch_up()
            except StoreUnavailableError as error:
                log.debug("deliveries wait for the store", sink=self._target.name, error=str(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._look.wait()

    async def catch_up(self) -> None:
        """Send everything that is due now, until the system asks for a pause or is away."""
        while not self._pauses():
            due = await self._reader.sinks.due(self._target.name, now_ns=self._clock.now_ns(), most=_AT_ONCE)
            if not due:
                break
            for delivery in due:
                if self._pauses():
                    break
                await self._deliver(delivery)
        await self._show_refused()

    def _pauses(self) -> bool:
        at = self._clock.monotonic()
        return at < self._not_before or self._rate.wait_seconds(at) > 0

    async def _show_refused(self) -> None:
        counts = (await self._reader.sinks.counts()).get(self._target.name, {})
        self._on_condition(f"SINK_REFUSED_{self._target.name.upper()}", counts.get(DeliveryState.REFUSED, 0) > 0)

    async def _deliver(self, delivery: DueDelivery) -> None:
        if not delivery.holds:
            await self._end(delivery, DeliveryState.REFUSED, "it does not match the hash it was written with")
            return
        if await self._is_over(delivery) or await self._waits(delivery):
            return
        self._rate.note(self._clock.monotonic())
        try:
            answer = await self._send(delivery)
        except AddressError as error:
            await self._end(delivery, DeliveryState.REFUSED, str(error))
        except NotTakenNowError as error:
            await self._failed(delivery, str(error), of_system=True, after_seconds=error.after_seconds)
        else:
            await self._answered(delivery, answer)

    async def _is_over(self, delivery: DueDelivery) -> bool:
        """Return whether a release or a certificate must not be told any more; then it is noted why."""
        if delivery.kind == SinkMessage.RELEASE:
            why = await self._writer.run(lambda store: why_not_released(store, self._target.name, delivery))
        elif delivery.kind == SinkMessage.CERTIFICATE:
            why = await self._writer.run(lambda store: why_not_certified(store, delivery))
        else:
            return False
        if why is not None:
            await self._end(delivery, DeliveryState.SUPERSEDED, why)
        return why is not None

    async def _waits(self, delivery: DueDelivery) -> bool:
        """Return whether what may let a lot go is not told yet; then it is looked at again a little later."""
        if delivery.kind not in _LETS_GO:
            return False
        why = await self._writer.run(lambda store: why_not_now(store, delivery))
        if why is not None:
            log.debug("a delivery waits", sink=self._target.name, kind=delivery.kind, why=why)
            due_ns = self._clock.now_ns() + seconds_to_ns(LOOK_SECONDS)
            await self._writer.run(put_off(delivery.seq, why=why, due_ns=due_ns))
        return why is not None

    async def _send(self, delivery: DueDelivery) -> HttpAnswer:
        request = HttpRequest(self._target.endpoint)
        headers = headers_of(delivery, self._target)
        return await self._attempts.run(
            lambda: request.send(
                "POST", delivery.path, body=delivery.body, headers=headers, most_bytes=_MOST_ANSWER_BYTES
            ),
            abandon=request.close,
        )

    async def _answered(self, delivery: DueDelivery, answer: HttpAnswer) -> None:
        shown = shown_answer(answer, self._target.endpoint.all_secrets)
        if answer.status in REFUSED_FOR_GOOD:
            await self._refused(delivery, shown)
        elif answer.status not in _SUCCESS:
            of_system = answer.status in _ASKS_FOR_A_PAUSE or answer.retry_after_seconds is not None
            await self._failed(delivery, shown, of_system=of_system, after_seconds=answer.retry_after_seconds)
        elif (why := self._target.template.refusal(answer.body)) is not None:
            await self._refused(delivery, f"answered {answer.status}: {why}")
        else:
            log.debug("delivered", sink=self._target.name, kind=delivery.kind, delivery=delivery.delivery_id)
            await self._tried(delivery, DeliveryState.DELIVERED, f"answered {answer.status}")
            await self._answers_again()

    async def _refused(self, delivery: DueDelivery, why: str) -> None:
        log.error("a delivery is refused", sink=self._target.name, kind=delivery.kind, delivery=delivery.delivery_id,
                  why=why)  # fmt: skip
        await self._tried(delivery, DeliveryState.REFUSED, why)
        await self._answers_again()

    async def _answers_again(self) -> None:
        """The system answers: what waited for its next attempt while it was away is due."""
        self._on_condition(self._unavailable, False)
        if self._failures:
            self._failures = 0
            log.info("the system answers again", sink=self._target.name)
            await self._writer.run(hasten(self._target.name, now_ns=self._clock.now_ns()))

    async def _failed(self, delivery: DueDelivery, why: str, *, of_system: bool, after_seconds: float | None) -> None:
        """Put off a delivery; a system that is away or asks for a pause is left alone altogether for a while."""
        pause = max(
            pause_seconds(delivery.attempts + 1, chance=self._chance()), min(after_seconds or 0.0, LONGEST_DUE_SECONDS)
        )
        if of_system:
            self._failures += 1
            away = min(pause_seconds(self._failures, chance=self._chance()), LONGEST_SINK_PAUSE_SECONDS)
            asked = min(after_seconds or 0.0, LONGEST_DUE_SECONDS)
            self._not_before = self._clock.monotonic() + max(away, asked)
        repeated = delivery.attempts > 0 or self._failures > 1
        self._on_condition(self._unavailable, repeated)
        self.attempts["failed"] += 1
        level = log.warning if delivery.attempts == 0 else log.debug
        level("a delivery is not taken", sink=self._target.name, delivery=delivery.delivery_id, why=why,
              again_in_seconds=round(pause, 1))  # fmt: skip
        now_ns = self._clock.now_ns()
        first_ns = now_ns if delivery.first_ns is None else delivery.first_ns
        if now_ns - first_ns > seconds_to_ns(self._target.give_up_seconds):
            await self._tried(delivery, DeliveryState.REFUSED, f"given up: {why}")
        else:
            await self._tried(delivery, DeliveryState.WAITING, why, due_ns=now_ns + seconds_to_ns(pause))

    @property
    def _unavailable(self) -> str:
        return f"SINK_UNAVAILABLE_{self._target.name.upper()}"

    async def _tried(self, delivery: DueDelivery, state: DeliveryState, answer: str, *, due_ns: int = 0) -> None:
        if state is not DeliveryState.WAITING:
            self.attempts[state.value] += 1
        await self._writer.run(tried(delivery.seq, state, answer=answer, at_ns=self._clock.now_ns(), due_ns=due_ns))

    async def _end(self, delivery: DueDelivery, state: DeliveryState, why: str) -> None:
        log.warning("a delivery is not sent", sink=self._target.name, kind=delivery.kind, delivery=delivery.delivery_id,
                    why=why)  # fmt: skip
        self.attempts[state.value] += 1
        await self._writer.run(not_sent(delivery.seq, state, why=why, at_ns=self._clock.now_ns()))


def headers_of(delivery: DueDelivery, target: SinkTarget) -> Mapping[str, str]:
    """Return the headers of one delivery; those that sign a sink in are its endpoint's."""
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Idempotency-Key": delivery.delivery_id,
        "X-Labline-Kind": delivery.kind,
        "User-Agent": "labline",
    }
    if target.signing_key is not None:
        digest = hmac.new(target.signing_key, delivery.body, hashlib.sha256).hexdigest()
        headers["X-Labline-Signature"] = f"sha256={digest}"
    return headers
