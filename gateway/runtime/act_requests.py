"""A command's way to an act: the running gateway is asked; where none runs, the same decision is taken on its store.

Either way one process writes: the gateway, or the command while it holds the store's lock.
"""

import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.clock import SystemClock
from gateway.config.assigned_models import trusted_keys
from gateway.config.line_definition import line_without_models
from gateway.config.tables import Settings
from gateway.contract.acts import (
    LONGEST_ANSWER_BYTES,
    ActRequest,
    SignInRequest,
    identity_of_act,
    read_answer,
    request_line,
)
from gateway.database.opening import SQLITE_ERRORS, translated
from gateway.errors import LablineError, NotDoneError, StoreLockedError
from gateway.events import ActRequested, SignInTried
from gateway.line.definition import LineDefinition
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Act, ActOutcome, Answer, AnswerGuidance, SignBiases, refused, unknown
from gateway.runtime.identification import check, credential_after, own_account, tried
from gateway.store.database import STATE_FILE, locked, open_state, read_state
from gateway.texts.catalogue import speak
from gateway.time_units import seconds_to_ns
from gateway.transport.unix_line_client import NoAnswerError, NotTakenError, ask_line

if TYPE_CHECKING:
    from gateway.store.transaction.decide_batch import BatchOutcome

_TAKEN_SECONDS = 5.0
_ANSWERED_SECONDS = 75.0  # the gateway gives up earlier, and says so
_LOOK_SECONDS = 0.1
_RUNNING = "look whether the gateway runs as it should: labline buffer status, and its log"


def perform(settings: Settings, act: Act, *, path: Path, sign_in: SignInRequest | None, reason: str) -> Answer:
    """Have an act done by the running gateway, else on its store; return what came of it.

    It may wait for signatures of other people (``PENDING``). Raises LablineError where it is refused, so that nothing
    is changed, and where nobody can say whether it is done.
    """
    answer = ask(settings, act, path=path, sign_in=sign_in, reason=reason)
    if answer.outcome not in {ActOutcome.DONE, ActOutcome.PENDING}:
        raise not_done(answer)
    return answer


def not_done(answer: Answer) -> NotDoneError:
    """Return the error of an act that is refused, or of which nobody can say whether it is done."""
    why = f"whether it is done is not known: {answer.why}" if answer.outcome is ActOutcome.UNKNOWN else answer.why
    code = "" if answer.code is None else answer.code.value
    return NotDoneError(why, hint=answer.hint, code=code, parameters=answer.parameters)


def ask(settings: Settings, act: Act, *, path: Path, sign_in: SignInRequest | None, reason: str) -> Answer:
    """Return the answer to an act; raises LablineError where nobody could be asked, so that nothing is done.

    ``path``: the configuration's file.
    """
    directory = settings.store.directory
    speak(settings.texts.language)
    read_state(directory).close()  # a command makes no store, and brings none to a newer schema
    until = time.monotonic() + _TAKEN_SECONDS
    while True:
        try:
            with locked(directory):
                return _on_the_store(settings, act, path=path, sign_in=sign_in, reason=reason)
        except StoreLockedError as error:
            holder = str(error)
        try:
            return _by_the_gateway(directory, act, sign_in=sign_in, reason=reason)
        except (FileNotFoundError, ConnectionRefusedError):  # it starts, it ends, or it is another command
            if time.monotonic() > until:
                raise LablineError(f"{holder}, which takes no acts: nothing is done", hint=_RUNNING) from None
        time.sleep(_LOOK_SECONDS)


def _by_the_gateway(directory: Path, act: Act, *, sign_in: SignInRequest | None, reason: str) -> Answer:
    read_before_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) + seconds_to_ns(_TAKEN_SECONDS)
    line = request_line(ActRequest(act=act, sign_in=sign_in, reason=reason, read_before_boot_ns=read_before_ns))
    try:
        return read_answer(
            ask_line(
                directory,
                line,
                taken_within=_TAKEN_SECONDS,
                answered_within=_ANSWERED_SECONDS,
                longest_bytes=LONGEST_ANSWER_BYTES,
            )
        )
    except NotTakenError as error:
        raise LablineError(f"{error}: nothing is done", hint=error.hint or _RUNNING) from error
    except NoAnswerError as error:
        return unknown(ActRefusal.NO_ANSWER, problem=str(error))


def _on_the_store(settings: Settings, act: Act, *, path: Path, sign_in: SignInRequest | None, reason: str) -> Answer:
    """Decide an act on the store, whose lock is held; lots that it touches are judged when a gateway starts."""
    directory = settings.store.directory
    if isinstance(act, AnswerGuidance):  # whether advice still stands, only the models in service show
        return refused(ActRefusal.GATEWAY_NOT_RUNNING)
    credential = own_account(directory)
    if sign_in is not None:
        checked = check(directory, sign_in, now_ns=SystemClock().now_ns())
        if checked.refusal is None:
            tried_event = tried(sign_in, checked, at=SystemClock().now(), via="command")
            _committed(settings, act, tried_event, path=path)
        credential_or_refusal = credential_after(checked, sign_in, act)
        if isinstance(credential_or_refusal, Answer):
            return credential_or_refusal
        credential = credential_or_refusal
    at = SystemClock().now()
    event = ActRequested(
        event_id=identity_of_act(act, at_ns=at.wall_ns, by=credential.identity),
        at=at,
        act=act,
        credential=credential,
        reason=reason,
    )
    return _committed(settings, act, event, path=path).answers[event.event_id]


def _committed(settings: Settings, act: Act, event: SignInTried | ActRequested, *, path: Path) -> "BatchOutcome":
    """Return the outcome of an event that is decided on the store."""
    # here only: a command that asks a running gateway needs nothing of it
    from gateway.ingest.event_queue import Pending  # noqa: PLC0415
    from gateway.store.audit.heads import HeadFile, contains, read_head_file  # noqa: PLC0415
    from gateway.store.transaction.decide_batch import decide_batch  # noqa: PLC0415

    directory = settings.store.directory
    line = _line_without_models(settings, act, path=path)
    speak(line.language, line.units)
    with closing(open_state(directory)) as connection, HeadFile(directory) as head_file:
        witnessed = read_head_file(directory)
        try:
            goes_on = witnessed is not None and contains(connection, witnessed)
            connection.execute("BEGIN IMMEDIATE")
            outcome = decide_batch(connection, line=line, batch=(Pending(event),), lots_later=True)
            connection.execute("COMMIT")
            if goes_on:  # else the head beside the store stays: by it the next start finds that lines are missing
                head_file.witness(connection, durable=True)
        except SQLITE_ERRORS as error:
            raise translated(error, f"nothing is changed: {directory / STATE_FILE} cannot be written") from error
    return outcome


def _line_without_models(settings: Settings, act: Act, *, path: Path) -> LineDefinition:
    """Return the line as far as an act stands on it."""
    trusted = trusted_keys(settings, folder=path.parent) if isinstance(act, SignBiases) else None
    return line_without_models(settings, trusted=trusted)
