"""The approval of a bundle: who signed it, for which stage, over which bytes. Pure.

``signature.json`` is in the bundle's folder. What is signed (Ed25519) is the hash of ``bundle.toml``, which
names the hash of every other file, together with the approver, the stage, the meaning and the time: none of them can be
changed without the signature failing.
"""

import json
from collections.abc import Mapping
from typing import Annotated

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
    load_ssh_public_key,
)
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.contract.identity import sha256_hex
from gateway.errors import BundleRefusedError
from gateway.line.definition import Approval, Stage

SIGNATURE = "signature.json"
_ABOUT = b"labline bundle approval 1\n"  # so that a signature over anything else is never one over this
_Hex = Annotated[str, Field(pattern=r"^[0-9a-f]*$")]


class _Signed(BaseModel):
    model_config = ConfigDict(extra="forbid", defer_build=True)

    manifest_sha256: _Hex
    approver: str = Field(min_length=1)
    stage: str
    meaning: str = Field(min_length=1)
    signed_at: str
    public_key: _Hex
    signature: _Hex

    def signed_bytes(self) -> bytes:
        """Return what the signature is over."""
        return _ABOUT + json.dumps(self.model_dump(exclude={"signature"}), sort_keys=True).encode()


def public_key_hex(pem: bytes) -> str:
    """Return an approver's public key (PEM or OpenSSH) as in signatures; raises ValueError where it is none."""
    key = load_ssh_public_key(pem) if pem.lstrip().startswith(b"ssh-") else load_pem_public_key(pem)
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("not an Ed25519 public key")  # noqa: TRY004 - of the content, not of an argument's type
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def sign_manifest(
    manifest: bytes, key: Ed25519PrivateKey, *, approver: str, stage: Stage, meaning: str, signed_at: str
) -> bytes:
    """Return ``signature.json`` over the bytes of a ``bundle.toml``."""
    signed = _Signed(
        manifest_sha256=sha256_hex(manifest),
        approver=approver,
        stage=stage.name.lower(),
        meaning=meaning,
        signed_at=signed_at,
        public_key=key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex(),
        signature="",
    )
    complete = signed.model_copy(update={"signature": key.sign(signed.signed_bytes()).hex()})
    return (json.dumps(complete.model_dump(), indent=1) + "\n").encode()


def approval_of(files: Mapping[str, bytes], manifest: bytes, *, where: str) -> Approval | None:
    """Return who approved a bundle and for what, or None where nobody has signed it.

    Whether the key is trusted is not checked here. Raises BundleRefusedError where the signature does not hold: a
    bundle changed after it was approved is worse than one that nobody approved.
    """
    if SIGNATURE not in files:
        return None
    try:
        signed = _Signed.model_validate_json(files[SIGNATURE])
        stage = Stage[signed.stage.upper()]
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signed.public_key))
        key.verify(bytes.fromhex(signed.signature), signed.signed_bytes())
    except (ValidationError, KeyError, ValueError) as error:
        raise BundleRefusedError(f"{where}/{SIGNATURE} is no signature: {error}") from error
    except InvalidSignature as error:
        raise BundleRefusedError(
            f"{where}/{SIGNATURE} does not hold: it is not what its key has signed",
            hint="have the bundle signed again by who approves it",
        ) from error
    if signed.manifest_sha256 != sha256_hex(manifest):
        raise BundleRefusedError(
            f"{where}/{SIGNATURE} is of another bundle: its hash is not that of bundle.toml",
            hint="a bundle is not changed after it was signed; sign the new one",
        )
    return Approval(
        approver=signed.approver,
        stage=stage,
        meaning=signed.meaning,
        signed_at=signed.signed_at,
        public_key=signed.public_key,
    )
