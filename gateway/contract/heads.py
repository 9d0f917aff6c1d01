"""The audit chain's head as the outside sees it: what is signed, and how a published head reads. Pure."""

from gateway.contract.reading import FieldReader, parse_object
from gateway.records import Head


def signed_bytes(line: str, head: Head) -> bytes:
    """Return the bytes that a head's signature covers."""
    return f"labline.audit-head/1\n{line}\n{head.seq}\n{head.hash}\n".encode()


def published_head(payload: bytes, *, now_ns: int) -> Head:
    """Return the head in a published message; raises MessageRefusedError with every reason."""
    reader = FieldReader(parse_object(payload), now_ns)
    head = Head(
        seq=reader.whole("seq", at_least=1) or 0,
        hash=reader.text("hash", required=True) or "",
    )
    reader.finish()
    return head
