"""Signing in and out, the first start, one's own password."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from starlette.responses import JSONResponse, Response

from gateway import __version__
from gateway.clock import Clock
from gateway.console import setup_link
from gateway.console.application import cookie_name
from gateway.console.asked import Answering, Asked
from gateway.console.attempts import Attempts
from gateway.console.reading import ConsoleReader
from gateway.console.refusals import RefusedError, RequestRefusal, refused_by
from gateway.console.routes import ROUTES, Sees
from gateway.console.sessions import Session, Sessions, same
from gateway.console.views.acts import ActAnswerView, PasswordAsked
from gateway.console.views.parts import message_of
from gateway.console.views.session import LinkAsked, MeView, SetUpAsked, SignInAsked, StartView
from gateway.contract.acts import ActRequest, SignInRequest
from gateway.contract.console_links import link_hash
from gateway.contract.times import rfc3339
from gateway.line.definition import LineDefinition
from gateway.people.passwords import hashed, problem_of
from gateway.people.rights import RIGHTS
from gateway.people.signing import SIGNABLE, policy_of
from gateway.records.act_kinds import ActKind
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import ActOutcome, Answer
from gateway.records.user_acts import AddUser, SetPassword
from gateway.records.users import Credential, CredentialKind, Role
from gateway.store.queries.users import user_named
from gateway.store.statements import SQL
from gateway.texts.catalogue import language
from gateway.time_units import SECOND_NS
from gateway.transport.console_options import ConsoleOptions

DEMO_USER = "demo"
NOT_BY_CONSOLE = frozenset(
    {
        ActKind.ARCHIVE_AUDIT,  # it names a file of the machine
        ActKind.PROMOTE_MODEL,
        ActKind.SIGN_BIASES,  # signed by a key that a person keeps
        ActKind.SET_SECOND_DEVICE,  # its secret is shown where the device is: labline user second-device
        ActKind.SET_PASSWORD,  # its hash is made by the gateway: POST /api/password
    }
)
_NEVER_NS = 2**62
_OF_A_VIEW = 2  # slashes in the path of a view as a whole


class TakesActs(Protocol):
    """What has acts decided; ``gateway.runtime`` builds it."""

    async def perform(self, request: ActRequest, own: Callable[[], Credential], *, via: str) -> Answer:
        """Return what came of an act."""
        ...

    async def sign_in(self, sign_in: SignInRequest, *, via: str) -> Answer:
        """Return whether user and password are right."""
        ...


class People:
    """Answers what concerns the person at the page."""

    def __init__(
        self,
        *,
        options: ConsoleOptions,
        line: LineDefinition,
        directory: Path,
        sessions: Sessions,
        reader: ConsoleReader,
        acts: TakesActs,
        clock: Clock,
    ) -> None:
        """``directory``: the store's, where the set-up link's hash is."""
        self._options = options
        self._line = line
        self._directory = directory
        self._sessions = sessions
        self._reader = reader
        self._acts = acts
        self.attempts = Attempts()
        self._clock = clock
        self._known_users = False

    def answering(self) -> Mapping[str, Answering]:
        """Return what answers each route."""
        return {
            "GET /api/start": self.start,
            "POST /session": self.sign_in,
            "POST /session/link": self.sign_in_by_link,
            "DELETE /session": self.sign_out,
            "POST /setup": self.set_up,
            "GET /api/me": self.me,
            "POST /api/password": self.set_password,
        }

    async def start(self, asked: Asked) -> Response:
        """Return what the page may know before anybody has signed in."""
        view = StartView(
            line=self._line.path,
            language=language(),
            version=__version__,
            set_up_needed=not await self._has_users(),
            signed_in=asked.session is not None,
        )
        return JSONResponse(view.model_dump(mode="json"))

    async def sign_in(self, asked: Asked) -> Response:
        """Sign a user in by both components; the session before, if there was one, ends."""
        self.attempts.count(asked)
        body = asked.body
        assert isinstance(body, SignInAsked)  # noqa: S101 - its route says so
        request = SignInRequest(user_id=body.user, password=body.password, code=body.code, origin=asked.origin)
        answer = await self._acts.sign_in(request, via="console")
        if answer.outcome is not ActOutcome.DONE:
            raise refused_by(401, answer)
        return await self._signed_in(asked, body.user)

    async def sign_in_by_link(self, asked: Asked) -> Response:
        """Sign the demo's user in by the demo's link."""
        self.attempts.count(asked)
        body, expected = asked.body, self._options.demo_link_sha256
        assert isinstance(body, LinkAsked)  # noqa: S101 - its route says so
        if expected is None or not same(expected, link_hash(body.link)):
            raise RefusedError(401, RequestRefusal.LINK_SIGNS_NOBODY_IN)
        if not await self._has_users():
            await self._add_first(DEMO_USER, "Demo", tuple(Role), body.link)
        return await self._signed_in(asked, DEMO_USER)

    async def sign_out(self, asked: Asked) -> Response:
        """End the session."""
        await self._sessions.end(asked.signed_in)
        answer = Response(status_code=204)
        self._set_cookie(answer, "", max_age=0)
        return answer

    async def set_up(self, asked: Asked) -> Response:
        """Make the first administrator by the one-time link, and sign them in."""
        self.attempts.count(asked)
        body = asked.body
        assert isinstance(body, SetUpAsked)  # noqa: S101 - its route says so
        if not setup_link.is_valid(self._directory, body.link, self._clock.now()):
            raise RefusedError(401, RequestRefusal.SETUP_LINK_INVALID)
        problem = problem_of(body.password, user_id=body.user_id, full_name=body.full_name)
        if problem is not None:
            raise refused_by(400, problem)
        await self._add_first(body.user_id, body.full_name, (Role.ADMINISTRATOR,), body.password)
        setup_link.spent(self._directory)
        return await self._signed_in(asked, body.user_id)

    async def me(self, asked: Asked) -> Response:
        """Return who is signed in, and what they may do."""
        return JSONResponse(self._me(asked.signed_in).model_dump(mode="json"))

    async def set_password(self, asked: Asked) -> Response:
        """Set one's own password, with the present one; all sessions of the user end."""
        body, user = asked.body, asked.signed_in.user
        assert isinstance(body, PasswordAsked)  # noqa: S101 - its route says so
        if body.sign_in.user != user.user_id:
            raise RefusedError(403, RequestRefusal.PASSWORD_BY_ITS_USER)
        self.attempts.count(asked)
        problem = problem_of(body.password, user_id=user.user_id, full_name=user.full_name)
        if problem is not None:
            raise refused_by(400, problem)
        act = SetPassword(
            user_id=user.user_id,
            password_hash=await asyncio.to_thread(hashed, body.password),
        )
        signing = SignInRequest(
            user_id=body.sign_in.user, password=body.sign_in.password, code=body.sign_in.code, origin=asked.origin
        )
        answer = await self._acts.perform(_request(act, reason="own password", sign_in=signing), _nobody, via="console")
        return JSONResponse(answer_view(answer).model_dump(mode="json"))

    async def _add_first(self, user_id: str, full_name: str, roles: tuple[Role, ...], password: str) -> None:
        """Add the first user with a password; raises where that is refused, as where there is one meanwhile."""
        password_hash = await asyncio.to_thread(hashed, password)
        act = AddUser(user_id=user_id, full_name=full_name, roles=roles, password_hash=password_hash)
        by = Credential(kind=CredentialKind.SETUP_LINK, subject="set-up link")
        answer = await self._acts.perform(_request(act, reason="first set-up"), lambda: by, via="console")
        if answer.outcome is not ActOutcome.DONE:
            raise refused_by(403, answer)

    async def _has_users(self) -> bool:
        if not self._known_users:  # once there is one there always is
            row = await self._reader.read(lambda connection: connection.execute(SQL["any_user"]).fetchone())
            self._known_users = row is not None
        return self._known_users

    async def _signed_in(self, asked: Asked, user_id: str) -> Response:
        """Return the answer that sets the cookie of a new session; one that the browser had before ends."""
        user = await self._reader.read(lambda connection: user_named(connection, user_id))
        if user is None or user.disabled:
            raise RefusedError(401, ActRefusal.WRONG_PASSWORD)
        if asked.session is not None:
            await self._sessions.end(asked.session)
        token = await self._sessions.open(user_id)
        session = await self._sessions.holding(token, used=True)
        if session is None:  # the user was disabled, or the password set, at this instant
            raise RefusedError(401, ActRefusal.SESSION_ENDED)
        self.attempts.succeeded(asked)
        answer = JSONResponse(self._me(session).model_dump(mode="json"))
        self._set_cookie(answer, token, max_age=None)
        return answer

    def _set_cookie(self, answer: Response, token: str, *, max_age: int | None) -> None:
        answer.set_cookie(
            cookie_name(self._options), token, max_age=max_age, path="/", httponly=True, samesite="strict",
            secure=self._options.certificate is not None,
        )  # fmt: skip

    def _is_signed_by_its_author(self, kind: ActKind) -> bool:
        policy = policy_of(kind, self._line.signatures)
        return policy.count > 0 and policy.author_signs

    def _me(self, session: Session) -> MeView:
        roles = session.user.roles
        return MeView(
            user_id=session.user.user_id,
            full_name=session.user.full_name,
            roles=[role.value for role in roles],
            acts=[
                kind.value
                for kind, permitted in RIGHTS.items()
                if kind not in NOT_BY_CONSOLE and not permitted.isdisjoint(roles)
            ],
            signed_acts=[kind.value for kind in SIGNABLE if self._is_signed_by_its_author(kind)],
            closed_views=_closed_views() if self._line.sights.of_user(session.user.user_id).limited else [],
            must_change_password=session.must_change,
            language=language(),
            line=self._line.path,
            version=__version__,
            csrf_token=session.csrf_token,
            expires_at=rfc3339(session.expires.wall_ns),
            idle_minutes=self._sessions.idle_ns / SECOND_NS / 60,
        )


def _closed_views() -> list[str]:
    """Return the views of the page whose path is refused to who sees the records of some clients."""
    of_all = {route.path for route in ROUTES if route.method == "GET" and route.sight is Sees.WHOLE_PLANT}
    return sorted(path.removeprefix("/api/") for path in of_all if path.count("/") == _OF_A_VIEW)


def answer_view(answer: Answer) -> ActAnswerView:
    """Return what came of an act, for the page."""
    why, hint = answer.why, answer.hint
    return ActAnswerView(
        outcome=answer.outcome,
        code=answer.code,
        message=message_of(why, hint),
        parameters=dict(answer.parameters),
        why=why,
        hint=hint,
        details=dict(answer.details),
    )


def _request(act: AddUser | SetPassword, *, reason: str, sign_in: SignInRequest | None = None) -> ActRequest:
    return ActRequest(act=act, sign_in=sign_in, reason=reason, read_before_boot_ns=_NEVER_NS)


def _nobody() -> Credential:
    raise RefusedError(403, RequestRefusal.NOT_SIGNED_IN)
