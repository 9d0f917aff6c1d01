"""Orders and lots out of the answer of a MES that does not publish them: our canonical messages. Pure.

The answer is a document with a list of rows, such as jobs. For each row a rule makes one message of an event, if the
row has its time and fits its condition. Without a rule the rows are canonical messages already. What is to happen later
is left out until it has.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.contract.json_documents import parse_document
from gateway.contract.times import parse_rfc3339
from gateway.records.production import ContextKind

MOST_ROWS = 1000
_ORDER = (
    ContextKind.ORDER_STARTED, ContextKind.LOT_STARTED, ContextKind.PHASE_STARTED, ContextKind.EQUIPMENT_STATE,
    ContextKind.MATERIAL_CONSUMED, ContextKind.PHASE_ENDED, ContextKind.LOT_ENDED, ContextKind.ORDER_ENDED,
    ContextKind.LOT_CLOSED, ContextKind.ORDER_PLANNED, ContextKind.ORDER_CANCELLED,
)  # fmt: skip
"""Of one instant."""


class AnswerNotReadError(ValueError):
    """An answer that is not what the configuration says."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PullRule:
    """How an event stands in a row: ``at`` and ``fields`` are paths such as ``job.actualStart``.

    ``when``: for a path the values that it must have. ``constants``: fields that no row has.
    """

    event: ContextKind
    at: str
    fields: Mapping[str, str]
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)


def pulled_messages(answer: bytes, rules: Sequence[PullRule], *, items: str | None, now_ns: int) -> list[bytes]:
    """Return the messages in an answer, in the order of their times; ``items``: the path to the list of rows.

    The same row gives the same bytes each time. Raises AnswerNotReadError, or MessageRefusedError of what is no JSON.
    """
    document = parse_document(answer)
    rows = document if items is None else value_at(document, items)
    if not isinstance(rows, list):
        raise AnswerNotReadError("has no list" if items is None else f"has no list under {items}")
    if len(rows) > MOST_ROWS:
        raise AnswerNotReadError(f"has {len(rows)} rows, more than {MOST_ROWS}: narrow the path")
    if not rules:
        messages = [dict(row) if isinstance(row, Mapping) else row for row in rows]
    else:
        messages = [message for row in rows for rule in rules if (message := _message(row, rule)) is not None]
    messages = sorted((message for message in messages if _when(message)[0] <= now_ns), key=_when)
    try:
        return [_encoded(message) for message in messages]
    except RecursionError as error:
        raise AnswerNotReadError("has a row that is nested too deeply") from error


def _encoded(message: Any) -> bytes:
    """Return a message as bytes; half of a character pair stays the escape as which it came."""
    text = json.dumps(message, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return text.encode("utf-8", "backslashreplace")


def _message(row: Any, rule: PullRule) -> dict[str, Any] | None:
    at = value_at(row, rule.at)
    if at is None or at == "":
        return None
    if any(_as_text(value_at(row, path)) not in values for path, values in rule.when.items()):
        return None
    taken = {name: value_at(row, path) for name, path in rule.fields.items()}
    named = {name: value for name, value in taken.items() if value is not None}
    return {**rule.constants, **{name: _as_name(value) for name, value in named.items()}, "event": rule.event.value,
            "at": at}  # fmt: skip


def _as_name(value: Any) -> Any:
    """Return a whole number as the name that it is; anything else is read as in every message."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _as_text(value: Any) -> str | None:
    if value is None:
        return None
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _when(message: Any) -> tuple[int, int]:
    """Return the instant, 0 where there is none to be read, and a place by kind."""
    if not isinstance(message, Mapping):
        return 0, 0
    event, at = message.get("event"), message.get("at")
    place = next((place for place, kind in enumerate(_ORDER) if kind.value == event), len(_ORDER))
    try:
        return (parse_rfc3339(at) if isinstance(at, str) else 0), place
    except ValueError:
        return 0, place


def value_at(document: Any, path: str) -> Any:
    """Return what is at a path of names with dots between them, None where there is nothing."""
    for name in path.split("."):
        if not isinstance(document, Mapping):
            return None
        document = document.get(name)
    return document
