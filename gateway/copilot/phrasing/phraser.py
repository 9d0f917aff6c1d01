"""Has an answer phrased by a language model, in its own time: what comes late, wrong or not at all is not shown.

A few are asked for at once, on threads that nothing waits for. After some failures in a row nobody asks for a while:
then one answer tries again. Nothing here can fail an answer: the computed one is there before.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

import structlog

from gateway.clock import Clock
from gateway.copilot.answers import Answer, Outcome, Phrased
from gateway.copilot.desk import NotesPhrasing
from gateway.copilot.intents import INTENTS
from gateway.copilot.phrasing.checking import says_the_same
from gateway.copilot.phrasing.options import PhrasingOptions
from gateway.copilot.phrasing.prompt import PATH, PROMPT_VERSION, request_of, text_of
from gateway.records.phrasing import Phrasing, PhrasingOutcome
from gateway.transport.attempts import Attempts, NotTakenNowError
from gateway.transport.http_requests import HttpAnswer, HttpRequest
from gateway.transport.pauses import CallRate, pause_seconds

log = structlog.get_logger()

PAUSED = "PHRASING_UNAVAILABLE"
_AT_ONCE = 2
_FAILURES_BEFORE_PAUSE = 3
_LONGEST_PHRASED = 2_000  # characters of a computed answer: lists are read faster as they are
_MOST_BYTES = 64 * 1024
_OK = 200


class Phraser:
    """Asks one server; ``counts``: what came of it, by outcome, since the start."""

    def __init__(
        self,
        options: PhrasingOptions,
        *,
        clock: Clock,
        on_condition: Callable[[str, bool], None],
        chance: Callable[[], float] = random.random,
    ) -> None:
        """``on_condition`` hears whether it is paused; ``chance`` gives numbers from 0 to 1, for longer pauses."""
        self._options = options
        self._clock = clock
        self._on_condition = on_condition
        self._chance = chance
        self._lanes = [Attempts(f"labline-phrasing-{number}") for number in range(_AT_ONCE)]
        self._rate = CallRate(options.per_minute)
        self._taken = set[Attempts]()  # whose question is being put on record, or sent
        self._failures = 0
        self._not_before = float("-inf")
        self.counts = Counter[str]()

    def figures(self) -> Mapping[str, float]:
        """Return how many answers were phrased, and how many phrasings were not shown, by why."""
        return {f"phrasing {outcome}": float(count) for outcome, count in sorted(self.counts.items())}

    async def phrased(self, answer: Answer, on_record: NotesPhrasing) -> tuple[Answer, Phrasing | None]:
        """Return the answer, with a model's text beside its own where one holds; and what came of asking, if anything.

        ``on_record`` puts on record what is sent; where it cannot, nothing is sent.
        """
        lane = next((lane for lane in self._lanes if not lane.busy and lane not in self._taken), None)
        if lane is None or not _is_for_phrasing(answer) or not self._may_ask():
            return answer, None
        self._rate.note(self._clock.monotonic())
        asked = self._request(answer)
        self._taken.add(lane)
        try:
            if not await on_record(asked):
                return answer, None
            phrasing, text = await self._sent(asked, answer, lane)
        finally:
            self._taken.discard(lane)
        self._note(phrasing.outcome)
        if phrasing.outcome is not PhrasingOutcome.SHOWN:
            return answer, phrasing
        phrased = Phrased(text=text, model=phrasing.model, prompt_version=phrasing.prompt_version)
        return replace(answer, phrased=phrased), phrasing

    def _may_ask(self) -> bool:
        at = self._clock.monotonic()
        if at < self._not_before or self._rate.wait_seconds(at) > 0:
            return False
        if self._failures >= _FAILURES_BEFORE_PAUSE:  # one tries; the others wait for what comes of it
            self._not_before = at + self._options.timeout_seconds
        return True

    def _request(self, answer: Answer) -> Phrasing:
        """Return what is sent of an answer."""
        options = self._options
        document = request_of(answer, model=options.model, max_tokens=options.max_tokens)
        return Phrasing(
            model=options.model, prompt_version=PROMPT_VERSION, outcome=PhrasingOutcome.ASKED,
            prompt=json.dumps(document, ensure_ascii=False).encode(errors="replace").decode(), reply="",
        )  # fmt: skip

    async def _sent(self, asked: Phrasing, answer: Answer, lane: Attempts) -> tuple[Phrasing, str]:
        options, prompt = self._options, asked.prompt.encode()
        asked = replace(asked, outcome=PhrasingOutcome.NOT_IN_TIME)
        request = HttpRequest(options.endpoint)
        try:
            async with asyncio.timeout(options.timeout_seconds):
                headers = {"Content-Type": "application/json", "Accept": "application/json"}
                reply = await lane.run(
                    lambda: request.send("POST", PATH, body=prompt, headers=headers, most_bytes=_MOST_BYTES + 1)
                )
        except TimeoutError:
            request.close()
            return asked, ""
        except NotTakenNowError as error:
            return replace(asked, outcome=PhrasingOutcome.NOT_REACHED, why=str(error)), ""
        except Exception as error:  # noqa: BLE001 - whatever a server makes a library raise, the computed answer stands
            return replace(asked, outcome=PhrasingOutcome.NOT_REACHED, why=type(error).__name__), ""
        return _judged(asked, reply, answer)

    def _note(self, outcome: PhrasingOutcome) -> None:
        """Count; pause after failures in a row, a model that says something else among them."""
        self.counts[outcome.value] += 1
        failed = outcome is not PhrasingOutcome.SHOWN
        self._failures = self._failures + 1 if failed else 0
        paused = self._failures >= _FAILURES_BEFORE_PAUSE
        pause = pause_seconds(self._failures - _FAILURES_BEFORE_PAUSE + 1, chance=self._chance()) if paused else 0.0
        self._not_before = self._clock.monotonic() + pause if paused else float("-inf")
        if failed:
            log.info("an answer was not phrased", outcome=outcome.value, failures_in_a_row=self._failures)
        self._on_condition(PAUSED, paused)


def _is_for_phrasing(answer: Answer) -> bool:
    """Return whether an answer may be phrased: facts, not refusals and choices, and no words of people as such."""
    intent = INTENTS.get(answer.intent)
    return (
        answer.outcome is Outcome.ANSWERED
        and intent is not None
        and not intent.verbatim
        and len(answer.text) <= _LONGEST_PHRASED
    )


def _judged(asked: Phrasing, reply: HttpAnswer, answer: Answer) -> tuple[Phrasing, str]:
    """Return what came of a reply, and its text."""
    kept = replace(asked, reply=reply.body[:_MOST_BYTES].decode("utf-8", "replace"))
    if reply.status != _OK:
        return replace(kept, outcome=PhrasingOutcome.REFUSED, why=f"status {reply.status}"), ""
    if len(reply.body) > _MOST_BYTES:
        return replace(kept, outcome=PhrasingOutcome.TOO_LONG, why=f"more than {_MOST_BYTES} bytes"), ""
    text = text_of(reply.body)
    if text is None:
        return replace(kept, outcome=PhrasingOutcome.NOT_UNDERSTOOD), ""
    if not says_the_same(answer.text, text, language=answer.language, names=_names(answer)):
        return replace(kept, outcome=PhrasingOutcome.SAYS_SOMETHING_ELSE), ""
    return replace(kept, outcome=PhrasingOutcome.SHOWN), text


def _names(answer: Answer) -> tuple[str, ...]:
    """Return what in an answer is a name or a value of a record, sentences left out."""
    values = (str(part) for fact in answer.facts for part in (fact.value, fact.unit) if part is not None)
    named = (*values, *(source.title for source in answer.sources))
    return tuple(name for name in named if not name.endswith("."))
