"""The audit chain's head as published: the signed bytes, reading a published head, and whose it is. Pure."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.contract.field_reader import FieldReader
from gateway.contract.json_documents import parse_object
from gateway.records.outgoing import Head, SignedHead


def signed_bytes(line: str, head: Head) -> bytes:
    """Return the bytes that a head's signature covers."""
    return f"labline.audit-head/1\n{line}\n{head.seq}\n{head.hash}\n".encode()


def published_head(payload: bytes, *, now_ns: int) -> SignedHead:
    """Return the head in a published message; raises MessageRefusedError with every reason.

    Anybody who may publish could have written it: ``signature_holds`` says whether its key has signed it.
    """
    reader = FieldReader(parse_object(payload), now_ns)
    signed = SignedHead(
        head=Head(
            seq=reader.whole("seq", at_least=1) or 0,
            hash=reader.text("hash", required=True) or "",
        ),
        line=reader.text("line", required=True) or "",
        at_ns=now_ns,
        public_key=reader.text("public_key", required=True) or "",
        signature=reader.text("signature", required=True) or "",
    )
    reader.finish()
    return signed


def signature_holds(signed: SignedHead) -> bool:
    """Return whether a head's own public key has signed it (Ed25519, RFC 8032); not whose key it is."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signed.public_key))
        key.verify(bytes.fromhex(signed.signature), signed_bytes(signed.line, signed.head))
    except (ValueError, InvalidSignature):
        return False
    return True
