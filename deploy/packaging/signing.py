"""Signatures that the public tool minisign verifies, by an Ed25519 key in a PEM file."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from deploy.packaging.wheels import PackagingError
from gateway.contract.minisign import public_key_file, signature_file

CREDENTIAL = "release_key.pem"


def release_key(path: Path | None) -> Ed25519PrivateKey | None:
    """Return the key in a file, or in the credential ``release_key.pem`` where no file is named; None without one."""
    if path is None and "CREDENTIALS_DIRECTORY" in os.environ:
        credential = Path(os.environ["CREDENTIALS_DIRECTORY"], CREDENTIAL)
        path = credential if credential.exists() else None
    if path is None:
        return None
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise PackagingError(f"the key {path} cannot be read ({error}): openssl genpkey -algorithm ed25519") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise PackagingError(f"the key {path} is no Ed25519 key: openssl genpkey -algorithm ed25519")
    return key


def sign_file(file: Path, key: Ed25519PrivateKey) -> Path:
    """Write ``FILE.minisig`` beside a file, and ``minisign.pub``; return the signature's path."""
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    (file.parent / "minisign.pub").write_text(public_key_file(public, comment="Labline's releases"), encoding="utf-8")
    signature = file.with_name(f"{file.name}.minisig")
    text = signature_file(file.read_bytes(), key.sign, public_key=public, trusted_comment=f"file:{file.name}")
    signature.write_text(text, encoding="utf-8")
    return signature
