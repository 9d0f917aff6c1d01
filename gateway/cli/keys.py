"""Private keys that people sign with."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.errors import LablineError

_MAKE_KEY = "name a private key as PEM; this makes one: openssl genpkey -algorithm ed25519 -out approver.pem"


def private_key(path: Path) -> Ed25519PrivateKey:
    """Return the Ed25519 key in a PEM file; raises LablineError."""
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise LablineError(f"{path} cannot be used as a key: {error}", hint=_MAKE_KEY) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise LablineError(f"{path} is not an Ed25519 key", hint=_MAKE_KEY)
    return key
