"""A signed record as files that anybody verifies without Labline: record, signatures, key and what to do.

``record.json`` holds the canonical record word for word, its SHA-256 and the signatures with printed name, time in UTC
and meaning; ``record.json.minisig`` is the line's signature over all of it.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

from gateway.contract.minisign import Sign, public_key_file, signature_file
from gateway.contract.times import rfc3339
from gateway.records.signatures import Signature, SignedOnRecord

SCHEMA = "labline.signed-bundle/1"
_NONE: Mapping[str, bytes] = MappingProxyType({})
RECORD, SIGNATURE, KEY = "record.json", "record.json.minisig", "minisign.pub"


def signature_document(signature: Signature) -> dict[str, object]:
    """Return a signature as JSON: who, as whom, when, with which meaning, over which record."""
    return {
        "signature_id": signature.signature_id,
        "record_kind": signature.record_kind,
        "record_id": signature.record_id,
        "record_version": signature.record_version,
        "record_sha256": signature.record_sha256,
        "user": signature.user_id,
        "printed_name": signature.printed_name,
        "role": signature.role.value,
        "meaning": signature.meaning,
        "signed_at": rfc3339(signature.signed_ns),
    }


class PrintedSignature(NamedTuple):
    """A signature as it is shown with its record; ``signed_at``: RFC 3339 in UTC."""

    full_name: str
    role: str
    meaning: str
    signed_at: str


def printed(signature: Signature) -> PrintedSignature:
    """Return a signature as it is shown with its record."""
    return PrintedSignature(
        full_name=signature.printed_name,
        role=signature.role.value,
        meaning=signature.meaning,
        signed_at=rfc3339(signature.signed_ns),
    )


def bundle_files(
    item: SignedOnRecord, sign: Sign, *, line: str, public_key: bytes, documents: Mapping[str, bytes] = _NONE
) -> Mapping[str, bytes]:
    """Return the files of a bundle by name; ``documents``: for people to read, made from what was signed."""
    record = item.record
    document = {
        "schema": SCHEMA,
        "line": line,
        "state": item.state.value,
        "record": json.loads(record.body),
        "record_canonical": record.body,
        "record_sha256": record.sha256,
        "signatures": [signature_document(signature) for signature in item.signatures],
    }
    data = (json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n").encode()
    comment = f"labline {line} record {record.record_id} sha256 {record.sha256}"
    return {
        RECORD: data,
        SIGNATURE: signature_file(data, sign, public_key=public_key, trusted_comment=comment).encode(),
        KEY: public_key_file(public_key, comment=f"audit key of {line}").encode(),
        "verify.py": _template("verify.py.txt"),
        "VERIFY.md": _template("verify.md").replace(b"{public_key}", public_key.hex().encode()),
        **documents,
    }


def _template(name: str) -> bytes:
    return files("gateway.contract.bundle_templates").joinpath(name).read_bytes()
