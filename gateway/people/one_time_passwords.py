"""Passwords of one-time links: long, random, and with the instant until which they are valid written into them.

The hash that is kept covers that instant, too, so nobody prolongs one. With it a user can do nothing but set a password
of their own, which ends it.
"""

import re
import secrets

from gateway.time_units import SECOND_NS

VALID_NS = 24 * 3600 * SECOND_NS
_BYTES = 24
_PASSWORD = re.compile(r"one-time\.([0-9a-f]{1,16})\.[\w-]{32}")


def one_time_password(*, now_ns: int) -> str:
    """Return a new one; reads random numbers."""
    return f"one-time.{(now_ns + VALID_NS) // SECOND_NS:x}.{secrets.token_urlsafe(_BYTES)}"


def is_over(password: str, *, now_ns: int) -> bool:
    """Return whether a password is one of a link whose time is over. Pure."""
    matched = _PASSWORD.fullmatch(password)
    return matched is not None and int(matched[1], 16) * SECOND_NS < now_ns
