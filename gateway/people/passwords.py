"""Passwords: what is asked of one, and how it is kept (argon2id, RFC 9106). Reads random numbers, and nothing else."""

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Answer, refused

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256  # characters; NIST SP 800-63B asks for length, and for no mixture


class Cost(NamedTuple):
    """What a hash costs whoever guesses: memory in KiB, passes over it, lanes."""

    memory_kib: int
    passes: int
    lanes: int


COST = Cost(memory_kib=64 * 1024, passes=3, lanes=4)  # RFC 9106's second choice
MOST_COST = Cost(memory_kib=1024 * 1024, passes=12, lanes=16)  # so that looking at a password ends
_HASH = re.compile(
    r"\$argon2id\$v=19\$m=([1-9][0-9]{0,8}),t=([1-9][0-9]{0,3}),p=([1-9][0-9]?)"
    r"\$[A-Za-z0-9+/]{22,86}\$[A-Za-z0-9+/]{43,86}"  # salt of 16 bytes at least, hash of 32
)


def problem_of_hash(password_hash: str) -> Answer | None:
    """Return why a hash is none that passwords are kept by, None where it is one."""
    match = _HASH.fullmatch(password_hash)
    if match is None:
        return refused(ActRefusal.HASH_NOT_ARGON2ID)
    cost = Cost(*map(int, match.groups()))
    if any(own < least for own, least in zip(cost, COST, strict=True)):
        return refused(ActRefusal.HASH_TOO_CHEAP, cost=_written(COST))
    if any(own > most for own, most in zip(cost, MOST_COST, strict=True)):
        return refused(ActRefusal.HASH_TOO_COSTLY, cost=_written(MOST_COST))
    return None


def _written(cost: Cost) -> str:
    return f"m={cost.memory_kib},t={cost.passes},p={cost.lanes}"


def problem_of(password: str, *, user_id: str, full_name: str) -> Answer | None:
    """Return why a new password is refused, None where it is not."""
    if len(password) < SHORTEST_PASSWORD:
        return refused(ActRefusal.PASSWORD_TOO_SHORT, least=SHORTEST_PASSWORD)
    if len(password) > LONGEST_PASSWORD:
        return refused(ActRefusal.PASSWORD_TOO_LONG, most=LONGEST_PASSWORD)
    if len(set(password.casefold())) < 5:  # noqa: PLR2004 - aaaaaaaaaaaa, 121212121212
        return refused(ActRefusal.PASSWORD_REPEATS)
    names = [user_id, *full_name.split()]
    if password.casefold().strip() in {name.casefold() * times for name in names for times in (1, 2, 3)}:
        return refused(ActRefusal.PASSWORD_IS_NAME)
    return None


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher  # noqa: PLC0415 - only who signs in needs it

    return PasswordHasher(memory_cost=COST.memory_kib, time_cost=COST.passes, parallelism=COST.lanes)


def hashed(password: str) -> str:
    """Return the hash to keep; takes some 50 ms and 64 MiB."""
    return _hasher().hash(_as_typed(password))


def matches(password: str, password_hash: str | None) -> bool:
    """Return whether a password is the one of a hash; without a hash it takes as long, and is False."""
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415

    if len(password) > LONGEST_PASSWORD:
        return False
    try:
        _hasher().verify(password_hash or _nobodys_hash(), _as_typed(password))
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def _as_typed(password: str) -> str:
    """Return the same characters whichever keyboard composed them (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


@cache
def _nobodys_hash() -> str:
    return hashed("nobody has this password")
