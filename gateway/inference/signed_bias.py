"""A correction that a person has signed: what exactly was signed, and whether a signature holds. Pure."""

import json
from dataclasses import asdict, dataclass, replace
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_ABOUT = b"labline signed bias 1\n"  # so that a signature over anything else is never one over this


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedBias:
    """A correction in force from ``signed_ns`` on; ``newest_ns``: the drawn time of the newest result it rests on."""

    bundle_sha256: str
    analyte: str
    bias: float
    newest_ns: int
    signed_ns: int
    approver: str
    meaning: str
    public_key: str = ""
    signature: str = ""


def signed(act: SignedBias, key: Ed25519PrivateKey) -> SignedBias:
    """Return the act with the key's signature (Ed25519, hex) over everything else in it."""
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    unsigned = replace(act, public_key=public, signature="")
    return replace(unsigned, signature=key.sign(_signed_bytes(unsigned)).hex())


@lru_cache(maxsize=1024)  # asked at each tick of a model, about the same few acts
def signature_holds(act: SignedBias) -> bool:
    """Return whether an act is what its key has signed."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(act.public_key))
        key.verify(bytes.fromhex(act.signature), _signed_bytes(act))
    except (ValueError, InvalidSignature):
        return False
    return True


def _signed_bytes(act: SignedBias) -> bytes:
    document = {name: value for name, value in asdict(act).items() if name != "signature"}
    return _ABOUT + json.dumps(document, sort_keys=True).encode()
