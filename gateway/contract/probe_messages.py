"""What ``check --connect`` offers to each topic: of its own schema, and nothing that anybody would act on. Pure.

A broker that passes a message on though it was never released shows it to consumers; so each says what a consumer may
see at any time: guidance that is withdrawn, a draft that asks for nothing. To a retained topic what stands there is
offered again, else an empty message, which is how such a topic is cleared: nothing new can stay at the broker.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.contract.publications import PUBLICATIONS, is_data
from gateway.contract.schemas import schema_of
from gateway.contract.times import rfc3339
from gateway.contract.topics import encode_level

_TITLE = "Connection check: nothing to do"
_PLAIN: Mapping[str, Any] = {"string": "", "number": 0.0, "integer": 0, "boolean": False, "array": [], "null": None}


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """A probe for one topic; ``shown`` is the topic as people know it, with + for levels that come from data."""

    topic: str
    shown: str
    payload: bytes
    retain: bool


def probes(
    *, topic_root: str, line: str, check_id: str, at_ns: int, standing: Mapping[str, bytes] | None = None
) -> tuple[Probe, ...]:
    """Return a probe for each topic that the gateway publishes; ``standing``: the retained messages now, by topic."""
    made = []
    for name, row in PUBLICATIONS.items():
        levels = row.topic.split("/")
        topic = "/".join([topic_root, *(encode_level(check_id) if is_data(level) else level for level in levels)])
        standing_now = (standing or {}).get(topic, b"")
        payload = standing_now if row.retain else _payload(name, line=line, check_id=check_id, at_ns=at_ns)
        shown = "/".join([topic_root, *("+" if is_data(level) else level for level in levels)])
        made.append(Probe(topic=topic, shown=shown, payload=payload, retain=row.retain))
    return tuple(made)


def standing_topics(topic_root: str) -> tuple[str, ...]:
    """Return the retained topics whose names hold nothing from data: what stands there is offered again."""
    standing = (row.topic for row in PUBLICATIONS.values() if row.retain and "{" not in row.topic)
    return tuple(f"{topic_root}/{topic}" for topic in standing)


def _payload(name: str, *, line: str, check_id: str, at_ns: int) -> bytes:
    schema = schema_of(name)
    at = rfc3339(at_ns)
    harmless = {
        "schema": f"labline.{name}/1", "id": check_id, "cause": None, "issued_at": at, "expires_at": at, "line": line,
        "state": "withdrawn", "severity": "information", "kind": "instruction", "title": _TITLE, "document": _TITLE,
        "equipment_id": check_id, "analyte": check_id, "sample_id": check_id, "topic": check_id,
        "text": _TITLE, "outcome": "not_answered", "terminal": check_id,
    }  # fmt: skip
    document = {
        key: harmless[key] if key in harmless and _takes(part, harmless[key], schema) else _smallest(part, schema)
        for key, part in schema["properties"].items()
        if key in schema.get("required", ())
    }
    return json.dumps(document).encode()


def _takes(part: Mapping[str, Any], value: object, whole: Mapping[str, Any]) -> bool:
    """Return whether a field may have this value: a text, or null, as far as its kinds and its choices say."""
    forms = [_resolved(form, whole) for form in part.get("anyOf", (part,))]
    kind = "null" if value is None else "string"
    return any(form.get("type", kind) == kind and value in form.get("enum", (value,)) for form in forms)


def _resolved(part: Mapping[str, Any], whole: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = part.get("$ref")
    resolved: Mapping[str, Any] = part if reference is None else whole["$defs"][reference.rsplit("/", 1)[1]]
    return resolved


def _smallest(part: Mapping[str, Any], whole: Mapping[str, Any]) -> Any:
    """Return the value of a JSON Schema that says the least: null, nothing, zero, or the first choice."""
    part = _resolved(part, whole)
    if "anyOf" in part:
        choices = part["anyOf"]
        return None if {"type": "null"} in choices else _smallest(choices[0], whole)
    if "const" in part or "enum" in part:
        return part.get("const", next(iter(part.get("enum", (None,)))))
    if part.get("type") == "object":
        return {key: _smallest(inner, whole) for key, inner in part.get("properties", {}).items()
                if key in part.get("required", ())}  # fmt: skip
    return _PLAIN[part["type"]]
