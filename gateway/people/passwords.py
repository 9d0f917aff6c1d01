"""Passwords: what is asked of one, and how it is kept (argon2id, RFC 9106). Reads random numbers, and nothing else."""

import unicodedata
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256  # characters; NIST SP 800-63B asks for length, and for no mixture


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

    return PasswordHasher()  # the library's defaults are RFC 9106's second choice: 64 MiB, 3 passes, 4 lanes


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
