"""Orders and lots fetched from a MES over HTTP: the same events as by MQTT, each of them once, in their order.

What was fetched is offered to the intake as a message of a topic of its own. The transaction knows it by its content
(``store/transaction/event_identity.py``), so a row that comes with every answer is one event, also after a restart.
"""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from gateway.clock import Clock
from gateway.contract.identity import sha256_hex
from gateway.contract.mes_messages import context_messages
from gateway.contract.mes_pull import AnswerNotReadError, PullRule, pulled_messages
from gateway.contract.refusals import MessageRefusedError
from gateway.contract.times import rfc3339
from gateway.ingest.messages import Intake
from gateway.records.deliveries import PULLED
from gateway.time_units import seconds_to_ns
from gateway.transport.attempts import Attempts, NotTakenNowError
from gateway.transport.http_requests import LONGEST_ANSWER_BYTES, Endpoint, HttpAnswer, HttpRequest, shown_answer
from gateway.transport.pauses import pause_seconds

log = structlog.get_logger()

TOPIC = "http/mes/context"
UNAVAILABLE = "MES_PULL_UNAVAILABLE"
_COMMIT_SECONDS = 60.0
_MOST_KNOWN = 20_000  # by their hash, so that they are not offered again with each answer
_LONGEST_ASKED_SECONDS = 3600.0
_OK = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class PullSource:
    """Where orders and lots are fetched, how often, and how they stand in the answer."""

    endpoint: Endpoint
    path: str
    interval_seconds: float
    look_back_seconds: float
    items: str | None = None
    rules: Sequence[PullRule] = ()
    headers: Mapping[str, str] = field(default_factory=lambda: {"Accept": "application/json", "User-Agent": "labline"})


class MesPull:
    """Fetches until cancelled."""

    def __init__(
        self,
        source: PullSource,
        intake: Intake,
        *,
        clock: Clock,
        on_condition: Callable[[str, bool], None],
        chance: Callable[[], float] = random.random,
    ) -> None:
        """``chance`` gives numbers from 0 to 1 for the jitter of pauses."""
        self._source = source
        self._intake = intake
        self._clock = clock
        self._on_condition = on_condition
        self._chance = chance
        self._attempts = Attempts("mes-pull")
        self._known: OrderedDict[str, None] = OrderedDict()
        self._failures = 0

    async def run(self) -> None:
        """Fetch again and again."""
        while True:
            pause = await self.fetch()
            await asyncio.sleep(pause)

    async def fetch(self) -> float:
        """Fetch once; return after how many seconds to do so again."""
        try:
            answer = await self._answer()
            messages = pulled_messages(
                answer.body, self._source.rules, items=self._source.items, now_ns=self._clock.now_ns()
            )
        except NotTakenNowError as error:
            return self._failed(str(error), after_seconds=error.after_seconds)
        except AnswerNotReadError as error:
            return self._failed(f"the answer {error}", after_seconds=None)
        except MessageRefusedError:
            return self._failed("the answer is no JSON", after_seconds=None)
        await self._take(messages)
        if self._failures:
            log.info("orders and lots are fetched again")
        self._failures = 0
        self._on_condition(UNAVAILABLE, False)
        return self._source.interval_seconds

    async def _answer(self) -> HttpAnswer:
        """Return the answer of success; raises NotTakenNowError."""
        since_ns = self._clock.now_ns() - seconds_to_ns(self._source.look_back_seconds)
        path = self._source.path.replace("{since}", rfc3339(since_ns).replace(":", "%3A"))
        request = HttpRequest(self._source.endpoint)
        answer = await self._attempts.run(
            lambda: request.send("GET", path, body=None, headers=self._source.headers), abandon=request.close
        )
        if answer.status != _OK:
            shown = shown_answer(answer, self._source.endpoint.all_secrets)
            raise NotTakenNowError(shown, after_seconds=answer.retry_after_seconds)
        if len(answer.body) >= LONGEST_ANSWER_BYTES:
            raise NotTakenNowError(f"the answer has {LONGEST_ANSWER_BYTES} bytes or more: narrow the path")
        return answer

    def _failed(self, why: str, *, after_seconds: float | None) -> float:
        """Note that nothing came, and return how long to wait."""
        self._failures += 1
        pause = max(
            pause_seconds(self._failures, chance=self._chance()), min(after_seconds or 0.0, _LONGEST_ASKED_SECONDS)
        )
        level = log.warning if self._failures == 1 else log.debug
        level("orders and lots cannot be fetched", why=why, again_in_seconds=round(pause, 1))
        self._on_condition(UNAVAILABLE, self._failures > 1)
        return pause

    async def _take(self, messages: Sequence[bytes]) -> None:
        """Offer what is new in its order, and wait until it is committed."""
        parts = [part for message in messages for part in _parts(message)]
        new = {sha256_hex(part): part for part in parts}
        new = {key: part for key, part in new.items() if key not in self._known}
        if not new:
            return
        committed = asyncio.Event()
        *others, last = new.items()
        for key, part in others:
            self._offer(key, part, lambda: None)
        self._offer(*last, committed.set)
        try:
            async with asyncio.timeout(_COMMIT_SECONDS):
                await committed.wait()
        except TimeoutError:
            log.warning("what was fetched waits to be committed", messages=len(new))

    def _offer(self, key: str, part: bytes, committed: Callable[[], None]) -> None:
        self._known[key] = None
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        self._intake.offer(TOPIC, part, session=PULLED, committed=committed)


def _parts(message: bytes) -> Sequence[bytes]:
    """Return a message of several lots as one of each; one that is not understood stays as it is, and is refused."""
    try:
        return context_messages(message)
    except MessageRefusedError:
        return (message,)
