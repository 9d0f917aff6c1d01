"""Records to JSON and back, for the ``body`` columns.

A control chart's series is written with one result and read with the next. Its latest records are kept by their JSON:
what the database returns is the key, so a record that was rolled back or changed on disk is never taken for another.
"""

from threading import Lock
from typing import Any, TypeVar

from pydantic import TypeAdapter

Kind = TypeVar("Kind")


_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}
_KEPT: dict[str, object] = {}  # records by their JSON, the latest written last
_MOST_KEPT = 64
_KEEPING = Lock()


def _adapter(kind: Any) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def encode(record: object) -> str:
    """Return a record's JSON."""
    return _adapter(type(record)).dump_json(record).decode()


def encode_and_keep(record: object) -> str:
    """Return the JSON of a record that is read again soon; then it need not be parsed."""
    text = encode(record)
    with _KEEPING:
        _KEPT.pop(text, None)
        _KEPT[text] = record
        if len(_KEPT) > _MOST_KEPT:
            del _KEPT[next(iter(_KEPT))]
    return text


def decode(kind: type[Kind], text: str) -> Kind:
    """Return the record in the JSON; raises pydantic's ValidationError where it is none."""
    kept = _KEPT.get(text)
    if type(kept) is kind:
        return kept
    record: Kind = _adapter(kind).validate_json(text)
    return record
