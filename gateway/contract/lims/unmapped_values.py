"""What a message says in unmapped fields: lots, and other values than the one that is read."""

from collections.abc import Collection, Mapping
from typing import Any

from gateway.contract.lims.message_fields import MessageFields
from gateway.contract.lims.names import normalised
from gateway.contract.lims.result_fields import unmapped
from gateway.contract.lims.stated_lots import texts_within
from gateway.contract.lims.stated_value import plain_value
from gateway.contract.lims.unread_fields import is_unit, is_upper_end, named_within, other_values
from gateway.contract.lims.unread_lots import unread_lots_in
from gateway.contract.lims.written_values import WrittenValue, says_the_same


def note_unread_lots(
    message: MessageFields, foreign: Mapping[str, Any], *, control_id: str | None, ignore: Collection[str]
) -> None:
    """Take the lots from unmapped fields, and note that a person must look, so that no lot is overlooked."""
    if control_id is not None:
        return
    stated_lots = message.located.values("material_lot_id")
    known = {name for value in stated_lots for name in texts_within(value)}
    for name, value in unread_lots_in(foreign, named=bool(known), ignore=ignore):
        if name in message.located.names.get("material_lot_id", ()) or known >= {*texts_within(value)}:
            continue
        message.located.note_value("material_lot_id", name, value)
        message.reader.reasons.append(unmapped(name, value))


def note_other_values(message: MessageFields, foreign: Mapping[str, Any], unused: Collection[str]) -> None:
    """Note unmapped fields, whose name is like that of the value, and which hold another value."""
    names = message.located.names.get("value", ())
    stated = None if not names else plain_value(message.located.document[names[0]], decimal_comma=message.decimal_comma)
    if stated is None or stated.words:
        return
    unit = next((normalised(text) for text in message.located.values("unit") if isinstance(text, str)), None)
    for name in unused:
        field_value = named_within(foreign, name)
        others = [
            (value, plain_value(value, decimal_comma=message.decimal_comma))
            for value in other_values(name, field_value)
        ]
        end = plain_value(field_value, decimal_comma=message.decimal_comma) if is_upper_end(name) else None
        ends_at, number = None if end is None else end.number, stated.number
        beyond = ends_at is not None and number is not None and number > ends_at
        differs = is_unit(name) and isinstance(field_value, str) and normalised(field_value) != (unit or "")
        if beyond or differs or any(_differs(stated, value, other) for value, other in others):
            message.reader.reasons.append(unmapped(name, field_value))


def _differs(stated: WrittenValue, value: Any, other: WrittenValue | None) -> bool:
    """Return whether a field says another value than the one that is read; a text that cannot be read may."""
    return isinstance(value, str) if other is None else not other.words and not says_the_same(stated, other)
