"""The SQL statements by name, read once from the ``.sql`` files beside this module."""

import re
from collections.abc import Mapping
from importlib.resources import files

_NAMED = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)


def _read() -> Mapping[str, str]:
    statements: dict[str, str] = {}
    for file in sorted(files("gateway.store").joinpath("sql").iterdir(), key=lambda item: item.name):
        for name, statement in _NAMED.findall(file.read_text()):
            if name in statements:
                raise ValueError(f"the statement {name} stands twice in the .sql files")
            statements[name] = statement.strip()
    return statements


def migrations() -> tuple[str, ...]:
    """Return the migration scripts in order; script n brings a database from version n-1 to n."""
    folder = files("gateway.store").joinpath("schema")
    return tuple(file.read_text() for file in sorted(folder.iterdir(), key=lambda item: item.name))


SQL = _read()
