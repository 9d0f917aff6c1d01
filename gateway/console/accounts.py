"""Answers what administrators see of users, one's own account, and one-time links for a new password."""

import asyncio
from collections.abc import Mapping

from starlette.responses import JSONResponse, Response

from gateway.clock import Clock
from gateway.console.asked import Answering, Asked
from gateway.console.attempts import Attempts
from gateway.console.people import TakesActs
from gateway.console.reading import ConsoleReader
from gateway.console.refusals import RefusedError, RequestRefusal, refused_by
from gateway.console.sessions import Sessions
from gateway.console.views.users import PasswordLinkAsked, PasswordLinkView, account_view, users_view
from gateway.contract.acts import ActRequest, SignInRequest
from gateway.contract.console_links import PASSWORD
from gateway.contract.lims.names import normalised
from gateway.contract.times import rfc3339
from gateway.people.one_time_passwords import VALID_NS, one_time_password
from gateway.people.passwords import hashed
from gateway.records.acts import ActOutcome
from gateway.records.user_acts import SetPassword
from gateway.records.users import Credential

_NEVER_NS = 2**62


class Accounts:
    """Answers the routes of users and accounts."""

    def __init__(
        self, *, reader: ConsoleReader, sessions: Sessions, acts: TakesActs, attempts: Attempts, clock: Clock
    ) -> None:
        self._reader = reader
        self._sessions = sessions
        self._acts = acts
        self._attempts = attempts
        self._clock = clock

    def answering(self) -> Mapping[str, Answering]:
        """Return what answers each route."""
        return {
            "GET /api/users": self.users,
            "GET /api/account": self.account,
            "POST /api/users/{user}/password-link": self.password_link,
        }

    async def users(self, _asked: Asked) -> Response:
        """Show all users; the route lets administrators in only."""
        now_ns, idle_ns = self._clock.now_ns(), self._sessions.idle_ns
        view = await self._reader.read(lambda connection: users_view(connection, now_ns=now_ns, idle_ns=idle_ns))
        return JSONResponse(view.model_dump(mode="json"))

    async def account(self, asked: Asked) -> Response:
        """Show one's own account."""
        session, now_ns, idle_ns = asked.signed_in, self._clock.now_ns(), self._sessions.idle_ns
        view = await self._reader.read(
            lambda connection: account_view(
                connection, session.user, token_sha256=session.token_sha256, now_ns=now_ns, idle_ns=idle_ns
            )
        )
        return JSONResponse(view.model_dump(mode="json"))

    async def password_link(self, asked: Asked) -> Response:
        """Set a password that nobody has seen, and show the link by which its user replaces it.

        It is the act set_password, decided by the same rights: the user's sessions end, and the lock is taken off. The
        administrator gives both components for it: a session that was left open gives nobody another's account.
        """
        body, session, user_id = asked.body, asked.signed_in, asked.parameters["user"]
        assert isinstance(body, PasswordLinkAsked)  # noqa: S101 - its route says so
        if user_id == session.user.user_id:
            raise RefusedError(403, RequestRefusal.OWN_PASSWORD)
        if body.sign_in.user != session.user.user_id:
            raise RefusedError(403, RequestRefusal.LINK_BY_WHO_IS_SIGNED_IN)
        self._attempts.count(asked)
        now_ns = self._clock.now_ns()
        password = one_time_password(now_ns=now_ns)
        act = SetPassword(
            user_id=user_id,
            password_hash=await asyncio.to_thread(hashed, password),
        )
        signing = SignInRequest(
            user_id=body.sign_in.user, password=body.sign_in.password, code=body.sign_in.code, origin=asked.origin
        )
        request = ActRequest(act=act, sign_in=signing, reason=normalised(body.reason), read_before_boot_ns=_NEVER_NS)
        answer = await self._acts.perform(request, _nobody, via="console")
        if answer.outcome is not ActOutcome.DONE:
            raise refused_by(403, answer)
        self._attempts.succeeded(asked)
        view = PasswordLinkView(
            user_id=user_id,
            fragment=f"#{PASSWORD}={user_id}~{password}",
            valid_until_at=rfc3339(now_ns + VALID_NS),
        )
        return JSONResponse(view.model_dump(mode="json"))


def _nobody() -> Credential:
    raise RefusedError(403, RequestRefusal.NOT_SIGNED_IN)
