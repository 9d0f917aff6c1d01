"""On which line of a TOML file each key stands: ``tomllib`` reads values and forgets where they stood. Pure."""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

KeyPath = tuple[str | int, ...]  # an integer is the place in a list, from 0


def lines_of_keys(text: str) -> dict[KeyPath, int]:
    """Return the line, from 1, of each key and table of a TOML text that is valid.

    A statement is the fewest lines that are TOML by themselves. Keys within a value have the line where it begins.
    """
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    sizes: dict[KeyPath, int] = {}  # of the lists of tables so far
    for number, document, is_header in _statements(text):
        if is_header:
            table = _table_named(document, sizes)
            lines.setdefault(table, number)
            continue
        for path in _paths(document):
            lines.setdefault((*table, *path), number)
    return lines


def _statements(text: str) -> Iterator[tuple[int, Mapping[str, Any], bool]]:
    """Yield (its first line, what it says, whether it is the header of a table) for each statement."""
    begun, waiting = 0, ""
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        if not waiting and (not line.strip() or line.lstrip().startswith("#")):
            continue
        begun = begun if waiting else number
        waiting += line
        try:
            document = tomllib.loads(waiting)
        except tomllib.TOMLDecodeError:
            continue  # the value goes on
        yield begun, document, waiting.lstrip().startswith("[")
        waiting = ""


def _table_named(document: Mapping[str, Any], sizes: dict[KeyPath, int]) -> KeyPath:
    """Return the path of a header's table; a list of tables grows by one where the header is of one."""
    path: KeyPath = ()
    inner: Any = document
    while inner and isinstance(inner, Mapping):
        name, inner = next(iter(inner.items()))
        path = (*path, name)
        if isinstance(inner, list):
            sizes[path] = sizes.get(path, 0) + 1
        if path in sizes:
            path = (*path, sizes[path] - 1)
    return path


def _paths(value: Any) -> Iterator[KeyPath]:
    """Yield the paths of all keys within a value."""
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield (name,)
        for path in _paths(inner):
            yield (name, *path)
