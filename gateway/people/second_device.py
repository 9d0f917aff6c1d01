"""One-time codes of a second device (TOTP, RFC 6238: 30 s, 6 digits, SHA-1, as authenticator apps make them). Pure."""

import base64
import binascii

from gateway.time_units import SECOND_NS

_STEP_SECONDS, _DIGITS = 30, 6
_STEPS = (0, -1, 1)  # clocks of devices differ by some seconds


def code_matches(secret: str, code: str, *, now_ns: int) -> bool:
    """Return whether a code is that of a secret (base32) now, or of the step before or after."""
    from cryptography.hazmat.primitives.hashes import SHA1  # noqa: PLC0415 - only who signs in needs it
    from cryptography.hazmat.primitives.twofactor import InvalidToken  # noqa: PLC0415
    from cryptography.hazmat.primitives.twofactor.totp import TOTP  # noqa: PLC0415

    try:
        key = base64.b32decode(secret, casefold=True)
    except binascii.Error:
        return False
    totp = TOTP(key, _DIGITS, SHA1(), _STEP_SECONDS, enforce_key_length=False)  # noqa: S303 - RFC 6238's default
    for step in _STEPS:
        try:
            totp.verify(code.strip().encode(), max(0, now_ns // SECOND_NS + step * _STEP_SECONDS))
        except InvalidToken:
            continue
        return True
    return False
