"""Records to JSON and back, for the ``body`` columns."""

from typing import Any, TypeVar

from pydantic import TypeAdapter

Kind = TypeVar("Kind")


_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def encode(record: object) -> str:
    """Return a record's JSON."""
    return _adapter(type(record)).dump_json(record).decode()


def decode(kind: type[Kind], text: str) -> Kind:
    """Return the record in the JSON; raises pydantic's ValidationError where it is none."""
    record: Kind = _adapter(kind).validate_json(text)
    return record
