"""JSON Schema in the words of a reference: what may stand for a key, and its default. Pure.

The references of recipes, of the configuration and of payloads take theirs from here.
"""

from collections.abc import Callable, Mapping
from typing import Any

Schema = Mapping[str, Any]

_TYPES = {
    "string": "text", "number": "number", "integer": "whole number", "boolean": "`true` or `false`", "object": "table",
    "array": "list", "null": "null",
}  # fmt: skip
_PLURALS = {"table": "tables", "text": "texts", "number": "numbers", "whole number": "whole numbers"}
_FORMATS = {"path": "path", "date-time": "time", "time": "time of day"}
BOUNDS = {
    "exclusiveMinimum": ">", "minimum": ">=", "exclusiveMaximum": "<", "maximum": "<=",
    "gt": ">", "ge": ">=", "lt": "<", "le": "<=",
}  # fmt: skip


def meaning_of(schema: Schema) -> str:
    """Return a key's description as a cell of a table has it."""
    return str(schema.get("description", "")).replace("|", "\\|").replace("<", "&lt;")


def default_in_words(schema: Schema, *, required: bool) -> str:
    """Return a key's default as the file writes it; a dash where there is none."""
    if required:
        return "**required**"
    default = schema.get("default")
    if default is None or default in ([], {}) or isinstance(default, dict):
        return "-"
    shown = (
        str(default).lower() if isinstance(default, bool) else f'"{default}"' if isinstance(default, str) else default
    )
    return f"`{shown}`"


def type_in_words(schema: Schema, definitions: Schema, *, nullable: bool = False) -> str:
    """Return in words what may stand for a key; ``nullable``: null is a value that is shown."""
    choices = [choice for choice in schema.get("anyOf", (schema,)) if nullable or choice.get("type") != "null"]
    return " or ".join(_one_type(choice, definitions) for choice in choices)


def bounds_in_words(schema: Schema) -> str:
    """Return the limits of a number, such as ``> 0, <= 60``; empty where there are none."""
    return ", ".join(f"{sign} {schema[name]:.12g}" for name, sign in BOUNDS.items() if name in schema)


def _one_type(schema: Schema, definitions: Schema) -> str:
    if "$ref" in schema:
        named = definitions[schema["$ref"].rsplit("/", 1)[-1]]
        return "table" if "properties" in named else _one_type(named, definitions)
    for key, words in _STRUCTURES.items():
        if key in schema:
            return words(schema, definitions)
    kind = schema.get("type")
    if isinstance(kind, list):
        return " or ".join(_one_type({**schema, "type": one}, definitions) for one in kind)
    if kind == "array":
        return _list(schema, definitions)
    if kind == "object":
        return _mapping(schema, definitions)
    words_of_type = _FORMATS.get(schema.get("format", ""), _TYPES.get(str(kind), "anything"))
    return " ".join([words_of_type, bounds_in_words(schema)]).strip()


def _choice(schema: Schema, _definitions: Schema) -> str:
    values = schema.get("enum", [schema.get("const")])
    return ("one of " if len(values) > 1 else "") + ", ".join(f"`{value}`" for value in values)


def _tuple(schema: Schema, definitions: Schema) -> str:
    return "[" + ", ".join(_one_type(item, definitions) for item in schema["prefixItems"]) + "]"


def _list(schema: Schema, definitions: Schema) -> str:
    most = " (at least one)" if schema.get("minItems") else ""
    items = type_in_words(schema.get("items", {}), definitions).replace("one of", "any of")
    return f"list of {_PLURALS.get(items, items)}{most}"


_STRUCTURES: Mapping[str, Callable[[Schema, Schema], str]] = {"enum": _choice, "const": _choice, "prefixItems": _tuple}


def _mapping(schema: Schema, definitions: Schema) -> str:
    inner = schema.get("additionalProperties")
    if not isinstance(inner, Mapping):
        inner = next(iter(schema.get("patternProperties", {}).values()), None)
    if not inner:
        return "table"
    values = type_in_words(inner, definitions)
    return f"table of {_PLURALS.get(values, values)}"
