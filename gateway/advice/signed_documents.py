"""What is put beside a signed record when it is exported, for people to read: made from what was signed. Pure."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from gateway.advice.review_page import review_page
from gateway.contract.signed_bundle import printed
from gateway.records.act_kinds import ActKind
from gateway.records.signatures import SignedOnRecord

_Render = Callable[[Mapping[str, Any], SignedOnRecord, str], str]


def documents_of(item: SignedOnRecord, *, line: str) -> Mapping[str, bytes]:
    """Return the documents of a signed record by name; none of most acts."""
    name_and_render = _DOCUMENTS.get(item.record.kind)
    if name_and_render is None:
        return {}
    name, render = name_and_render
    return {name: render(json.loads(item.record.body), item, line).encode()}


def _review(record: Mapping[str, Any], item: SignedOnRecord, line: str) -> str:
    rests_on = record["rests_on"]
    return review_page(rests_on["review"], line=line, sha256=rests_on["review_sha256"], lapsed=False,
                       signatures=[printed(signature) for signature in item.signatures])  # fmt: skip


_DOCUMENTS: Mapping[str, tuple[str, _Render]] = {ActKind.SIGN_REVIEW.value: ("review.html", _review)}
