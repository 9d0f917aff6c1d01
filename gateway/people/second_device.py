"""One-time codes of a second device (TOTP, RFC 6238: 30 s, 6 digits, SHA-1, as authenticator apps make them).

Pure but for ``new_secret``. A code counts once: neither it nor an earlier one is taken again (RFC 6238, 5.2).
"""

import base64
import binascii
import secrets
from urllib.parse import quote, urlencode

from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Answer, refused
from gateway.time_units import SECOND_NS

_STEP_SECONDS, _DIGITS = 30, 6
_STEPS = (0, -1, 1)  # clocks of devices differ by some seconds
_SHORTEST_SECRET, _LONGEST_SECRET = 20, 64  # bytes; RFC 4226, 4: at least 16, better 20


def new_secret() -> str:
    """Return a new secret (base32) of 160 random bits."""
    return base64.b32encode(secrets.token_bytes(_SHORTEST_SECRET)).decode()


def problem_of_secret(secret: str) -> Answer | None:
    """Return why a secret is refused, None where it is not."""
    key = _key(secret)
    if key is None:
        return refused(ActRefusal.SECRET_NOT_BASE32)
    if not _SHORTEST_SECRET <= len(key) <= _LONGEST_SECRET:
        return refused(ActRefusal.SECRET_LENGTH, least=_SHORTEST_SECRET, most=_LONGEST_SECRET)
    return None


def step_of_code(secret: str, code: str, *, now_ns: int) -> int | None:
    """Return the step in time of which a code is, None where it is not that of now, or of the step before or after."""
    from cryptography.hazmat.primitives.hashes import SHA1  # noqa: PLC0415 - only who signs in needs it
    from cryptography.hazmat.primitives.twofactor import InvalidToken  # noqa: PLC0415
    from cryptography.hazmat.primitives.twofactor.totp import TOTP  # noqa: PLC0415

    key = _key(secret)
    if key is None:
        return None
    totp = TOTP(key, _DIGITS, SHA1(), _STEP_SECONDS, enforce_key_length=False)  # noqa: S303 - RFC 6238's default
    now = now_ns // SECOND_NS // _STEP_SECONDS
    for step in _STEPS:
        try:
            totp.verify(code.strip().encode(), max(0, now + step) * _STEP_SECONDS)
        except InvalidToken:
            continue
        return max(0, now + step)
    return None


def device_address(secret: str, *, user_id: str, line: str) -> str:
    """Return the otpauth address by which an authenticator app takes a secret, for a line's user."""
    parameters = urlencode({"secret": secret, "issuer": f"Labline {line}", "digits": _DIGITS, "period": _STEP_SECONDS},
                           quote_via=quote)  # fmt: skip
    return f"otpauth://totp/{quote(f'Labline {line}:{user_id}')}?{parameters}"


def _key(secret: str) -> bytes | None:
    try:
        return base64.b32decode(secret, casefold=True)
    except (binascii.Error, ValueError):
        return None
