"""The configuration in effect: each key with its value, and where it comes from. Secrets are left out."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gateway.config.credentials import credential_path, known_credentials
from gateway.config.measures import MEASURES
from gateway.config.positions import KeyPath, lines_of_keys
from gateway.config.redaction import REDACTED, redacted, redacted_address
from gateway.config.tables import PREFIX, Settings


class Origin(StrEnum):
    """Where a value comes from."""

    FILE = "file"
    ENVIRONMENT = "environment"
    CREDENTIAL = "credential"
    DEFAULT = "default"
    MISSING = "not set"


@dataclass(frozen=True, kw_only=True, slots=True)
class EffectiveKey:
    """One key; ``value`` as JSON has it, without secrets; ``place``: file, variable or credential; ``line``: from 1."""

    key: str
    value: Any
    origin: Origin
    place: str = ""
    line: int | None = None


def effective_keys(path: Path, settings: Settings) -> list[EffectiveKey]:
    """Return every key of a configuration that ``read`` has read from ``path``, and every credential it may use."""
    lines = lines_of_keys(path.read_text(encoding="utf-8"))
    overrides = {name.upper(): value for name, value in os.environ.items() if name.upper().startswith(PREFIX)}
    rows = []
    for place, value, info in _leaves(settings, ()):
        variable, line = _variable(place, overrides), lines.get(place)
        origin = Origin.ENVIRONMENT if variable else Origin.DEFAULT if line is None else Origin.FILE
        rows.append(
            EffectiveKey(
                key=key_text(place),
                value=_shown(value, info),
                origin=origin,
                place=variable or (str(path) if origin is Origin.FILE else ""),
                line=line if origin is Origin.FILE else None,
            )
        )
    return rows + _credentials(settings)


def _credentials(settings: Settings) -> list[EffectiveKey]:
    """Return a row for each credential: that it is there, and where, and nothing of what it holds."""
    rows = []
    for name in known_credentials(settings):
        path = credential_path(name)
        rows.append(
            EffectiveKey(
                key=f"credential {name}",
                value=None if path is None else REDACTED,
                origin=Origin.MISSING if path is None else Origin.CREDENTIAL,
                place="" if path is None else str(path),
            )
        )
    return rows


def key_text(place: KeyPath) -> str:
    """Return a key as the file names it; elements of lists count from 1, as in errors."""
    text = ""
    for part in place:
        if isinstance(part, int):
            text += f"[{part + 1}]"
            continue
        bare = part.replace("-", "").replace("_", "").isalnum() and part.isascii()
        text += ("." if text else "") + (part if bare else json.dumps(part, ensure_ascii=False))
    return text


def _leaves(table: BaseModel, place: KeyPath) -> Iterator[tuple[KeyPath, Any, FieldInfo]]:
    """Yield (where it stands, its value, its field) for all values of a table and of the tables in it."""
    for name, info in type(table).model_fields.items():
        yield from _within((*place, name), getattr(table, name), info)


def _within(place: KeyPath, value: Any, info: FieldInfo) -> Iterator[tuple[KeyPath, Any, FieldInfo]]:
    if isinstance(value, BaseModel):
        yield from _leaves(value, place)
    elif isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _within((*place, str(name.value if isinstance(name, Enum) else name)), inner, info)
    elif isinstance(value, list) and value and isinstance(value[0], BaseModel):
        for at, inner in enumerate(value):
            yield from _within((*place, at), inner, info)
    else:
        yield place, value, info


def _variable(place: KeyPath, overrides: Mapping[str, str]) -> str | None:
    """Return the variable of the environment that sets a key, alone or within a table as JSON."""
    for length in range(len(place), 0, -1):
        name = PREFIX + "__".join(str(part) for part in place[:length]).upper()
        if name in overrides and (length == len(place) or _has(overrides[name], place[length:])):
            return name
    return None


def _has(document: str, rest: KeyPath) -> bool:
    """Return whether a table that a variable holds as JSON has a key."""
    try:
        inner = json.loads(document)
    except ValueError:
        return False
    for part in rest:
        if isinstance(inner, list) and isinstance(part, int) and part < len(inner):
            inner = inner[part]
        elif isinstance(inner, Mapping) and part in inner:
            inner = inner[str(part)]
        else:
            return False
    return True


def _shown(value: Any, info: FieldInfo) -> Any:
    """Return a value as JSON has it: with units as the file writes them, and without what is secret in it."""
    extra = info.json_schema_extra
    kind = extra.get("secret") if isinstance(extra, Mapping) else None
    if value is not None and kind is not None:
        return redacted_address(str(value)) if kind == "address" else REDACTED
    for measure in MEASURES:
        if isinstance(value, float) and measure.validator in metadata_of(info):
            return measure.text_of(value)
    return plain(value)


def plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    match value:
        case bool() | int() | float() | None if not isinstance(value, Enum):
            return value
        case Enum():
            return value.value if isinstance(value.value, str) else value.name.lower()
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
        case Mapping():
            return {str(name): plain(item) for name, item in value.items()}
    return redacted(str(value))


def metadata_of(info: FieldInfo) -> list[Any]:
    """Return what is said of a field's type, also where it may be left out."""
    inner = [item for argument in get_args(info.annotation) for item in getattr(argument, "__metadata__", ())]
    return [*info.metadata, *inner]
