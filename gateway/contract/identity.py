"""Stable identities: the same cause always gives the same id, so doing a thing twice changes nothing."""

import hashlib
import json
import uuid

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:labline:identity:1")


def identity_of(*parts: str | int | None) -> str:
    """Return the uuid5 of the parts; parts are joined as JSON, so no two lists of parts collide."""
    name = json.dumps(parts, ensure_ascii=True).encode()
    digest = bytearray(hashlib.sha1(_NAMESPACE.bytes + name, usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50  # version 5, and the variant, of RFC 9562; as uuid.uuid5, in half the time
    digest[8] = digest[8] & 0x3F | 0x80
    digits = digest.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def result_identity(*, source: str, sample_id: str, test_id: str, replicate: int, result_version: int) -> str:
    """Return the id of one version of one result."""
    return identity_of("result", source, sample_id, test_id, replicate, result_version)


def delivery_identity(*, topic: str, payload_sha256: str, ordinal: int) -> str:
    """Return the id of the nth (from 0) distinct delivery of these bytes on this topic."""
    return identity_of("delivery", topic, payload_sha256, ordinal)


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of the bytes in lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()
