"""Passwords: what is asked of one, and how it is kept (argon2id, RFC 9106). Reads random numbers, and nothing else."""

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

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


def problem_of_hash(password_hash: str) -> str | None:
    """Return why a hash is none that passwords are kept by, None where it is one."""
    match = _HASH.fullmatch(password_hash)
    if match is None:
        return "passwords are kept as argon2id hashes only (PHC encoding, version 19)"
    cost = Cost(*map(int, match.groups()))
    if any(own < least for own, least in zip(cost, COST, strict=True)):
        return f"the hash costs less than m={COST.memory_kib},t={COST.passes},p={COST.lanes}"
    if any(own > most for own, most in zip(cost, MOST_COST, strict=True)):
        return f"the hash costs more than m={MOST_COST.memory_kib},t={MOST_COST.passes},p={MOST_COST.lanes}"
    return None


def problem_of(password: str, *, user_id: str, full_name: str) -> str | None:
    """Return what is wrong with a new password, None where nothing is."""
    if len(password) < SHORTEST_PASSWORD:
        return f"a password has at least {SHORTEST_PASSWORD} characters"
    if len(password) > LONGEST_PASSWORD:
        return f"a password has at most {LONGEST_PASSWORD} characters"
    if len(set(password.casefold())) < 5:  # noqa: PLR2004 - aaaaaaaaaaaa, 121212121212
        return "the password repeats too few characters"
    names = [user_id, *full_name.split()]
    if password.casefold().strip() in {name.casefold() * times for name in names for times in (1, 2, 3)}:
        return "the password is the user's name"
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
