"""Who is signed in at the console.

The browser has a random token of 256 bits in a cookie that no script reads; the store has its hash, so that a restart
signs nobody out and a copy of the store lets nobody in. A session is of one sign-in: it ends at the latest when its
time is over, when nobody has used it for a while, when the user is disabled, or when the user's password is set.
"""

import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from gateway.clock import Clock
from gateway.console.reading import ConsoleReader
from gateway.database.writer import Writer
from gateway.deadlines import ClockReading, Deadline
from gateway.records.outgoing import AuditEntry
from gateway.records.users import User
from gateway.store.audit import trail as audit
from gateway.store.queries.users import user_named
from gateway.store.statements import SQL, value_of
from gateway.time_units import SECOND_NS, seconds_to_ns

MOST_OF_ONE_USER = 10
_TOKEN_BYTES = 32
_LONGEST_TOKEN = 64
_USE_EVERY_NS = 30 * SECOND_NS  # so often a use is written down


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A session that holds; ``must_change``: the user has to replace a password that somebody else has set."""

    token_sha256: str
    csrf_token: str
    user: User
    must_change: bool
    expires: Deadline


class Sessions:
    """Opens, finds and ends sessions."""

    def __init__(
        self, *, reader: ConsoleReader, writer: Writer, clock: Clock, idle_seconds: float, longest_seconds: float
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock
        self.idle_ns = seconds_to_ns(idle_seconds)
        self._longest_ns = seconds_to_ns(longest_seconds)
        self._used_boot_ns: dict[str, int] = {}  # by the token's hash, of this run

    async def open(self, user_id: str) -> str:
        """Return the token of a new session; it is committed when this returns."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        await self._writer.run(partial(_opened, token_sha256=_hash(token), user_id=user_id, at=self._clock.now(),
                                       longest_ns=self._longest_ns))  # fmt: skip
        return token

    async def holding(self, token: str, *, used: bool) -> Session | None:
        """Return the session of a token, None where there is none that holds; ``used``: whether a person uses it."""
        if not token or len(token) > _LONGEST_TOKEN:
            return None
        key, now = _hash(token), self._clock.now()
        row = await self._reader.read(partial(_session, key))
        if row is None or not self._stands(key, row, now):
            self._used_boot_ns.pop(key, None)
            return None
        if used:
            await self._use(key, row.used_ns, now)
        return Session(
            token_sha256=key,
            csrf_token=_csrf_token(token),
            user=row.user,
            must_change=row.must_change,
            expires=row.expires,
        )

    def holds(self, token: str, row: "SessionRow | None") -> bool:
        """Return whether a session holds now, by what ``rows_of`` has read of it, and may read what all may."""
        return row is not None and not row.must_change and self._stands(_hash(token), row, self._clock.now())

    def _stands(self, key: str, row: "SessionRow", now: ClockReading) -> bool:
        return not now.is_past(row.expires) and not self._idle(key, row.used_ns, now)

    def recently_held(self, token: str) -> bool:
        """Return whether a token was that of a session in this run; it costs no reading."""
        return len(token) <= _LONGEST_TOKEN and _hash(token) in self._used_boot_ns

    async def end(self, session: Session) -> None:
        """Sign out."""
        self._used_boot_ns.pop(session.token_sha256, None)
        await self._writer.run(partial(_ended, session=session, at=self._clock.now()))

    def _idle(self, key: str, used_ns: int, now: ClockReading) -> bool:
        """Return whether nobody has used it for too long: by the clock since boot, across runs by wall time."""
        used_boot_ns = self._used_boot_ns.get(key)
        if used_boot_ns is not None:
            return now.boot_ns - used_boot_ns > self.idle_ns
        if max(now.wall_ns, now.latest_ns) - used_ns > self.idle_ns:
            return True
        self._used_boot_ns[key] = now.boot_ns - max(0, now.wall_ns - used_ns)
        return False

    async def _use(self, key: str, used_ns: int, now: ClockReading) -> None:
        self._used_boot_ns[key] = now.boot_ns
        if abs(now.wall_ns - used_ns) < _USE_EVERY_NS:
            return
        parameters = {"token_sha256": key, "at_ns": now.wall_ns}
        await self._writer.run(lambda connection: connection.execute(SQL["use_console_session"], parameters).rowcount)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """What is on record of a session whose user may use it."""

    user: User
    must_change: bool
    used_ns: int
    expires: Deadline


def rows_of(connection: sqlite3.Connection, tokens: Iterable[str]) -> dict[str, SessionRow | None]:
    """Return what is on record of the sessions of tokens, by token; None where there is none that could hold."""
    return {token: _session(_hash(token), connection) for token in tokens}


def user_of_session(connection: sqlite3.Connection, token_sha256: str, at: ClockReading) -> User | None:
    """Return the user of a session that has not ended, by its token's hash, whether somebody uses it or not."""
    row = _session(token_sha256, connection)
    return None if row is None or row.must_change or at.is_past(row.expires) else row.user


def _session(token_sha256: str, connection: sqlite3.Connection) -> SessionRow | None:
    row = connection.execute(SQL["console_session"], {"token_sha256": token_sha256}).fetchone()
    if row is None or not row["holds"] or row["newest_password_seq"] != row["password_seq"]:
        return None
    user = user_named(connection, row["user_id"])
    if user is None or user.disabled:
        return None
    password = connection.execute(SQL["newest_password"], {"user_id": user.user_id}).fetchone()
    if password is not None and not password["holds"]:
        return None
    return SessionRow(
        user,
        password is not None and bool(password["must_change"]),
        row["used_ns"],
        Deadline(wall_ns=row["expires_ns"], boot_ns=row["expires_boot_ns"], boot_id=row["boot_id"]),
    )


def _opened(
    connection: sqlite3.Connection, *, token_sha256: str, user_id: str, at: ClockReading, longest_ns: int
) -> None:
    """Write a new session, and take out those that have ended by their time or are too many of one user."""
    expires = at.after(longest_ns)
    connection.execute(
        SQL["open_console_session"],
        {
            "token_sha256": token_sha256,
            "user_id": user_id,
            "password_seq": value_of(connection, "newest_password_seq", user_id=user_id),
            "at_ns": at.wall_ns,
            "expires_ns": expires.wall_ns,
            "expires_boot_ns": expires.boot_ns,
            "boot_id": expires.boot_id,
        },
    )
    connection.execute(
        SQL["prune_console_sessions"],
        {"before_ns": at.wall_ns - 2 * longest_ns, "user_id": user_id, "most": MOST_OF_ONE_USER},
    )
    _on_record(connection, "session_opened", user_id, at)


def _ended(connection: sqlite3.Connection, *, session: Session, at: ClockReading) -> None:
    connection.execute(SQL["end_console_session"], {"token_sha256": session.token_sha256})
    _on_record(connection, "session_ended", session.user.user_id, at)


def _on_record(connection: sqlite3.Connection, kind: str, user_id: str, at: ClockReading) -> None:
    """Have the audit trail vouch for the sessions as they are now: one that was written by hand is found."""
    audit.append(connection, (AuditEntry(kind=kind, subject=user_id, body={}),), at_ns=at.wall_ns)


def same(first: str, second: str) -> bool:
    """Return whether two secrets are the same, in a time that does not say where they differ."""
    return hmac.compare_digest(first.encode(errors="replace"), second.encode(errors="replace"))


def _hash(token: str) -> str:
    return hashlib.sha256(b"labline session\0" + token.encode(errors="replace")).hexdigest()


def _csrf_token(token: str) -> str:
    """Return what the page sends in a header with each act: it follows from the token, so nothing is kept of it."""
    return hashlib.sha256(b"labline csrf\0" + token.encode(errors="replace")).hexdigest()
