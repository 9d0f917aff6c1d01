"""The tokens of terminals that are good now, and which questions were asked with each."""

import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.clock import Clock
from gateway.people.terminal_tokens import TerminalToken, proof_of, read, signing_key, written
from gateway.time_units import seconds_to_ns

_MOST_TOKENS, _MOST_QUESTIONS = 500, 500
_MOST_OF_A_PERSON = 5
_SHORTEST_ID = 8


class TokenRefusal(StrEnum):
    """Why a question with a token is not answered; each has a sentence in the group ``copilot``."""

    TOKEN_UNKNOWN = "TOKEN_UNKNOWN"  # noqa: S105 - a code
    TOKEN_EXPIRED = "TOKEN_EXPIRED"  # noqa: S105 - a code
    TOKEN_OF_OTHER_TERMINAL = "TOKEN_OF_OTHER_TERMINAL"  # noqa: S105 - a code
    TOKEN_PROOF_WRONG = "TOKEN_PROOF_WRONG"  # noqa: S105 - a code
    TOKEN_SESSION_ENDED = "TOKEN_SESSION_ENDED"  # noqa: S105 - a code
    QUESTION_ID_USED = "QUESTION_ID_USED"
    QUESTION_ID_NEEDED = "QUESTION_ID_NEEDED"
    TOKEN_USED_UP = "TOKEN_USED_UP"  # noqa: S105 - a code


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuedToken:
    """A new token: ``text`` goes with each question, ``key`` stays in the terminal and signs it."""

    text: str
    key: str = field(repr=False)
    expires_ns: int


@dataclass(slots=True)
class _Live:
    token: TerminalToken
    asked: set[str] = field(default_factory=set)


class TerminalTokens:
    """Issues tokens and looks at what comes with questions; everything is in memory, and ends with the process."""

    def __init__(self, clock: Clock, *, life_seconds: float) -> None:
        self._clock = clock
        self._life_ns = seconds_to_ns(life_seconds)
        self._key = secrets.token_bytes(32)
        self._live: OrderedDict[str, _Live] = OrderedDict()

    def issue(self, *, user_id: str, session: str, terminal: str, line: str) -> IssuedToken:
        """Return a token of a person's session for a terminal; it takes the place of an older one of theirs there."""
        now = self._clock.now()
        self._forget(now.boot_ns, replaced=(user_id, terminal))
        token = TerminalToken(
            token_id=secrets.token_urlsafe(16), user_id=user_id, session=session, terminal=terminal, line=line,
            expires_boot_ns=now.boot_ns + self._life_ns,
        )  # fmt: skip
        self._live[token.token_id] = _Live(token)
        return IssuedToken(
            text=written(self._key, token.token_id),
            key=signing_key(self._key, token.token_id),
            expires_ns=now.wall_ns + self._life_ns,
        )

    def taken(
        self, text: str, proof: str, *, terminal: str, line: str, question_id: str | None, question: str
    ) -> TerminalToken | TokenRefusal:
        """Return whose question it is, or why it is not answered; its id counts as used from now on."""
        token_id = read(self._key, text)
        if token_id is None:
            return TokenRefusal.TOKEN_UNKNOWN
        live = self._live.get(token_id)
        if live is None or self._clock.now().boot_ns >= live.token.expires_boot_ns:
            return TokenRefusal.TOKEN_EXPIRED
        if (live.token.terminal, live.token.line) != (terminal, line):
            return TokenRefusal.TOKEN_OF_OTHER_TERMINAL
        return self._asked(live, proof, question_id or "", question)

    def _asked(self, live: _Live, proof: str, question_id: str, question: str) -> TerminalToken | TokenRefusal:
        """Return the token once a question with it is signed, and was not asked before."""
        if len(question_id) < _SHORTEST_ID:
            return TokenRefusal.QUESTION_ID_NEEDED
        terminal, key = live.token.terminal, signing_key(self._key, live.token.token_id)
        wanted = proof_of(key, terminal=terminal, question_id=question_id, question=question)
        if not hmac.compare_digest(wanted, proof if proof.isascii() else ""):
            return TokenRefusal.TOKEN_PROOF_WRONG
        if question_id in live.asked:
            return TokenRefusal.QUESTION_ID_USED
        if len(live.asked) >= _MOST_QUESTIONS:
            return TokenRefusal.TOKEN_USED_UP
        live.asked.add(question_id)
        return live.token

    def _forget(self, boot_ns: int, *, replaced: tuple[str, str]) -> None:
        """Forget what is over, what a newer token replaces, and the oldest of too many, of one person first."""
        user_id = replaced[0]
        for token_id, live in list(self._live.items()):
            if live.token.expires_boot_ns <= boot_ns or (live.token.user_id, live.token.terminal) == replaced:
                del self._live[token_id]
        own = [token_id for token_id, live in self._live.items() if live.token.user_id == user_id]
        for token_id in own[: max(0, len(own) - _MOST_OF_A_PERSON + 1)]:
            del self._live[token_id]
        while len(self._live) >= _MOST_TOKENS:
            self._live.popitem(last=False)
