"""A correction that a person has signed: what exactly was signed, and whether a signature holds. Pure."""

import json
from dataclasses import asdict, replace
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.records.people import SignedBias

_ABOUT = b"labline signed bias 1\n"  # so that a signature over anything else is never one over this


def signed(act: SignedBias, key: Ed25519PrivateKey) -> SignedBias:
    """Return the act with the key's signature (Ed25519, hex) over everything else in it."""
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    unsigned = replace(act, public_key=public, signature="")
    return replace(unsigned, signature=key.sign(_signed_bytes(unsigned)).hex())


@lru_cache(maxsize=1024)  # called at each tick of a model, with the same few acts
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
