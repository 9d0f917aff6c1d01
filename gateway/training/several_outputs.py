"""A recipe of several analytes as several recipes: each analyte makes a model and a bundle of its own.

One bundle per analyte, because everything that the gateway does with a model is of the bundle: it is promoted, demoted,
corrected and signed as a whole. A drift of one analyte must not take another one out of service, and an input that only
one of them needs must not keep the other from being predicted.
"""

from collections.abc import Iterator, Mapping
from typing import Any

OUTPUTS = "outputs"
_OWN = ("bias", "function_space", "candidates", "acceptance")
_DELAYS = ("delay_rows", "delay_seconds", "arrival_column")


def recipe_of_each(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (what its keys stand below, the recipe of one analyte) for each ``[[outputs]]``, or the recipe as it is.

    Raises ValueError where both forms stand in a recipe, or the tables are none.
    """
    tables = document.get(OUTPUTS)
    if tables is None:
        yield "", dict(document)
        return
    if "output" in document:
        raise ValueError("give [output] for one analyte, or [[outputs]] for several, not both")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise ValueError("outputs must be tables: write [[outputs]] above each analyte")
    shared = {key: value for key, value in document.items() if key != OUTPUTS}
    for number, table in enumerate(tables):
        yield f"{OUTPUTS}.{number}.", shared | _own(shared, table)


def _own(shared: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a recipe says of one analyte alone."""
    analyte = str(table.get("analyte", ""))
    output = {key: value for key, value in table.items() if key not in {"name", "column", "laboratory", *_OWN}}
    own: dict[str, Any] = {key: table[key] for key in _OWN if key in table}
    own |= {"output": output, "name": table.get("name", f"{shared.get('name', '')}_{analyte}")}
    if "laboratory" in shared or "laboratory" in table:
        own["laboratory"] = _laboratory(shared.get("laboratory", {}), table) | {
            "column": table.get("column", table.get("laboratory", {}).get("column", analyte))
        }
    return own


def _laboratory(shared: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    own: dict[str, Any] = table.get("laboratory", {})
    dropped = _DELAYS if any(key in own for key in _DELAYS) else ()
    return {key: value for key, value in shared.items() if key not in dropped} | own
