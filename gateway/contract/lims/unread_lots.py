"""Lots of a product that stand in unmapped fields. Pure."""

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from gateway.contract.lims.field_words import LOT, NAMES_A_LOT, OF_A_LOT, SEVERAL, lot_words_of
from gateway.contract.lims.names import folded

_DEEPEST = 4  # levels of an unmapped field
_MOST_INSIDE = 5000  # fields and values that are looked at


def unread_lots_in(document: Mapping[str, Any], *, named: bool, ignore: Collection[str]) -> Iterator[tuple[str, Any]]:
    """Yield (path, value) of each field that is called like the lot of a product and is no spelling that is read.

    Args:
        document: the laboratory's message.
        named: whether the message names a lot already; then only what names several counts, as of a composite.
        ignore: folded names of fields that a person has said do not matter.
    """
    waiting = deque((name, value, lot_words_of(name), 0) for name, value in document.items())
    for _ in range(_MOST_INSIDE):
        if not waiting:
            return
        path, value, words, depth = waiting.popleft()
        outer, _, inner_name = path.rpartition(".")
        last = lot_words_of(inner_name)
        if folded(path) in ignore or not words <= OF_A_LOT:
            continue
        if isinstance(value, Mapping) and depth < _DEEPEST:
            waiting += [
                (f"{path}.{inner}", inner_value, words | lot_words_of(inner), depth + 1)
                for inner, inner_value in value.items()
            ]
        elif _is_lot(last, lot_words_of(outer)) and (words & SEVERAL or not named) and _names_something(value):
            yield path, value


def _is_lot(last: frozenset[str], outer: frozenset[str]) -> bool:
    within = bool(outer & LOT.words and last <= NAMES_A_LOT)
    return bool(last & LOT.words) or within or bool(last & SEVERAL)


def _names_something(value: Any) -> bool:
    if isinstance(value, list):
        return any(_names_something(item) for item in value)
    return isinstance(value, str | int) and not isinstance(value, bool)
