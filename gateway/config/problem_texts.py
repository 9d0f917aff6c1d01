"""What is wrong with a value in the configuration file, in the file's own words instead of pydantic's."""

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from gateway.config.connection_tables import SECURITY, TOPIC_ROOT
from gateway.config.forms import FORMS

_FORMS = {
    **FORMS,
    SECURITY: '"None", or a policy and a mode such as "Basic256Sha256/SignAndEncrypt"',
    TOPIC_ROOT: "a root of topics, without + and #",
}
_WHOLE_NUMBER, _TABLE, _TWO_VALUES = "must be a whole number", "must be a table", "must be a list of two values"
_DAY = "must be a day of the calendar such as 2026-12-24"
_WITHOUT_THE_VALUE = {
    "missing": "is missing",
    "extra_forbidden": "is no key that Labline knows",
    "too_short": "needs at least {min_length} values",
    "too_long": "may have at most {max_length} values",
}
_BRACKETS: Mapping[tuple[str, type[object]], str] = {
    ("list_type", dict): "must be written with two brackets: [[{table}]]",
    ("model_type", list): "must be written with one bracket: [{table}]",
}
_TEXTS = {  # by pydantic's type of error; {ge} and others are the limit, as pydantic calls it
    "string_type": "must be a text in quotes",
    "path_type": "must be a path in quotes",
    "int_type": _WHOLE_NUMBER,
    "int_parsing": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER,
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "date_type": _DAY,
    "date_parsing": _DAY,
    "date_from_datetime_parsing": _DAY,
    "date_from_datetime_inexact": _DAY,
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list in [ ]",
    "dict_type": _TABLE,
    "model_type": _TABLE,
    "model_attributes_type": _TABLE,
    "tuple_type": _TWO_VALUES,
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
}
_OF_A_CHOICE = ("literal[", "function-after[", "function-before[", "function-wrap[")  # pydantic's names of alternatives
_LONGEST_SHOWN = 60  # characters of a value that is shown


def of_the_file(errors: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return pydantic's errors without what it says of alternatives that were not meant.

    A key that takes a word or a table has an error for each; a person meant the one that they have written.
    """
    return [
        {**error, "loc": tuple(part for part in error["loc"] if part != "[key]" and not _is_choice(part))}
        for error in errors
        if not any(_is_choice(part) for part in error["loc"]) or _is_meant(error)
    ]


def _is_choice(part: object) -> bool:
    return isinstance(part, str) and part.startswith(_OF_A_CHOICE)


def _is_meant(error: Mapping[str, Any]) -> bool:
    """Return whether an error is about the alternative that was written: a table where it is one, else the word."""
    if not _is_choice(error["loc"][-1]):
        return True  # within the table
    of_the_word, is_a_table = error["type"] == "literal_error", isinstance(error["input"], dict)
    return of_the_word is not is_a_table


def text_of(error: Mapping[str, Any], *, in_seconds: bool) -> str:
    """Return the sentence about a value; ``in_seconds``: whether it is a duration, whose limits are in seconds."""
    kind, value = error["type"], error["input"]
    limits = {name: f"{limit:g}" if isinstance(limit, float) else limit for name, limit in error.get("ctx", {}).items()}
    if kind == "string_too_short" and limits["min_length"] == 1:
        return "must not be empty"
    if kind in _WITHOUT_THE_VALUE:
        return _WITHOUT_THE_VALUE[kind].format(**limits)
    if kind == "string_pattern_mismatch":
        return f"{_shown(value)} is not {_FORMS.get(limits['pattern'], 'written in the right form')}"
    if (kind, type(value)) in _BRACKETS:
        return _BRACKETS[kind, type(value)].format(table=".".join(map(str, error["loc"])))
    if kind not in _TEXTS:
        return str(error["msg"]).removeprefix("Value error, ")
    unit = " s" if in_seconds and kind.startswith(("greater", "less")) else ""
    return f"{_TEXTS[kind].format(**limits)}{unit}, not {_shown(value)}{unit}".replace("'", '"')


def _shown(value: Any) -> str:
    """Return a value much as the file writes it."""
    if isinstance(value, datetime | date | time | Path):
        return str(value)
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, float):
        return f"{value:g}"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
