"""A request to a sink as its template makes it, and the paths that may be in it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from gateway.line.sinks import SinkMessage

Document = Mapping[str, Any]
Options = Mapping[str, str]
LONGEST_BODY_BYTES = 1024 * 1024
_LONGEST_SEGMENT_BYTES = 512


class UnfitError(Exception):
    """A message cannot be told in a sink's form: what is missing in it, for a person."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SinkRequest:
    """A POST below the sink's address. ``ordered_by``: what its order is kept for; None: the lot."""

    path: str = ""
    body: bytes
    ordered_by: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """What a template is told in ``[sinks.<name>.options]``."""

    description: str
    required: bool = False


Render = Callable[[SinkMessage, Document, Options], SinkRequest | None]
"""Message, payload and options, to the request; None where the system has nothing for it. May raise UnfitError."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """A form of requests. ``secret_headers``: header to the ending of the credential's name that is its value.

    ``plain_headers``: header to the option that is its value. ``refusal``: why an answer of success is none.
    """

    name: str
    render: Render
    messages: frozenset[SinkMessage]
    options: Mapping[str, Option] = field(default_factory=dict)
    secret_headers: Mapping[str, str] = field(default_factory=dict)
    plain_headers: Mapping[str, str] = field(default_factory=dict)
    needs_credentials: frozenset[str] = frozenset()
    calls_per_minute: int = 600
    refusal: Callable[[bytes], str | None] = lambda _answer: None


def encoded(document: Any) -> bytes:
    """Return a document as JSON, the same bytes each time."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def segment(text: str) -> str:
    """Return a name as one segment of a path; raises UnfitError where servers could read it as a way elsewhere.

    Some servers decode a path before they part it, a few of them twice: so there is no slash and no percent, even
    encoded.
    """
    name = quote(text, safe="")
    if not text.strip(".") or not text.isprintable() or set(text) & set("/\\%") or len(name) > _LONGEST_SEGMENT_BYTES:
        raise UnfitError(f"{text[:40]!r} cannot stand in an address")
    return name


def named(document: Document, field_name: str) -> str:
    """Return a text of a document; raises UnfitError where there is none."""
    value = document.get(field_name)
    if not isinstance(value, str) or not value:
        raise UnfitError(f"the message has no {field_name}")
    return value


def sentences(document: Document) -> str:
    """Return why, in the sentences of the payload's reasons."""
    reasons = document.get("reasons")
    items = reasons if isinstance(reasons, list) else []
    return " ".join(filter(None, (str(item.get("text", "")) for item in items if isinstance(item, Mapping))))
