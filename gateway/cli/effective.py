"""``labline check --show``: the configuration in effect, one key a line, with where each value comes from."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.cells import cell_len

from gateway.cli.output import out, show_json, show_lines
from gateway.config.effective import EffectiveKey, Origin, effective_keys
from gateway.config.reading import read


def show_effective(config: Path, *, as_json: bool) -> None:
    """Print every key of a configuration with its value and its place; raises ConfigurationError."""
    settings, sha256 = read(config)
    rows = effective_keys(config, settings)
    if as_json:
        show_json(effective_document(config, sha256, rows))
        return
    show_lines(f"# {config}, sha256 of its effective values {sha256}")
    for row in rows:
        _show(row)


def effective_document(config: Path, sha256: str, rows: list[EffectiveKey]) -> dict[str, Any]:
    """Return the rows as one JSON object."""
    return {"file": str(config), "sha256": sha256, "keys": [asdict(row) for row in rows]}


def _show(row: EffectiveKey) -> None:
    """Print one key on one line of a pipe; where a terminal has no room for it, its place goes below."""
    value, place = f"{row.key} = {_value_text(row.value)}", f"# {_place_text(row)}"
    whole = f"{value}  {place}"
    if not out.is_terminal or cell_len(whole) <= out.width:
        show_lines(whole)
    else:
        show_lines(value, f"    {place}")


def _value_text(value: Any) -> str:
    """Return a value as TOML writes it."""
    if value is None:
        return "(none)"
    return json.dumps(value, ensure_ascii=False)


def _place_text(row: EffectiveKey) -> str:
    match row.origin:
        case Origin.FILE:
            return f"{Path(row.place).name}:{row.line}"
        case Origin.ENVIRONMENT:
            return f"environment {row.place}"
        case Origin.CREDENTIAL:
            return row.place
    return row.origin.value
