"""Says a sentence that is on record in another language: by its template, whose values are taken out of the sentence.

A record keeps the sentence that people read when it was made, in the plant's language, with its code and parameters.
Where a template of that code says exactly this sentence, the same template of the other language is filled with the
same values: every name, number and unit is one of the sentence. Where none does, the sentence stands as it is.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from string import Formatter
from types import MappingProxyType
from typing import Any

from gateway.texts.catalogue import ENGLISH, catalogue, languages, number_style

# parts of sentences: what a value of a sentence may be made of
_PHRASES = frozenset(
    {"lab_phrase", "abstention_phrase", "advice_phrase", "cause_phrase", "series_state", "conformity", "open_point",
     "trend_sentence", "trend_rule"}
)  # fmt: skip
_LONGEST = 2000
_NOTHING: Mapping[str, str] = MappingProxyType({})
_Key = tuple[str, str, str]  # group, code and variant
_DEEPEST = 3
_LETTERS_OF_A_PHRASE = 8  # with fewer a name could be taken for one
_WORD = re.compile(r"[^\W\d_]{2,}")


def in_language(name: str, code: str, parameters: Mapping[str, Any], sentence: str) -> str:
    """Return a sentence of a code in a language; as it stands where no template of the code says it.

    Args:
        name: of the language, ``de``.
        code: of the reason.
        parameters: as they are on record; what is a text in them is not changed.
        sentence: as it is on record.
    """
    return _translation(name, _keys_of(code), parameters, sentence)


def in_language_of_group(name: str, group: str, sentence: str) -> str:
    """Return a sentence of which only the group is known in a language."""
    return _translation(name, _keys_of_group(group), {}, sentence)


def _translation(name: str, keys: tuple[_Key, ...], parameters: Mapping[str, Any], sentence: str) -> str:
    known = tuple(sorted({value for value in texts_in(parameters) if value}, key=len, reverse=True))
    if len(sentence) > _LONGEST or any(_values(name, key, known, sentence) is not None for key in keys):
        return sentence
    others = sorted(languages() - {name})
    own = {field: value for field, value in parameters.items() if isinstance(value, str)}
    for exactly in (own, {}):  # a template by which every value is the one on record goes before others
        for other in others:
            for key in keys:
                translated = _translated(name, other, key, known, sentence, exactly=exactly)
                if translated is not None:
                    return translated
    return sentence


def _translated(
    name: str,
    other: str,
    key: _Key,
    known: tuple[str, ...],
    sentence: str,
    *,
    depth: int = 0,
    exactly: Mapping[str, str] = _NOTHING,
) -> str | None:
    """Return what a template says in a language of a sentence in another one; None where it does not say it."""
    values = _values(other, key, known, sentence)
    template = _form(name, *key)
    if values is None or template is None or any(values[field] != exactly[field] for field in values.keys() & exactly):
        return None
    if not {field for _literal, field in _parts(template) if field} <= set(values):
        return None
    filled = {field: _value(name, other, value, known, depth) for field, value in values.items()}
    return "".join(literal + (filled[field] if field else "") for literal, field in _parts(template))


def _value(name: str, other: str, value: str, known: tuple[str, ...], depth: int) -> str:
    """Return a value of a sentence: a name as it is, a number as the language writes it, a part of a sentence in it."""
    if value in known:
        return value
    if depth < _DEEPEST and _WORD.search(value):
        for key in _phrases():
            translated = _translated(name, other, key, known, value, depth=depth + 1)
            if translated is not None:
                return translated
    return _with_numbers(name, other, value)


def _with_numbers(name: str, other: str, value: str) -> str:
    own, theirs = number_style(catalogue(name)), number_style(catalogue(other))
    if own == theirs:
        return value
    mark = re.escape(theirs.decimal_mark)
    value = re.sub(rf"(?<![\w.,])(\d+){mark}(\d+)(?![\d.,]\d)", rf"\g<1>{own.decimal_mark}\g<2>", value)
    return re.sub(rf"(?<=\d){re.escape(theirs.percent_sign)}", own.percent_sign, value)


def _values(name: str, key: _Key, known: tuple[str, ...], sentence: str) -> dict[str, str] | None:
    """Return the values by which a template of a language says a sentence, None where it does not.

    It is read once from left to right, so that no sentence takes long, whatever somebody has written into it.
    """
    template = _form(name, *key)
    literals = () if template is None else _literals(template)
    if template is None or not literals or not all(literal in sentence for literal in literals):
        return None
    values: dict[str, str] = {}
    parts, at = _parts(template), 0
    for number, (literal, field) in enumerate(parts):
        if not sentence.startswith(literal, at):
            return None
        at += len(literal)
        if field:
            rest = [text for text, _field in parts[number + 1 :] if text]  # of fields side by side the first has all
            is_last = not rest or (len(rest) == 1 and not parts[-1][1])
            value = _next(sentence, at, rest[0] if rest else "", known, is_last=is_last)
            if values.setdefault(field, value) != value:
                return None
            at += len(value)
    return values if at == len(sentence) else None


def _next(sentence: str, at: int, behind: str, known: tuple[str, ...], *, is_last: bool) -> str:
    """Return the value that begins at a place: a known text before what stands behind it, else all up to there."""
    for value in known:
        end = at + len(value)
        follows = sentence[end:] == behind if is_last else sentence.startswith(behind, end)
        if follows and sentence.startswith(value, at):
            return value
    end = len(sentence) - len(behind) if is_last else sentence.find(behind, at + 1) if behind else len(sentence)
    return sentence[at : max(at, end)]


@cache
def _literals(template: str) -> tuple[str, ...]:
    """Return the words that a template has of its own; none of one that says nothing by itself."""
    literals = tuple(literal for literal, _field in _parts(template) if literal)
    return literals if _WORD.search("".join(literals)) else ()


def _form(name: str, group: str, code: str, variant: str) -> str | None:
    entry = catalogue(name).get((group, code))
    if isinstance(entry, dict):
        return entry.get(variant)
    if isinstance(entry, list):
        return entry[int(variant)] if variant.isdecimal() and int(variant) < len(entry) else None
    return entry if isinstance(entry, str) and not variant else None


@cache
def _parts(template: str) -> tuple[tuple[str, str], ...]:
    """Return the text of a template with the names of its fields, one behind each text."""
    return tuple((literal, field or "") for literal, field, _how, _conversion in Formatter().parse(template))


@cache
def _keys_of(code: str) -> tuple[_Key, ...]:
    return tuple(key for key in _all_keys() if key[1] == code)


@cache
def _keys_of_group(group: str) -> tuple[_Key, ...]:
    return tuple(key for key in _all_keys() if key[0] == group)


@cache
def _phrases() -> tuple[_Key, ...]:
    return tuple(key for key in _all_keys() if key[0] in _PHRASES and _size(key) >= _LETTERS_OF_A_PHRASE)


@cache
def _all_keys() -> tuple[_Key, ...]:
    """Return group, code and variant of every sentence that there is."""
    keys: list[_Key] = []
    for (group, code), entry in catalogue(ENGLISH).items():
        wordings = tuple(map(str, range(len(entry)))) if isinstance(entry, list) else ("",)
        variants = tuple(entry) if isinstance(entry, dict) else wordings
        keys += [(group, code, variant) for variant in variants]
    return tuple(sorted(keys, key=_size, reverse=True))  # the fullest first


def _size(key: _Key) -> int:
    """Return how many letters of its own a template has."""
    return sum(map(str.isalpha, "".join(_literals(_form(ENGLISH, *key) or ""))))


def texts_in(value: object) -> Iterator[str]:
    """Yield every text in a parameter, whatever it is made of."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts_in(item)
