"""A terminal's key: it signs responses for the person at the terminal, once an administrator has enrolled it."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.contract.response_tokens import compact, signing_input
from simulator.console_session import ConsoleSession
from simulator.gateway_process import ConsoleLink, ask

_LIFE_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Signer:
    """Signs for one user at one terminal of one line."""

    key: Ed25519PrivateKey = field(repr=False)
    key_id: str
    line: str
    terminal: str
    now: Callable[[], float] = time.time

    def token(self, guidance_id: str, act: str, reason: str | None) -> str:
        """Return the signed token of an answer; it counts for a minute."""
        now = int(self.now())
        claims: dict[str, Any] = {
            "guidance_id": guidance_id, "act": act, "reason": reason, "terminal": self.terminal, "aud": self.line,
            "iat": now, "exp": now + _LIFE_SECONDS, "jti": secrets.token_urlsafe(18),
        }  # fmt: skip
        signed = signing_input(claims, key_id=self.key_id)
        return compact(signed, self.key.sign(signed))


async def enrolled(user: str, *, configuration: Path, line: str, terminal: str) -> Signer:
    """Return the signer of a user at a terminal: a new key, enrolled by the account that runs this.

    ``line``: its topic root. The account must be an administrator of the line.
    """
    key = Ed25519PrivateKey.generate()
    public = configuration.parent / f"{terminal}.pub.pem"
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    answer = await ask("user", "enroll", user, "--key", str(public), "--terminal", terminal,
                       "--config", str(configuration))  # fmt: skip
    return Signer(key=key, key_id=answer["key"], line=line, terminal=terminal)


def enrolled_at_console(console: ConsoleLink, user: str, *, name: str, line: str, terminal: str) -> Signer:
    """Return the signer of a new operator at a terminal, whom the demo's user adds at the console.

    ``name``: the printed one. Raises OSError or GatewayFailedError where the console does not answer so.
    """
    key, session = Ed25519PrivateKey.generate(), ConsoleSession(console)
    session.act("add_user", {"user_id": user, "full_name": name, "roles": ["operator"]})
    public = key.public_key().public_bytes_raw().hex()
    details = session.act("enroll_key", {"user_id": user, "public_key": public, "label": terminal})
    return Signer(key=key, key_id=details["key_id"], line=line, terminal=terminal)
