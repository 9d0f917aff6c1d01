"""Foreign JSON: bytes to a document, or one reason that a person understands. Never an exception of a library."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gateway.contract.refusals import MessageRefusedError, Refusal, RefusalText, refusal, refusal_text

LONGEST_MESSAGE_BYTES = 256 * 1024
MOST_LEVELS = 64  # of lists and objects within each other: whoever reads them goes down by as many calls
_LONGEST_ECHO = 80
_LONGEST_NUMBER = 400  # digits: no finite number has more before its point
# a string, or a number that JSON does not know and people write: .5, 5. and +5; possessive, so that no text costs more
# than its length
_TOKENS = re.compile(
    r'"(?:[^"\\]|\\.?)*+(?:"|\Z)'
    r"|(?<![\w.+-])(?=[+-]?\.?\d)(?P<sign>[+-]?+)(?P<whole>\d*+)(?P<point>\.?+)(?P<rest>\d*+)"
    r"(?P<power>(?:[eE][+-]?+\d++)?+)(?![\w.+-])",
    re.DOTALL | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class NotFinite:
    """Stands for NaN, infinities and numbers of very many digits, which are no numbers, until a field is read."""

    text: str

    def __str__(self) -> str:
        return self.text


class _DuplicateKeyError(ValueError):
    pass


def _unique_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise _DuplicateKeyError(key)
        result[key] = value
    return result


def _whole_number(digits: str) -> int | NotFinite:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else NotFinite(digits[:_LONGEST_ECHO])


def _loads(text: str) -> Any:
    return json.loads(text, parse_constant=NotFinite, parse_int=_whole_number, object_pairs_hook=_unique_object)


def _tolerant(text: str) -> Any:
    """Return the document in a text whose numbers may be written like .5, 5. or +5."""
    try:
        return _loads(text)
    except _DuplicateKeyError:
        raise
    except ValueError:
        usual = _TOKENS.sub(_usual_number, text)
        if usual == text:
            raise
        return _loads(usual)


def _usual_number(token: re.Match[str]) -> str:
    whole, point, rest = token["whole"], token["point"], token["rest"]
    if not whole and not rest:  # a string, or nothing of a number
        return token[0]
    fraction = f".{rest or '0'}" if point else ""
    return f"{'-' if token['sign'] == '-' else ''}{whole or '0'}{fraction}{token['power']}"


def parse_object(payload: bytes) -> dict[str, Any]:
    """Return the JSON object in the bytes; raises MessageRefusedError with one reason otherwise."""
    document = parse_document(payload)
    if not isinstance(document, dict):
        raise _refused(Refusal.NOT_AN_OBJECT, RefusalText.NOT_AN_OBJECT)
    return document


def parse_document(payload: bytes) -> Any:
    """Return the JSON in the bytes, with or without a byte order mark; raises MessageRefusedError with one reason."""
    if len(payload) > LONGEST_MESSAGE_BYTES:
        text = refusal_text(RefusalText.MESSAGE_TOO_LARGE, bytes=len(payload), most=LONGEST_MESSAGE_BYTES)
        raise MessageRefusedError((refusal(Refusal.TOO_LARGE, text, bytes=len(payload)),))
    try:
        text = payload.decode("utf-8-sig")
        document = _tolerant(text)
    except UnicodeDecodeError as error:
        raise _refused(Refusal.NOT_TEXT, RefusalText.NOT_UTF_8, byte=error.start) from error
    except _DuplicateKeyError as error:
        raise _refused(Refusal.DUPLICATE_KEY, RefusalText.DUPLICATE_KEY, field=echo(str(error))) from error
    except RecursionError as error:
        raise _refused(Refusal.NOT_JSON, RefusalText.NESTED_TOO_DEEPLY) from error
    except ValueError as error:  # also a number of thousands of digits
        raise _refused(Refusal.NOT_JSON, RefusalText.NOT_JSON, error=error) from error
    if text.count("[") + text.count("{") > MOST_LEVELS and _is_deep(document):
        raise _refused(Refusal.NOT_JSON, RefusalText.NESTED_TOO_DEEPLY)
    return document


def _is_deep(document: Any) -> bool:
    """Return whether a document has more levels than are read; without going down by calls."""
    level = [document] if isinstance(document, dict | list) else []
    for _depth in range(MOST_LEVELS):
        level = [
            inner
            for container in level
            for inner in (container.values() if isinstance(container, dict) else container)
            if isinstance(inner, dict | list)
        ]
    return bool(level)


def _refused(code: Refusal, text: RefusalText, **parameters: Any) -> MessageRefusedError:
    return MessageRefusedError((refusal(code, refusal_text(text, **parameters)),))


def echo(value: Any) -> str:
    """Return a value as a reason may repeat it: cut, and always encodable."""
    text = value.text if isinstance(value, NotFinite) else str(value)
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _LONGEST_ECHO else text[:_LONGEST_ECHO] + "..."


def fields_text(fields: Iterable[tuple[str, Any]]) -> str:
    """Return fields with their values, as a reason may repeat them: ``status is final, state is open``."""
    return ", ".join(refusal_text(RefusalText.FIELD_IS, field=name, value=echo(value)) for name, value in fields)


def is_non_finite(value: Any) -> bool:
    """Return whether the value is JSON's forbidden NaN or infinity."""
    return isinstance(value, NotFinite)


def as_text(value: Any) -> Any:
    """Return a whole number as the text that it is as an id; anything else as it is."""
    if isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int) else value
