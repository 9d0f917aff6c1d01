"""Reads the configuration file; an error says what is wrong, where, and what to do."""

import difflib
import hashlib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from gateway.config.connection_tables import LimsTable
from gateway.config.measures import MEASURED_IN_SECONDS
from gateway.config.problem_texts import of_the_file, text_of
from gateway.config.tables import PREFIX, Settings
from gateway.errors import ConfigurationError, Problem

_NOT_OF_THE_FILE = frozenset(
    {"LABLINE_OPCUA_PASSWORD", "LABLINE_BROKER_PASSWORD"}
)  # variables that commands read themselves


def read(path: Path) -> tuple[Settings, str]:
    """Return the settings in a file with the environment's overrides, and the SHA-256 of their effective values.

    Raises ConfigurationError with every problem found.
    """
    document = _document(path)
    unknown = unknown_variables(os.environ)
    try:
        settings = _settings(document)
    except ValidationError as error:
        reported = {problem.key for problem in unknown}
        others = _problems(path, error)
        raise ConfigurationError((*unknown, *(problem for problem in others if problem.key not in reported))) from error
    if unknown:
        raise ConfigurationError(unknown)
    sha256 = hashlib.sha256(settings.model_dump_json().encode()).hexdigest()  # before: wherever the file lies
    return _with_paths_of(settings, path.absolute().parent), sha256


def _settings(document: Mapping[str, Any]) -> Settings:
    if not any(variable.upper().startswith(PREFIX) for variable in os.environ):
        return Settings(**document)
    from gateway.config.environment import overridden  # noqa: PLC0415 - its library takes a twelfth of a start

    return overridden(document)


_AnyTable = TypeVar("_AnyTable", bound=BaseModel)


def _with_paths_of(table: _AnyTable, folder: Path) -> _AnyTable:
    """Return a table whose relative paths are made absolute: they are relative to the configuration file."""
    changes: dict[str, Any] = {}
    for name in type(table).model_fields:
        value = getattr(table, name)
        if isinstance(value, Path):
            changes[name] = folder / value
        elif isinstance(value, BaseModel):
            changes[name] = _with_paths_of(value, folder)
        elif isinstance(value, dict):
            changes[name] = {
                key: _with_paths_of(item, folder) if isinstance(item, BaseModel) else item
                for key, item in value.items()
            }
        elif isinstance(value, list):
            changes[name] = [_with_paths_of(item, folder) if isinstance(item, BaseModel) else item for item in value]
    return table.model_copy(update=changes)


def unknown_variables(environment: Mapping[str, str]) -> tuple[Problem, ...]:
    """Return a problem for each variable that looks like an override and overrides nothing."""
    problems = []
    for variable in sorted(environment):
        parts = variable.removeprefix(PREFIX).lower().split("__")
        if not variable.startswith(PREFIX) or variable in _NOT_OF_THE_FILE or _is_setting(parts, Settings):
            continue
        near = difflib.get_close_matches(variable, _variables(parts), n=1, cutoff=0.7)
        hint = f"did you mean {near[0]}?" if near else "write it as in LABLINE_MQTT__HOST, or remove it"
        message = "is no setting that Labline knows"
        problems.append(Problem(file="environment", key=variable, message=message, hint=hint))
    return tuple(problems)


def _is_setting(parts: list[str], table: type[BaseModel]) -> bool:
    """Return whether a path through tables ends at a field."""
    info = table.model_fields.get(parts[0])
    if info is None:
        return False
    rest = parts[1:]
    if not rest:
        return True
    tables, named = _tables_in(info.annotation)
    if named and not rest[0]:
        return False
    if named and (len(rest) == 1 or not tables):
        return len(rest) == 1
    return any(_is_setting(rest[1:] if named else rest, inner) for inner in tables)


def _tables_in(annotation: Any) -> tuple[list[type[BaseModel]], bool]:
    """Return the tables that a field may hold, and whether they stand under names of their own."""
    named = get_origin(annotation) is dict
    types = (annotation, *get_args(annotation)) if get_origin(annotation) is not list else ()
    return [table for table in types if isinstance(table, type) and issubclass(table, BaseModel)], named


def _variables(parts: list[str]) -> list[str]:
    """Return the variables that there are; of tables with names, with the name that stands in ``parts``."""
    names = []
    for key, info in Settings.model_fields.items():
        tables, named = _tables_in(info.annotation)
        middle = ([parts[1]] if len(parts) > 1 else ["name"]) if named else []
        names += ["__".join([key, *middle, field]) for table in tables for field in table.model_fields] or [key]
    return [f"{PREFIX}{name.upper()}" for name in names]


def _document(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file; raises ConfigurationError if it cannot be read as one."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        problem = Problem(
            file=str(path),
            key="",
            message=f"cannot be read: {error.strerror}",
            hint="name a file that is there and that this user may read",
        )
        raise ConfigurationError((problem,)) from error
    except UnicodeDecodeError as error:
        problem = Problem(file=str(path), key="", message="is not UTF-8 text", hint="save the file as UTF-8")
        raise ConfigurationError((problem,)) from error
    except tomllib.TOMLDecodeError as error:
        problem = Problem(
            file=str(path),
            key="",
            message=f"is not TOML: {error}",
            hint="texts need quotes, lists a closing bracket",
        )
        raise ConfigurationError((problem,)) from error


def read_lims(path: Path) -> LimsTable:
    """Return the ``[lims]`` table of a file that need have no other; raises ConfigurationError."""
    document = _document(path)
    try:
        return LimsTable.model_validate(document.get("lims", document))
    except ValidationError as error:
        raise ConfigurationError(tuple(_problems(path, error, table=("lims",)))) from error


def _problems(path: Path, error: ValidationError, *, table: tuple[str, ...] = ()) -> list[Problem]:
    """Return the problems of a file in its own words; ``table``: where the validated table stands in the file."""
    errors = [{**item, "loc": (*table, *item["loc"])} for item in error.errors()]
    return [_problem(path, item) for item in of_the_file(errors)]


def _problem(path: Path, error: Mapping[str, Any]) -> Problem:
    location = list(error["loc"])
    table, info = _walk(location)
    hint = (info.description if info is not None else None) or (table.__doc__ or "").strip().replace("``", "")
    message = text_of(error, in_seconds=info is not None and MEASURED_IN_SECONDS in info.metadata)
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(location[-1]), _siblings(location), n=1)
        hint = f"did you mean {near[0]}?" if near else f"keys here are: {', '.join(_siblings(location))}"
    variable = f"{PREFIX}{'__'.join(str(part) for part in location).upper()}"
    if variable in os.environ:
        return Problem(file="environment", key=variable, message=message, hint=hint)
    return Problem(file=str(path), key=_key(location), message=message, hint=hint)


def _key(location: list[Any]) -> str:
    key = ""
    for part in location:
        key += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if key else str(part)
    return key


def _walk(location: list[Any]) -> tuple[type[BaseModel], FieldInfo | None]:
    """Return (the innermost table on the way to a location, the field there or the last one on the way)."""
    table: type[BaseModel] = Settings
    field: FieldInfo | None = None
    for part in location:
        info = table.model_fields.get(part) if isinstance(part, str) else None
        if info is None:
            continue
        field = info
        for inner in (info.annotation, *getattr(info.annotation, "__args__", ())):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                table = inner
    return table, field


def _siblings(location: list[Any]) -> list[str]:
    return list(_walk(location[:-1])[0].model_fields)
