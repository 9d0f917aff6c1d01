"""What a person does by the console: the acts that commands do, decided by the same loop and the same rights."""

import sqlite3
from collections.abc import Callable

from starlette.responses import JSONResponse, Response

from gateway.console.asked import Asked
from gateway.console.people import NOT_BY_CONSOLE, TakesActs, answer_view
from gateway.console.reading import ConsoleReader
from gateway.console.refusals import RefusedError, RequestRefusal
from gateway.console.views.acts import ActAsked
from gateway.contract.acts import ActRequest, SignInRequest, act_of
from gateway.contract.lims.names import normalised
from gateway.records.act_kinds import ActKind
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import ActOutcome, Answer, refused
from gateway.records.users import Credential, CredentialKind
from gateway.store.queries.seen import Seen

_NEVER_NS = 2**62


class ActAnswers:
    """Answers acts."""

    def __init__(
        self,
        acts: TakesActs,
        reader: ConsoleReader,
        *,
        on_sign_in: Callable[[Asked], None],
        on_success: Callable[[Asked], None],
    ) -> None:
        """``on_sign_in`` counts attempts with a password, and raises where there are too many.

        ``on_success`` hears that one was right.
        """
        self._on_success = on_success
        self._acts = acts
        self._reader = reader
        self._on_sign_in = on_sign_in

    async def do(self, asked: Asked) -> Response:
        """Have an act decided: as the session's user, or as the one who signs in for it."""
        body, session = asked.body, asked.signed_in
        assert isinstance(body, ActAsked)  # noqa: S101 - its route says so
        kind = _kind(body.act)
        act, reason = act_of(kind, body.parameters), normalised(body.reason)
        signing = body.sign_in
        if signing is not None:
            self._on_sign_in(asked)
        request = ActRequest(
            act=act,
            sign_in=None if signing is None else SignInRequest(
                user_id=signing.user, password=signing.password, code=signing.code, origin=asked.origin
            ),
            reason=reason,
            read_before_boot_ns=_NEVER_NS,
        )  # fmt: skip
        by = Credential(kind=CredentialKind.SESSION, subject=session.user.user_id, session=session.token_sha256)
        answer = await self._acts.perform(request, lambda: by, via="console")
        if asked.sight.limited and answer.outcome is ActOutcome.REFUSED:
            answer = await self._reader.read(lambda connection: _as_seen(connection, asked, answer))
        if signing is not None and answer.outcome in {ActOutcome.DONE, ActOutcome.PENDING}:
            self._on_success(asked)
        return JSONResponse(answer_view(answer).model_dump(mode="json"))


def _as_seen(connection: sqlite3.Connection, asked: Asked, answer: Answer) -> Answer:
    """Return a refusal; one that names a hidden lot, such as that of a point, as of what is not there."""
    seen = Seen(connection, asked.sight).names_nobody_hidden(answer.parameters)
    return answer if seen else refused(ActRefusal.NOT_IN_SIGHT)


def _kind(name: str) -> ActKind:
    try:
        kind = ActKind(name)
    except ValueError:
        kind = None
    if kind is None or kind in NOT_BY_CONSOLE:
        raise RefusedError(400, RequestRefusal.NO_SUCH_ACT, name=repr(name[:40]))
    return kind
