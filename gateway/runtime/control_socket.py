"""What people do by commands, beside a gateway that runs: a request becomes an event, and is decided like any other.

One act at a time. One that is not begun in time is taken back, so that nothing is done later that a person was told is
not done; one that is being written is waited for. An act takes effect at once: whoever works by it hears of it here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from gateway.clock import Clock
from gateway.contract.acts import ActRequest, SignInRequest, answer_line, identity_of_act, read_request
from gateway.errors import ConfigurationError, LablineError
from gateway.events import ActRequested
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.line.definition import LineDefinition
from gateway.records.act_kinds import ActKind
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import ActOutcome, Answer, PromoteModel, RollBackModel, done, refused, unknown
from gateway.records.users import Credential
from gateway.runtime.identification import Checked, check, credential_after, of_account, tried
from gateway.runtime.model_versions import Versions

log = structlog.get_logger()

CLOSING_SECONDS = 3.0  # for an act that is being decided as the gateway stops
_WAIT_SECONDS = 15.0  # for acts before it
_BEGIN_SECONDS, _COMMIT_SECONDS = 5.0, 10.0
_PREPARE_SECONDS = 30.0  # to load a version of a model
_MAY_CHANGE_STAGES = frozenset({ActKind.CHANGE_STAGE, ActKind.SIGN_PENDING})
_LOOK = "labline buffer status says how it does; ask again later"


class _WaitingAct:
    """An act that waits: what came of it, and whether deciding has begun or it was taken back, whichever was first."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._begun = False
        self._taken_back = False

    def begin(self) -> bool:
        """Note that deciding begins; return whether it still may."""
        self._begun = not self._taken_back
        return self._begun

    def take_back(self) -> bool:
        """Take it back; return whether deciding has not begun, so that it never will."""
        self._taken_back = not self._begun
        return self._taken_back

    def answered(self, answer: Answer) -> None:
        """Take the answer."""
        if not self.answer.done():
            self.answer.set_result(answer)


class Acts:
    """Has acts decided, and answers."""

    def __init__(
        self,
        *,
        inbox: EventQueue,
        clock: Clock,
        versions: Versions,
        directory: Path,
        on_retries: Callable[[], None],
        on_change: Callable[[], None],
    ) -> None:
        """``directory``: the store's, in which users stand.

        ``on_retries`` hears that messages are to be tried again; ``on_change`` that the status may be another.
        """
        self._inbox = inbox
        self._clock = clock
        self._versions = versions
        self._directory = directory
        self._on_change = on_change
        self._one = asyncio.Lock()
        self._passwords = asyncio.Lock()  # one at a time, wherever they are typed
        self._after: Mapping[ActKind, Callable[[], None]] = {ActKind.RETRY_MESSAGES: on_retries}

    async def answer(self, line: bytes, account: int) -> bytes:
        """Return the answer to a request, as one line; ``account``: the number of the operating system's user."""
        try:
            request = read_request(line)
        except LablineError as error:
            return answer_line(refused(ActRefusal.REQUEST_NOT_UNDERSTOOD, problem=str(error), way=error.hint))
        if self._clock.now().boot_ns >= request.read_before_boot_ns:
            return answer_line(refused(ActRefusal.GATEWAY_BUSY))
        return answer_line(await self.perform(request, partial(of_account, account, self._directory)))

    async def perform(self, request: ActRequest, own: Callable[[], Credential], *, via: str = "command") -> Answer:
        """Return what came of an act; ``own``: by what the person has shown who they are, unless they sign in for it.

        ``via``: where a password was typed, for the record of its trial.
        """
        try:
            answer = await self._alone(request, own, via)
        except ConfigurationError as error:  # of the line with the version that was to be taken
            problems = "; ".join(f"{problem.key} {problem.message}" for problem in error.problems)
            answer = refused(ActRefusal.CANNOT_TAKE_VERSION, problem=problems, way=error.problems[0].hint)
        except LablineError as error:
            answer = refused(ActRefusal.CANNOT_BE_DONE, problem=str(error), way=error.hint)
        return answer

    async def sign_in(self, sign_in: SignInRequest, *, via: str) -> Answer:
        """Return whether user and password are right, with ``must_change``, or why not; it is on record."""
        async with self._passwords:
            checked = await asyncio.to_thread(check, self._directory, sign_in, now_ns=self._clock.now_ns())
            if checked.refusal is not None:
                return checked.refusal
            if not await self._recorded(sign_in, checked, via):
                return refused(ActRefusal.GATEWAY_BUSY)
        return done(must_change=checked.must_change) if checked.succeeded else refused(checked.wrong)

    async def _alone(self, request: ActRequest, own: Callable[[], Credential], via: str) -> Answer:
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await self._one.acquire()
        except TimeoutError:
            return refused(ActRefusal.GATEWAY_BUSY)
        try:
            credential = await self._credential(request, own, via)
            return credential if isinstance(credential, Answer) else await self._done(request, credential)
        finally:
            self._one.release()

    async def _credential(self, request: ActRequest, own: Callable[[], Credential], via: str) -> Credential | Answer:
        """Return what is verified of the person who asks; a password that was tried is on record before."""
        sign_in = request.sign_in
        if sign_in is None:
            return own()
        async with self._passwords:
            checked = await asyncio.to_thread(check, self._directory, sign_in, now_ns=self._clock.now_ns())
            if checked.refusal is None and not await self._recorded(sign_in, checked, via):
                return refused(ActRefusal.GATEWAY_BUSY)
        return credential_after(checked, sign_in, request.act)

    async def _recorded(self, sign_in: SignInRequest, checked: Checked, via: str) -> bool:
        """Return whether it is committed that a password was tried."""
        committed = asyncio.Event()
        event = tried(sign_in, checked, at=self._clock.now(), via=via)
        self._inbox.put(event, Urgency.STOP_AND_RESPONSES, committed.set)
        return await _within(_COMMIT_SECONDS, committed.wait())

    async def _done(self, request: ActRequest, credential: Credential) -> Answer:
        """Have an act decided, and let it take effect."""
        act, line = request.act, await self._line_with(request)
        answer = await self._decided(request, credential)
        log.info("an act was asked for", act=act.kind.value, by=credential.subject, outcome=answer.outcome.value)
        if act.kind in _MAY_CHANGE_STAGES and answer.outcome is not ActOutcome.REFUSED:
            await self._versions.take_stages(self._directory)
        if answer.outcome is not ActOutcome.DONE:
            return answer
        if line is not None:
            await self._versions.take(line)
        self._after.get(act.kind, _nothing)()
        self._on_change()
        return answer

    async def _line_with(self, request: ActRequest) -> LineDefinition | None:
        """Return the line as it will be with another version of a model, loaded and checked before it is decided."""
        act = request.act
        if not isinstance(act, PromoteModel | RollBackModel):
            return None
        try:
            async with asyncio.timeout(_PREPARE_SECONDS):
                return await self._versions.line_after(act)
        except TimeoutError:
            raise LablineError(f"the version could not be read in {_PREPARE_SECONDS:g} s", hint=_LOOK) from None
        except OSError as error:
            message = f"the running gateway cannot read the version: {error.filename}: {error.strerror}"
            raise LablineError(message, hint="its user must be able to read the folder") from error

    async def _decided(self, request: ActRequest, credential: Credential) -> Answer:
        at, waiting = self._clock.now(), _WaitingAct()
        event = ActRequested(
            event_id=identity_of_act(request.act, at_ns=at.wall_ns, by=credential.identity),
            at=at,
            act=request.act,
            credential=credential,
            reason=request.reason,
        )
        self._inbox.ask(event, Urgency.STOP_AND_RESPONSES, waiting.answered, waiting.begin)
        if await _within(_BEGIN_SECONDS, waiting.answer):
            return waiting.answer.result()
        if waiting.take_back():
            self._inbox.withdraw(event.event_id)
            return refused(ActRefusal.GATEWAY_BUSY)
        if await _within(_COMMIT_SECONDS, waiting.answer):
            return waiting.answer.result()
        return unknown(ActRefusal.STORE_SLOW)


async def _within(seconds: float, answer: Awaitable[Any]) -> bool:
    """Return whether something was answered within so many seconds; it goes on else."""
    try:
        async with asyncio.timeout(seconds):
            await asyncio.shield(answer)
    except TimeoutError:
        return False
    return True


def _nothing() -> None:
    """Let an act take effect that has none besides what it has written."""
