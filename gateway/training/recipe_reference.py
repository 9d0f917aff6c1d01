"""The reference of recipes, docs/recipes.md: its tables of keys are made from the typed model, its examples from files.

The page is prose with regions between two comments. ``refreshed`` writes each region anew; a test holds the page to it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gateway.contract.schema_words import default_in_words, meaning_of, type_in_words
from gateway.training.recipe import Recipe
from gateway.training.setpoint_findings import Verdict
from gateway.training.setpoint_warnings import WHAT_TO_DO

_REGION = re.compile(r"(<!-- made by `make recipes`: (?P<what>[^>]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def refreshed(page: str, *, root: Path) -> str:
    """Return the page with its regions written anew; ``root``: the folder that the named files lie below.

    Raises KeyError where a region asks for what is not made here.
    """

    def made(match: re.Match[str]) -> str:
        what, _space, argument = match["what"].partition(" ")
        text = (root / argument).read_text(encoding="utf-8") if what == "file" else _MADE[what]()
        body = f"```toml\n{text}```\n" if what == "file" else text
        return f"{match[1]}{body}{match[3]}"

    return _REGION.sub(made, page)


def _keys() -> str:
    """Return a section for each table of a recipe, in the order of the model."""
    return "\n".join(_section(schema, definitions) for schema, definitions in _tables())


def _tables() -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield the schema of the recipe and of each table in it, outer ones first, with the definitions of all."""
    whole = Recipe.model_json_schema()
    definitions: Mapping[str, Any] = whole["$defs"]
    waiting, shown = [whole], set[str]()
    while waiting:
        schema = waiting.pop(0)
        if schema["title"] in shown:
            continue  # a table that stands in several places
        shown.add(schema["title"])
        yield schema, definitions
        inner = [_table_of(key_schema, definitions) for key_schema in schema["properties"].values()]
        waiting = [*(table for table in inner if table is not None), *waiting]


def _table_of(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the table that a key is, or is a list of; None where it is neither."""
    for part in (schema, schema.get("items", {}), *schema.get("anyOf", ())):
        if "$ref" in part:
            named: dict[str, Any] = definitions[part["$ref"].rsplit("/", 1)[-1]]
            if "properties" in named:
                return named
    return None


def _section(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    title, *more = str(schema["description"]).replace("``", "`").split("\n\n")
    name, _colon, about = title.partition(": ")
    required = schema.get("required", ())
    rows = "\n".join(
        f"| `{key}` | {type_in_words(inner, definitions)} | {default_in_words(inner, required=key in required)} | "
        f"{meaning_of(inner)} |"
        for key, inner in schema["properties"].items()
    )
    prose = "\n\n".join(" ".join(part.split()) for part in (about[0].upper() + about[1:], *more))
    return f"### {name}\n\n{prose}\n\n| key | what it is | default | meaning |\n|---|---|---|---|\n{rows}\n"


def _verdicts() -> str:
    """Return the table of what the check of a setpoint may find."""
    rows = "\n".join(
        f"| `{verdict.name.lower()}` | {verdict.value} | "
        f"{'moves are suggested' if verdict is Verdict.CONFIRMED else WHAT_TO_DO[verdict]} |"
        for verdict in Verdict
    )
    return f"| verdict | what it says | what to do |\n|---|---|---|\n{rows}\n"


_MADE: Mapping[str, Callable[[], str]] = {"keys": _keys, "verdicts": _verdicts}
