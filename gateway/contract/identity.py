"""Stable identities: the same cause always gives the same id, so doing a thing twice changes nothing."""

import hashlib
import json
import uuid

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:labline:identity:1")


def identity_of(*parts: str | int | None) -> str:
    """Return the uuid5 of the parts; parts are joined as JSON, so no two lists of parts collide."""
    return str(uuid.uuid5(_NAMESPACE, json.dumps(parts, ensure_ascii=True)))


def result_identity(*, source: str, sample_id: str, test_id: str, replicate: int, result_version: int) -> str:
    """Return the id of one version of one result."""
    return identity_of("result", source, sample_id, test_id, replicate, result_version)


def delivery_identity(*, topic: str, payload_sha256: str, ordinal: int) -> str:
    """Return the id of the nth (from 0) distinct delivery of these bytes on this topic."""
    return identity_of("delivery", topic, payload_sha256, ordinal)


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of the bytes in lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()
