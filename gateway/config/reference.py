"""The reference of the configuration, docs/configuration.md: its tables are made from the typed model.

The page is prose with a region between two comments, which ``refreshed`` writes anew; a test holds the page to it. The
examples are those of docs/every-key.toml, a file in which every key stands once.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gateway.config.effective import metadata_of, plain
from gateway.config.measures import MEASURES, Measure
from gateway.config.tables import Settings
from gateway.contract.schema_words import BOUNDS, default_in_words, meaning_of, type_in_words

_REGION = re.compile(r"(<!-- made by `make configuration` -->\n).*?(<!-- end -->)", re.DOTALL)
_HEADER = re.compile(r"^(?P<table>\[\[?[^\]]+\]\]?)", re.MULTILINE)


def refreshed(page: str, examples: str) -> str:
    """Return the page with its region written anew; ``examples``: the text of docs/every-key.toml."""
    body = "\n".join(_section(table, examples) for table in tables(Settings))
    return _REGION.sub(lambda region: f"{region[1]}{body}{region[2]}", page)


def tables(outer: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield the models of all tables of the file, in the order of the model, inner ones after the one around them."""
    shown = set[type[BaseModel]]()
    for info in outer.model_fields.values():
        for table in _models(info.annotation):
            if table not in shown:
                shown.add(table)
                yield table
                yield from tables(table)


def title_of(table: type[BaseModel]) -> tuple[str, str]:
    """Return a table's header, such as ``[tags.<name>]``, and what it is for."""
    first = " ".join((table.__doc__ or "").split("\n\n")[0].split())
    name, _colon, about = first.partition(": ")
    return name.strip("`"), about


def example_of(title: str, examples: str) -> str:
    """Return what stands under a table's header in the file of examples; raises KeyError where it is missing."""
    pattern = re.compile(re.sub(r"<\w+>", r"[\\w-]+", re.escape(title)))  # a name of the file's own
    headers = [*_HEADER.finditer(examples)]
    for header, after in zip(headers, [*headers[1:], None], strict=True):
        if pattern.fullmatch(header["table"]):
            return examples[header.start() : after.start() if after else len(examples)].strip()
    raise KeyError(title)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the tables that a type names, alone or within lists, tables by name and what may be left out."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models(argument)


def _section(table: type[BaseModel], examples: str) -> str:
    title, about = title_of(table)
    schema = table.model_json_schema()
    definitions: Mapping[str, Any] = schema.get("$defs", {})
    rows = "".join(
        f"| `{key}` | {_type(info, schema['properties'][key], definitions)} | "
        f"{_default(info, schema['properties'][key])} | {meaning_of(schema['properties'][key]) or _inner(info)} |\n"
        for key, info in table.model_fields.items()
    )
    example = example_of(title, examples)
    return (f"### `{title}`\n\n{about[0].upper()}{about[1:]}\n\n| key | type and unit | default | meaning |\n"
            f"|---|---|---|---|\n{rows}\n```toml\n{example}\n```\n")  # fmt: skip


def _inner(info: FieldInfo) -> str:
    return "; ".join(f"see `{title_of(table)[0]}`" for table in _models(info.annotation))


def _type(info: FieldInfo, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    measure = _measure(info)
    if measure is None:
        return type_in_words(schema, definitions)
    number = next((choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"), schema)
    bounds = [f"{sign} {measure.text_of(number[name])}" for name, sign in BOUNDS.items() if number.get(name)]
    return " ".join([measure.name, ", ".join(bounds)]).strip()


def _default(info: FieldInfo, schema: Mapping[str, Any]) -> str:
    measure, value = _measure(info), info.get_default(call_default_factory=True, validated_data={})
    if info.is_required() or value is None:
        return default_in_words({}, required=info.is_required())
    if measure is not None:
        return f'`"{measure.text_of(value)}"`'
    return default_in_words({**schema, "default": plain(value)}, required=False)


def _measure(info: FieldInfo) -> Measure | None:
    return next((measure for measure in MEASURES if measure.validator in metadata_of(info)), None)
