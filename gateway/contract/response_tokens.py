"""A signed response of a terminal: a compact JWS (RFC 7515) with EdDSA, read strictly. Pure.

Nothing of a token is believed before ``signature_holds``. The bytes are parsed here and nowhere else, so no second
parser can take another meaning from what was signed: one algorithm, no header but those below, no claim but those
below, no base64url in two spellings.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.contract.field_reader import FieldReader
from gateway.contract.json_documents import parse_object
from gateway.contract.refusals import MessageRefusedError
from gateway.records.people import Act
from gateway.time_units import SECOND_NS

LONGEST_TOKEN = 2048  # characters
LONGEST_LIFE_NS = 300 * SECOND_NS  # from iat to exp
ALGORITHM = "EdDSA"
_HEADERS = frozenset({"alg", "kid", "typ"})
_CLAIMS = frozenset({"guidance_id", "act", "reason", "terminal", "aud", "iat", "exp", "jti"})
_TYPES = frozenset({None, "JWT"})
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")
_PARTS, _SIGNATURE_BYTES = 3, 64
_SHORTEST_NONCE, _LONGEST_NONCE = 16, 64  # characters
_LATEST_SECONDS = 2**33  # the year 2242


@dataclass(frozen=True, kw_only=True, slots=True)
class ResponseToken:
    """What a token states. ``key_id``: the enrolled key; ``line``: the topic root of the line for which it is meant.

    ``nonce``: a text that no other token of the key has.
    """

    key_id: str
    guidance_id: str
    act: Act
    reason: str | None
    terminal: str
    line: str
    issued_ns: int
    expires_ns: int
    nonce: str
    signed: bytes
    signature: bytes


def read_token(text: str) -> ResponseToken | None:
    """Return what a token states, None where it is none by the rules of this module."""
    parts = text.split(".") if len(text) <= LONGEST_TOKEN else []
    decoded = [_decoded(part) for part in parts]
    if len(decoded) != _PARTS:
        return None
    header, claims, signature = decoded
    if header is None or claims is None or signature is None or len(signature) != _SIGNATURE_BYTES:
        return None
    try:
        return _read(parse_object(header), parse_object(claims), f"{parts[0]}.{parts[1]}".encode(), signature)
    except MessageRefusedError:
        return None


def signature_holds(token: ResponseToken, public_key: str) -> bool:
    """Return whether a token is signed by the owner of an Ed25519 public key (hexadecimal)."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - only who answers with a token needs it
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(token.signature, token.signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def signing_input(claims: Mapping[str, Any], *, key_id: str) -> bytes:
    """Return the bytes that a terminal signs for such claims."""
    header = {"alg": ALGORITHM, "kid": key_id}
    return b".".join(_encoded(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))


def compact(signed: bytes, signature: bytes) -> str:
    """Return the token of signed bytes and their signature."""
    return b".".join((signed, _encoded(signature))).decode()


def _encoded(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def _decoded(part: str) -> bytes | None:
    if not _BASE64URL.fullmatch(part):
        return None
    try:
        content = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        return None
    return content if _encoded(content).decode() == part else None


def _read(
    header: Mapping[str, Any], claims: Mapping[str, Any], signed: bytes, signature: bytes
) -> ResponseToken | None:
    if not header.keys() <= _HEADERS or header.get("alg") != ALGORITHM or header.get("typ") not in _TYPES:
        return None
    if not claims.keys() <= _CLAIMS:
        return None
    headers, reader = FieldReader(header, 0), FieldReader(claims, 0)
    token = ResponseToken(
        key_id=headers.text("kid", required=True) or "",
        guidance_id=reader.text("guidance_id", required=True) or "",
        act=reader.choice(Act, "act", default=None) or Act.ACKNOWLEDGE,
        reason=reader.text("reason"),
        terminal=reader.text("terminal", required=True) or "",
        line=reader.text("aud", required=True) or "",
        issued_ns=_seconds(claims.get("iat")) * SECOND_NS,
        expires_ns=_seconds(claims.get("exp")) * SECOND_NS,
        nonce=reader.text("jti", required=True) or "",
        signed=signed,
        signature=signature,
    )
    headers.finish()
    reader.finish()
    timed = token.issued_ns >= 0 and token.expires_ns > token.issued_ns
    return token if timed and _SHORTEST_NONCE <= len(token.nonce) <= _LONGEST_NONCE else None


def _seconds(value: Any) -> int:
    """Return a whole number of seconds since 1970, -1 where it is none."""
    whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LATEST_SECONDS
    return value if whole else -1
