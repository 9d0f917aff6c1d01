"""Tokens by which a person who is signed in at the console asks at a terminal with their own rights. Pure.

A token has two parts. The one that goes with questions is a random name with the gateway's code over it (HMAC-SHA256,
RFC 2104): whose it is, for which terminal and how long, the gateway knows. By the other, which never leaves the
terminal, each question is signed: so whoever reads the broker's messages can neither ask another question with it nor
the same one again. The gateway makes its key at its start and keeps it in memory: a restart ends all tokens.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass

LONGEST_TOKEN = 200  # characters


@dataclass(frozen=True, kw_only=True, slots=True)
class TerminalToken:
    """What the gateway knows of a token. ``session``: its hash in the store; ``expires_boot_ns``: on the boot clock."""

    token_id: str
    user_id: str
    session: str
    terminal: str
    line: str
    expires_boot_ns: int


def written(key: bytes, token_id: str) -> str:
    """Return a token as it goes with questions."""
    code = base64.urlsafe_b64encode(_code(key, b"token", token_id)).rstrip(b"=").decode()
    return f"{token_id}.{code}"


def read(key: bytes, text: str) -> str | None:
    """Return the name of a token, None where this key has not made it."""
    if len(text) > LONGEST_TOKEN or not text.isascii():
        return None
    token_id = text.partition(".")[0]
    return token_id if hmac.compare_digest(written(key, token_id), text) else None


def signing_key(key: bytes, token_id: str) -> str:
    """Return the part of a token that stays in the terminal, as hexadecimal digits."""
    return _code(key, b"questions", token_id).hex()


def proof_of(signing: str, *, terminal: str, question_id: str, question: str) -> str:
    """Return by what a terminal shows that it has the other part: HMAC-SHA256 over four texts as JSON."""
    content = json.dumps(["labline.ask/1", terminal, question_id, question], separators=(",", ":"))
    return hmac.new(bytes.fromhex(signing), content.encode(), hashlib.sha256).hexdigest()


def _code(key: bytes, purpose: bytes, text: str) -> bytes:
    return hmac.new(key, purpose + b"\0" + text.encode(), hashlib.sha256).digest()
