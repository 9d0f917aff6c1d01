"""Files that the public tool ``minisign`` verifies: its key and signature formats, over Ed25519 and BLAKE2b.

A public key is ``Ed``, eight bytes that name the key, and the key. A signature is ``ED`` (the file's BLAKE2b-512 is
signed), the key's name and the signature; a second one covers the first and the trusted comment. All in base64, with a
line of comment before. Source: the tool's documentation, https://jedisct1.github.io/minisign/.
"""

import base64
import hashlib
from collections.abc import Callable

Sign = Callable[[bytes], bytes]


def key_id(public_key: bytes) -> bytes:
    """Return the eight bytes by which files name a key: derived from it, so that the same key has one name."""
    return hashlib.blake2b(public_key, digest_size=8).digest()


def public_key_file(public_key: bytes, *, comment: str) -> str:
    """Return the content of ``minisign.pub``; ``public_key``: 32 bytes."""
    name = key_id(public_key)
    content = base64.b64encode(b"Ed" + name + public_key).decode()
    return f"untrusted comment: {_one_line(comment)}\n{content}\n"


def signature_file(data: bytes, sign: Sign, *, public_key: bytes, trusted_comment: str) -> str:
    """Return the content of ``FILE.minisig``; ``sign`` returns the Ed25519 signature of the bytes that it gets."""
    comment = _one_line(trusted_comment)
    signature = sign(hashlib.blake2b(data).digest())
    over_all = sign(signature + comment.encode())
    content = base64.b64encode(b"ED" + key_id(public_key) + signature).decode()
    return (
        f"untrusted comment: verify with: minisign -Vm FILE -p minisign.pub\n{content}\n"
        f"trusted comment: {comment}\n{base64.b64encode(over_all).decode()}\n"
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())
