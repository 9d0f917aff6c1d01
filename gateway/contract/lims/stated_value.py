"""What a laboratory's message states as its value, in all its fields together: the number, the limit or the words."""

import sys
from dataclasses import replace
from typing import Any

from gateway.contract.field_reader import LONGEST_TEXT
from gateway.contract.json_documents import echo
from gateway.contract.lims.comparators import comparator
from gateway.contract.lims.message_fields import MessageFields
from gateway.contract.lims.names import spoken
from gateway.contract.lims.written_values import BEYOND_DETECTION_LIMIT, WrittenValue, written_value
from gateway.contract.refusals import Refusal, RefusalText, refusal_text


def stated_value(
    message: MessageFields, *, lod: float | None, loq: float | None, unit: str | None
) -> tuple[str, WrittenValue]:
    """Return (text as sent, what it says); with a qualifier the number is the limit, not the value."""
    names = message.located.names.get("value", [])
    if not names:
        missing = refusal_text(RefusalText.FIELD_MISSING, field=message.located.name("value"))
        message.reader.refuse(Refusal.MISSING, missing, field="value")
        return "", WrittenValue(number=None)
    text, qualifier = value_text(message.located.document[names[0]]), _qualifier(message)
    read = [_written(message, name, lod=lod, loq=loq, unit=unit) for name in names]
    known = [value for value in read if value is not None]
    if len(known) < len(read) or qualifier is None:
        return text, WrittenValue(number=None)
    texts = {spoken(str(message.located.document[name])) for name in names}
    written = _merged(known, qualifier) if len(texts) == 1 or not known[0].words else None
    if written is None:
        message.contradicts("value", *message.located.names.get("qualifier", ()))
        return text, WrittenValue(number=None)
    if lod is not None and written.number is not None and written.qualifier is None and written.number < lod:
        # below what can be detected there are no numbers
        written = replace(written, number=lod, qualifier="<", flags=(*written.flags, BEYOND_DETECTION_LIMIT))
    message.reader.flags += written.flags
    return f"{written.qualifier}{text}" if written.qualifier and not known[0].qualifier else text, written


def value_text(value: Any) -> str:
    """Return a value as it was sent, bounded and always encodable."""
    text = value.strip() if isinstance(value, str) else repr(value) if type(value) in {int, float} else echo(value)
    return text.encode("utf-8", "backslashreplace").decode()[:LONGEST_TEXT]


def plain_value(value: Any, *, decimal_comma: bool) -> WrittenValue | None:
    """Return what one field says as a value, or None where it is neither a number nor a text that is read."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return WrittenValue(number=float(value)) if abs(value) <= sys.float_info.max else None
    text = isinstance(value, str) and len(value) <= LONGEST_TEXT
    return written_value(value, decimal_comma=decimal_comma) if text else None


def _written(
    message: MessageFields, name: str, *, lod: float | None, loq: float | None, unit: str | None
) -> WrittenValue | None:
    """Return what one field says as a value; None where it says nothing, with the reason noted."""
    value = message.located.document[name]
    if not isinstance(value, str):
        number = message.reader.number(name)
        return None if number is None else WrittenValue(number=number)
    if message.reader.checked_text(name, value) is None:
        return None
    written = written_value(value, decimal_comma=message.decimal_comma, lod=lod, loq=loq, unit=unit)
    if written is None:
        text = refusal_text(RefusalText.NO_NUMBER_AND_NO_LIMIT, field=name, value=ascii(echo(value)))
        message.reader.refuse(Refusal.NOT_A_NUMBER, text, field=name, found=echo(value))
    return written


def _qualifier(message: MessageFields) -> str | None:
    """Return the comparator of a value in a field of its own, ``""`` for none; None where it is not understood."""
    meanings = set[str]()
    for name in message.located.names.get("qualifier", ()):
        value = message.located.document[name]
        meaning = comparator(value) if isinstance(value, str) else None
        if meaning is None:
            text = refusal_text(RefusalText.NOT_A_COMPARATOR, field=name, value=echo(value))
            message.reader.refuse(Refusal.NOT_A_CHOICE, text, field=name, found=echo(value))
            return None
        meanings.add(meaning)
    if len(meanings) > 1:
        message.contradicts("qualifier")
        return None
    return next(iter(meanings), "")


def _merged(written: list[WrittenValue], qualifier: str) -> WrittenValue | None:
    """Return the one value that several fields state, with its comparator; None where they contradict."""
    numbers = {value.number for value in written}
    qualifiers = {value.qualifier for value in written if value.qualifier} | ({qualifier} if qualifier else set())
    words = {value.words for value in written}
    if len(numbers) > 1 or len(qualifiers) > 1 or len(words) > 1:
        return None
    if words == {True} and qualifiers:
        return None
    flags = tuple(dict.fromkeys(flag for value in written for flag in value.flags))
    return WrittenValue(
        number=written[0].number, qualifier=next(iter(qualifiers), None), flags=flags, words=written[0].words
    )
