"""Parsers of model bundles: nothing of a bundle is trusted before it was read."""

import hashlib
from contextlib import nullcontext
from functools import cache
from pathlib import Path

from gateway.errors import BundleRefusedError
from gateway.inference.bundle import HASHED_FILES, MANIFEST, MODEL, REFERENCE, read_bundle, read_manifest
from gateway.inference.bundle_approval import SIGNATURE, approval_of, sign_manifest
from gateway.inference.graph_limits import check_graph
from gateway.inference.protobuf import Message, NotProtobufError
from gateway.lab.procedures import read_procedure
from gateway.line.definition import Stage
from simulator.bench.fuzz.running import Parser

_BUNDLE = Path(__file__).parents[3] / "models" / "viscosity" / "1.0.0"
_PROCEDURES = Path(__file__).parents[2] / "procedures"
_WHO = "who brings a bundle"
_REFUSED = (BundleRefusedError,)


@cache
def _files() -> dict[str, bytes]:
    return {name: (_BUNDLE / name).read_bytes() for name in (MANIFEST, *HASHED_FILES)}


def _manifest(content: bytes) -> None:
    read_manifest({MANIFEST: content}, where="bundle")
    read_bundle({**_files(), MANIFEST: content}, where="bundle")


def _reference(content: bytes) -> None:
    """Read a bundle with another reference.json, whose hash its manifest names."""
    files = _files()
    was, now = (hashlib.sha256(text).hexdigest().encode() for text in (files[REFERENCE], content))
    read_bundle({**files, REFERENCE: content, MANIFEST: files[MANIFEST].replace(was, now)}, where="bundle")


def _approval(content: bytes) -> None:
    approval_of({SIGNATURE: content}, _files()[MANIFEST], where="bundle")


def _approvals() -> list[bytes]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - for examples only

    key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    return [sign_manifest(_files()[MANIFEST], key=key, approver="Q. Head", stage=Stage.ADVISE, meaning="validated",
                          signed_at="2026-03-02T06:00:00Z")]  # fmt: skip


def _graph(content: bytes) -> None:
    check_graph(content, inputs=8, where="model.onnx")


def _protobuf(content: bytes) -> None:
    message = Message(content)
    for number in range(1, 20):
        for read in (message.wholes, message.texts, message.messages, message.data, message.size):
            try:
                read(number)
            except NotProtobufError:
                continue


def _procedure(content: bytes) -> None:
    read_procedure("p", content.decode())


PARSERS: tuple[Parser, ...] = (
    Parser(
        name="bundle-manifest",
        reached_by=_WHO,
        examples=lambda: [_files()[MANIFEST]],
        make=lambda: nullcontext(_manifest),
        refuses=_REFUSED,
    ),
    Parser(
        name="bundle-reference",
        reached_by=_WHO,
        examples=lambda: [_files()[REFERENCE]],
        make=lambda: nullcontext(_reference),
        refuses=_REFUSED,
    ),
    Parser(
        name="bundle-approval",
        reached_by=_WHO,
        examples=_approvals,
        make=lambda: nullcontext(_approval),
        refuses=_REFUSED,
    ),
    Parser(
        name="bundle-model",
        reached_by=_WHO,
        examples=lambda: [_files()[MODEL]],
        make=lambda: nullcontext(_graph),
        refuses=_REFUSED,
    ),
    Parser(
        name="protobuf",
        reached_by=_WHO,
        examples=lambda: [_files()[MODEL], b"\x08\x96\x01\x12\x03abc"],
        make=lambda: nullcontext(_protobuf),
        refuses=(NotProtobufError,),
    ),
    Parser(
        name="procedures",
        reached_by="who writes into the folder of procedures",
        examples=lambda: [file.read_bytes() for file in sorted(_PROCEDURES.glob("*.md"))],
        make=lambda: nullcontext(_procedure),
        refuses=(ValueError,),
    ),
)
