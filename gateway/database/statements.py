"""SQL by name: statements and migrations, read once from the ``.sql`` files of a package."""

import re
from collections.abc import Mapping
from importlib.resources import files

_NAMED = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)


def read_statements(package: str) -> Mapping[str, str]:
    """Return the statements in a package's ``sql/*.sql``, by the name that stands above each."""
    statements: dict[str, str] = {}
    for file in sorted(files(package).joinpath("sql").iterdir(), key=lambda item: item.name):
        for name, statement in _NAMED.findall(file.read_text(encoding="utf-8")):
            if name in statements:
                raise ValueError(f"the statement {name} stands twice in the .sql files")
            statements[name] = statement.strip()
    return statements


def read_migrations(package: str) -> tuple[str, ...]:
    """Return the scripts in ``schema/`` in order; script n brings a database from version n-1 to n."""
    folder = files(package).joinpath("schema")
    return tuple(file.read_text(encoding="utf-8") for file in sorted(folder.iterdir(), key=lambda item: item.name))
