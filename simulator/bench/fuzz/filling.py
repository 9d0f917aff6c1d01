"""A document that fits a JSON Schema: the examples of parsers that are made from typed models."""

from collections.abc import Mapping
from typing import Any

_TEXTS = {"date-time": "2026-03-02T06:00:00Z", "path": "models/viscosity"}
_PLAIN: Mapping[str, Any] = {"number": 1.5, "integer": 1, "boolean": True, "null": None}


def filled(schema: Mapping[str, Any], definitions: Mapping[str, Any] | None = None) -> Any:
    """Return a value that fits a schema, as far as its types say; every field is there."""
    named = definitions or schema.get("$defs", {})
    if "$ref" in schema:
        return filled(named[schema["$ref"].rsplit("/", 1)[-1]], named)
    for key in ("anyOf", "allOf", "oneOf"):
        if key in schema:
            return filled(schema[key][0], named)
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if "properties" in schema:
        return {name: filled(inner, named) for name, inner in schema["properties"].items()}
    return _of_type(schema, named)


def _of_type(schema: Mapping[str, Any], named: Mapping[str, Any]) -> Any:
    kind = schema.get("type", "string")
    if kind == "array":
        return [filled(item, named) for item in schema.get("prefixItems", [schema.get("items", {})])]
    if kind == "object":
        inner = schema.get("additionalProperties")
        return {"name": filled(inner, named)} if isinstance(inner, Mapping) else {}
    return _PLAIN[kind] if kind in _PLAIN else _TEXTS.get(schema.get("format", ""), "a.miller")
