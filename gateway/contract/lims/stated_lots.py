"""The lots that a laboratory's message names: all of them, so that none is overlooked."""

from collections.abc import Mapping
from typing import Any

from gateway.contract.json_documents import as_text, echo
from gateway.contract.lims.message_fields import MessageFields
from gateway.contract.lims.result_fields import is_divided_by_bars, lot_names, perhaps_several
from gateway.contract.refusals import Refusal, RefusalText, refusal_text

MOST_LOTS = 200  # of one result
_MOST_TEXTS = 20
# in the reason of a name that could be several lots by its bars alone: what would be one, and all that the field names
WHOLE_NAMES, NAMED = "whole_names", "named"


def stated_lots(message: MessageFields) -> tuple[str, ...]:
    """Return every lot that the message names, in its order."""
    lots = dict[str, None]()
    sets = set[frozenset[str]]()
    for name in message.located.names.get("material_lot_id", ()):
        here = _lots_in(message.located.document[name])
        if here is None:
            value = echo(message.located.document[name])
            text = refusal_text(RefusalText.MUST_BE_LOTS, field=name, value=value)
            message.reader.refuse(Refusal.WRONG_TYPE, text, field=name, found=value)
            lots |= dict.fromkeys(texts_within(message.located.document[name]))
            continue
        sets.add(frozenset(here))
        lots |= dict.fromkeys(here)
        _note_perhaps_several(message, name, here, lots)
    if len(sets) > 1:
        message.contradicts("material_lot_id")
    return _bounded(message, lots)


def _note_perhaps_several(message: MessageFields, name: str, here: list[str], lots: dict[str, None]) -> None:
    """Take each lot that a name such as ``L-1 & L-2`` could be of, and note that a person must say which."""
    several = [part for lot in here for part in perhaps_several(lot)]
    if several:
        lots |= dict.fromkeys(several)
        unsure = [lot for lot in here if perhaps_several(lot)]
        one = {WHOLE_NAMES: unsure, NAMED: here} if all(is_divided_by_bars(lot) for lot in unsure) else {}
        value = echo(message.located.document[name])
        text = refusal_text(RefusalText.PERHAPS_SEVERAL_LOTS, field=name, value=value)
        message.reader.refuse(Refusal.WRONG_TYPE, text, field=name, found=value, **one)


def _bounded(message: MessageFields, lots: Mapping[str, None]) -> tuple[str, ...]:
    name = message.located.name("material_lot_id")
    fit = tuple(lot for lot in lots if message.reader.checked_text(name, lot) is not None)
    if len(fit) > MOST_LOTS:
        text = refusal_text(RefusalText.TOO_MANY_LOTS, field=name, count=len(fit), most=MOST_LOTS)
        message.reader.refuse(Refusal.OUT_OF_RANGE, text, field=name)
    return fit[:MOST_LOTS]


def _lots_in(value: Any) -> list[str] | None:
    """Return the lots that a field names, or None where it names something else."""
    values = value if isinstance(value, list) else [value]
    names = [as_text(item) for item in values if item is not None]
    if not all(isinstance(name, str) for name in names):
        return None
    return [lot for name in names for lot in lot_names(name)]


def texts_within(value: Any) -> list[str]:
    """Return every text in something that should have been the name of a lot: each could be one.

    Where an object has amounts, its names are the lots.
    """
    inner = value if isinstance(value, list) else ()
    if isinstance(value, dict):
        inner = [name if isinstance(content, int | float) else content for name, content in value.items()]
    texts = [text for content in inner for text in texts_within(content)]
    text = as_text(value)
    return (texts + (lot_names(text) if isinstance(text, str) else []))[:_MOST_TEXTS]
