"""The reference of messages, docs/payload-reference.md: every topic and every field, out of the schemas. Pure.

What is published is as the payload models say; what is taken is as the tables of the readers say. The page is prose
with a region between two comments, which ``refreshed`` writes anew; a test holds the page to it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.contract.field_meanings import FIELD_MEANINGS
from gateway.contract.publications import PUBLICATIONS
from gateway.contract.schema_words import meaning_of, type_in_words
from gateway.contract.schemas import RECEIVED, schema_of

_REGION = re.compile(r"(<!-- made by `make schemas` -->\n).*?(<!-- end -->)", re.DOTALL)
_EVERY = frozenset({"schema", "id", "cause", "issued_at", "line"})  # fields that every published message has


def refreshed(page: str) -> str:
    """Return the page with its region written anew."""
    return _REGION.sub(lambda region: f"{region[1]}{_published()}\n{_taken()}\n{_parts()}{region[2]}", page)


def _published() -> str:
    sections = ["## What is published\n"]
    for name, sent in PUBLICATIONS.items():
        schema = schema_of(name)
        kept = "retained" if sent.retain else "not retained"
        topic = f"Topic `{sent.topic}` below the line's root, QoS 1, {kept}. It expires: {sent.expires}."
        about = f"{topic} [Schema](schema/{name}.json).\n"
        sections += [f"### `{name}`\n", f"{_sentence(schema)}\n", about, _fields(schema, leave_out=_EVERY)]
    return "\n".join(sections)


def _taken() -> str:
    sections = ["## What is taken\n"]
    for name, taken in RECEIVED.items():
        address = taken.address.rpartition("quality/")[2]
        sections += [f"### `{name}`\n", f"{taken.text} By default on `{address}`. [Schema](schema/{name}.json).\n",
                     _fields(taken.schema())]  # fmt: skip
    return "\n".join(sections)


def _parts() -> str:
    """Return a section for each object that stands within a published message, once."""
    parts: dict[str, Mapping[str, Any]] = {}
    for name in PUBLICATIONS:
        definitions = schema_of(name).get("$defs", {})
        parts |= {part: {**inner, "$defs": definitions} for part, inner in definitions.items() if "properties" in inner}
    sections = ["## Objects within them\n"]
    for name in sorted(parts):
        about = " ".join(str(parts[name].get("description", "")).split())
        sections += [f"### `{name}`\n", f"{about}\n", _fields(parts[name])]
    return "\n".join(sections) + "\n"


def _sentence(schema: Mapping[str, Any]) -> str:
    """Return what a message is, in the words of its model without its topic."""
    text = " ".join(str(schema.get("description", "")).split()).partition(": ")[2]
    return text[:1].upper() + text[1:]


def _fields(schema: Mapping[str, Any], *, leave_out: frozenset[str] = frozenset()) -> str:
    rows = "".join(f"| `{name}` | {kind} | {meaning} |\n" for name, kind, meaning in _rows(schema, leave_out))
    return f"| field | type | meaning |\n|---|---|---|\n{rows}"


def _rows(schema: Mapping[str, Any], leave_out: frozenset[str]) -> Iterator[tuple[str, str, str]]:
    needed, definitions = schema.get("required", ()), schema.get("$defs", {})
    for name, inner in schema.get("properties", {}).items():
        if name in leave_out:
            continue
        words = type_in_words(inner, definitions, nullable=True).replace("table", "object")
        kind = _linked(inner, definitions) or words
        meaning = meaning_of(inner) or meaning_of({"description": FIELD_MEANINGS.get(name, name.replace("_", " "))})
        yield name, kind if name in needed else f"{kind}; may be absent", meaning


def _linked(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Return links to the objects that a field holds; empty where it holds none."""
    choices = schema.get("anyOf", (schema,))
    named = [(choice.get("items", choice), "items" in choice) for choice in choices]
    parts = [(str(inner["$ref"]).rsplit("/", 1)[-1], listed) for inner, listed in named if "$ref" in inner]
    if not parts or not all("properties" in definitions[part] for part, _listed in parts):
        return ""
    text = " or ".join(f"{'list of ' if listed else ''}[{part}](#{part.lower()})" for part, listed in parts)
    return f"{text} or null" if any(choice.get("type") == "null" for choice in choices) else text
