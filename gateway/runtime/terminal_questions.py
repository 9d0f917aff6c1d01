"""Questions of terminals: taken from ``ask/{terminal}``, answered from records, sent to ``answer/{terminal}``.

Who asks at a terminal has not shown who they are: a guest, who sees what is configured for the terminal. With a token
from the console it is a person with their own rights; with one that does not hold nobody is answered, not as a guest.
A question is acknowledged as it is taken, as one that is lost is asked again; too many at once are answered with that.
Reading has a thread and a connection of its own, so that no result waits for it.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from gateway.clock import Clock
from gateway.console.sessions import user_of_session
from gateway.contract.answers import QuestionMessage, answer_topic, read_question
from gateway.contract.identity import identity_of
from gateway.contract.payloads.answer import AnswerPayload, FactPart, PhrasedPart, SourcePart
from gateway.contract.times import rfc3339
from gateway.copilot.answering import answered
from gateway.copilot.answers import Answer, Outcome, sentence
from gateway.copilot.desk import Desk, Finished
from gateway.copilot.ground import Asker, Ground
from gateway.copilot.options import CopilotOptions
from gateway.copilot.tokens import TerminalTokens, TokenRefusal
from gateway.deadlines import ClockReading
from gateway.errors import NotConnectedError
from gateway.knowledge.index import read_index
from gateway.knowledge.options import KnowledgeOptions
from gateway.knowledge.searching import Searched
from gateway.line.definition import LineDefinition
from gateway.people.terminal_tokens import TerminalToken
from gateway.store.database import read_state
from gateway.transport.http_entrance import Rate
from gateway.transport.mqtt import MqttSession
from gateway.transport.mqtt_messages import Delivery, Outgoing

log = structlog.get_logger()
_MOST_WAITING = 20
_AT_ONCE, _PER_SECOND = 10, 2.0
_LIVES_SECONDS = 60  # of an answer: whoever asked has gone by then


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    terminal: str
    message: QuestionMessage
    delivery: Delivery


class TerminalQuestions:
    """The loop that answers terminals. ``session``: by which questions come and answers go; set once it is built."""

    def __init__(
        self,
        directory: Path,
        line: Callable[[], LineDefinition],
        *,
        knowledge: KnowledgeOptions,
        copilot: CopilotOptions,
        clock: Clock,
        desk: Desk,
        tokens: TerminalTokens | None = None,
    ) -> None:
        """``line``: as it is now. ``desk``: where answers are finished, and put on record.

        ``tokens``: by which people who are signed in at the console ask here, too; None: nobody does.
        """
        self._directory = directory
        self._line = line
        self._knowledge = knowledge
        self._copilot = copilot
        self._clock = clock
        self._desk = desk
        self._tokens = tokens
        self._finishing: set[asyncio.Task[None]] = set()
        self._waiting: asyncio.Queue[_Asked] = asyncio.Queue(_MOST_WAITING)
        self._rate = Rate(per_second=_PER_SECOND, at_once=_AT_ONCE)
        self._state: sqlite3.Connection | None = None
        self.session: MqttSession | None = None

    def take(self, delivery: Delivery) -> None:
        """Take a question; what is none is dropped, as there is nobody to tell."""
        if self.session is None:
            return
        self.session.acknowledge(delivery)
        message = read_question(delivery.payload) if delivery.payload else None
        if message is None:
            return
        asked = _Asked(terminal=delivery.topic.rpartition("/")[2], message=message, delivery=delivery)
        if not self._rate.takes() or self._waiting.full():
            self._send(asked, Finished(answer=self._without_answer("TOO_MANY_QUESTIONS")))
            return
        self._waiting.put_nowait(asked)

    async def run(self) -> None:
        """Answer until cancelled."""
        thread = ThreadPoolExecutor(1, thread_name_prefix="labline-questions")
        loop = asyncio.get_running_loop()
        try:
            while True:
                asked = await self._waiting.get()
                at = self._clock.now()
                token = self._token(asked)
                if isinstance(token, TokenRefusal):
                    self._finish(asked, self._refused(token), self._guest(asked), at)
                    continue
                try:
                    answer, asker = await loop.run_in_executor(thread, self._answered, asked, token, at)
                except Exception:  # a question never ends the gateway, whatever a reader stumbles over
                    log.exception("a terminal's question could not be answered", terminal=asked.terminal)
                    self._state = None
                    answer, asker = self._without_answer("NOT_READ"), self._guest(asked)
                self._finish(asked, answer, asker, at)
        finally:
            thread.shutdown(wait=False)
            for task in self._finishing:
                task.cancel()

    def _finish(self, asked: _Asked, answer: Answer, asker: Asker, at: ClockReading) -> None:
        """Have an answer finished and sent while the next question is read."""

        async def finish() -> None:
            """Finish and send, the computed answer at once; what fails is logged here, as nobody awaits it."""
            sent = False

            def send_computed(computed: Finished) -> None:
                nonlocal sent
                sent = True
                self._send(asked, computed)

            try:
                finished = await self._desk.finished(
                    asked.message.question, answer, asker, at, on_computed=send_computed
                )
            except Exception:
                log.exception("an answer could not be finished", terminal=asked.terminal)
                finished = Finished(answer=self._without_answer("NOT_READ"))
            if sent and finished.answer.phrased is None:
                return
            try:
                self._send(asked, finished)
            except Exception:
                log.exception("an answer could not be sent", terminal=asked.terminal)

        task = asyncio.create_task(finish(), name="terminal-answer")  # as few as the rate lets in
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)

    def _token(self, asked: _Asked) -> TerminalToken | TokenRefusal | None:
        """Return the token of a question, or why it does not hold; None: a guest asks."""
        message = asked.message
        if message.token is None:
            return None
        if self._tokens is None:
            return TokenRefusal.TOKEN_UNKNOWN
        return self._tokens.taken(
            message.token, message.proof or "", terminal=asked.terminal, line=self._line().path, question_id=message.id,
            question=message.question,
        )  # fmt: skip

    def _refused(self, why: TokenRefusal) -> Answer:
        return self._without_answer(why.value, Outcome.TOKEN_REFUSED)

    def _without_answer(self, code: str, outcome: Outcome = Outcome.NOT_ANSWERED) -> Answer:
        language = self._line().language
        return Answer(outcome=outcome, intent="", language=language, text=sentence(language, code))

    def _guest(self, asked: _Asked) -> Asker:
        sight = self._line().sights.of_terminal(asked.terminal)
        return Asker(name=asked.message.person or "", known=False, sight=sight, place=asked.terminal)

    def _answered(self, asked: _Asked, token: TerminalToken | None, at: ClockReading) -> tuple[Answer, Asker]:
        """Return the answer, and who asks: with a token that holds, a person with their own rights and sight."""
        state = self._state = self._state or read_state(self._directory)
        index = read_index(self._directory)
        line = self._line()
        state.execute("BEGIN")  # all that one answer says is of one instant
        try:
            asker, roles = self._guest(asked), None
            if token is not None:
                user = user_of_session(state, token.session, at)
                if user is None or user.user_id != token.user_id:
                    return self._refused(TokenRefusal.TOKEN_SESSION_ENDED), asker
                sight = self._line().sights.of_user(user.user_id)
                asker = Asker(name=user.user_id, known=True, sight=sight, place=asked.terminal)
                roles = frozenset(user.roles)
            searched = None if index is None else Searched(
                index=index, state=state, procedures=line.procedures, synonyms=self._knowledge.synonyms,
                zone=line.time_zone, meaning=self._knowledge.meaning,
            )  # fmt: skip
            ground = Ground(
                state=state, line=line, now_ns=at.wall_ns, asker=asker, language=line.language,
                synonyms=self._knowledge.synonyms, searched=searched, contacts=self._copilot.contacts,
                meaning=self._knowledge.meaning,
            )  # fmt: skip
            return answered(ground, asked.message.question, roles=roles), asker
        finally:
            state.execute("ROLLBACK")
            if index is not None:
                index.close()

    def _send(self, asked: _Asked, finished: Finished) -> None:
        if self.session is None:
            return
        delivery, line = asked.delivery, self._line()
        message = Outgoing(
            topic=answer_topic(line.topic_root, asked.terminal, delivery.response_topic),
            payload=_payload(asked, finished, line=line.path, now_ns=self._clock.now_ns()).encoded(),
            expires_in_seconds=_LIVES_SECONDS,
            content_type="application/json",
            correlation=delivery.correlation,
        )
        with suppress(NotConnectedError):  # who asked asks again
            self.session.publish(message)


def _payload(asked: _Asked, finished: Finished, *, line: str, now_ns: int) -> AnswerPayload:
    answer = finished.answer
    return AnswerPayload(
        schema="labline.answer/1",
        id=finished.event_id or identity_of("answer", asked.terminal, now_ns),
        cause=finished.event_id or None,
        issued_at=rfc3339(now_ns),
        line=line,
        language=answer.language,
        terminal=asked.terminal,
        question_id=asked.message.id,
        outcome=answer.outcome.value,
        intent=answer.intent,
        text=answer.text,
        phrased=_phrased(answer),
        facts=[FactPart(name=item.name, value=item.value, unit=item.unit) for item in answer.facts],
        sources=[SourcePart(record=item.record, title=item.title) for item in answer.sources],
        choices=list(answer.choices),
        contact=answer.contact,
        as_of=rfc3339(answer.as_of_ns or now_ns),
    )


def _phrased(answer: Answer) -> PhrasedPart | None:
    phrased = answer.phrased
    if phrased is None:
        return None
    label = sentence(answer.language, "PHRASED_BY", model=phrased.model)
    return PhrasedPart(label=label, text=phrased.text, model=phrased.model, prompt_version=phrased.prompt_version)
