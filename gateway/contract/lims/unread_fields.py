"""Fields of a message that nothing reads: which of them could speak against a release, and which name a lot. Pure.

A name is taken apart into its words (``isOOS``, ``oos_flag`` and ``OOS-Flag`` have the same one), because nobody can
list every spelling. The answer is only that a person must look, or that a mapping must be corrected: a value is
never judged by a guess. ``[lims] ignore`` names the fields that do not matter.
"""

import re
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from gateway.contract.lims.comparators import NOT_UNDERSTOOD, comparator
from gateway.contract.lims.field_spellings import NEAR, NO, WELL
from gateway.contract.lims.field_words import (
    AFFIRMING,
    AGAINST,
    COMPARING,
    DOUBT,
    FLAGS,
    JUDGING,
    LIMITS,
    LISTED_RESULTS,
    MEASURABLE,
    NO_DOUBT,
    NO_LIMITS,
    NOT_JUDGING,
    OF_A_RESULT,
    OF_A_UNIT,
    RESULTS,
    SCALING,
    STANDING,
    UNITS,
    UPPER_END,
    result_words_of,
    words_of,
)
from gateway.contract.lims.names import folded, normalised, plainly_spoken
from gateway.contract.lims.qualitative import FAILED, LONGEST_TEXT
from gateway.contract.lims.qualitative import folded as folded_text
from gateway.contract.lims.statuses import FINAL, WITHDRAWN, status_of

_DEEPEST = 4  # levels of an unmapped field
_MOST_INSIDE = 5000  # fields and values that are looked at
_LONGEST_LIMIT = 64  # characters
_NUMBER = r"[+-]?(?:\d+(?:[.,]\d+)*|[.,]\d+)(?:[eE][+-]?\d{1,3})?"
_UNIT = r"\s?[^\d\s]{0,12}"
_LIMIT = re.compile(
    rf"(?P<before>[^\d+,-]{{0,24}}?)\s*(?P<number>{_NUMBER})(?P<unit>{_UNIT})(?P<after>\s[^\d]{{0,8}})?"
)
_TWO_NUMBERS = re.compile(rf"{_NUMBER}\s*(?:-|\.\.+|to|bis|a|à|tot|do)\s*{_NUMBER}.*", re.IGNORECASE)
# so plainly two limits that the field's name does not matter: 0 - 10, 6.5-7.5, 0 to 10
_PLAINLY_TWO = re.compile(
    rf"{_NUMBER}(?:\s+(?:-|to|bis|à|tot|do)\s+|\.\.+){_NUMBER}{_UNIT}|\d+[.,]\d+\s?-\s?\d+[.,]\d+{_UNIT}",
    re.IGNORECASE,
)
_DATE = re.compile(r"\s*(?:\d{4}-\d{2}(?:-\d{2})?\b|\d{1,2}[./]\d{1,2}[./]\d{2,4}\b)", re.ASCII)
_LIMIT_WORDS = frozenset({"max", "max.", "min", "min.", "maximum", "minimum", "maximal", "minimal", "maxi", "mini",
                          "maximaal", "maks", "maks.", "up to", "bis", "bis zu", "jusqu'à", "hasta", "fino a",
                          "tot", "do"})  # fmt: skip

_OF_A_FLAG = FLAGS.words | frozenset(
    {"result", "value", "test", "limit", "spec", "status", "lab", "qc", "is", "range", "quality", "data"}
)
_NORMAL = frozenset({"normal", "ok", "in range", "within range", "good", "gut", "normale", "goed", *NO})
_YES = frozenset({"y", "yes", "true", "t", "1", "ja", "oui", "si", "tak"})  # there is an alarm, or a doubt
_HARMLESS = (_NORMAL | WELL) - _YES
_ONE = frozenset({"1", "1.0", *NO})  # a factor that changes nothing; an exponent of 0
_OF_ORIGINAL = frozenset({"sample", "result", "test", "analysis"})
_EARLIER = frozenset({"original", "previous"})
_OF_A_TIME = frozenset({"time", "minutes", "hours", "days", "min", "h"})
_OF_A_DATE = frozenset({"date", "due", "interval", "period", "until", "datum", "fecha", "data"})
_SIDES = frozenset({"above", "below", "high", "low", "h", "l", "hh", "ll", "out", "outside", "exceeded"})
_SAID_AGAINST = frozenset(
    plainly_spoken(text)
    for text in (
        "oos", "oot", "ooc", "out of spec", "out of specification", "out of limit", "out of limits", "out of range",
        "out of trend", "out of tolerance", "reject", "retract", "cancel", "delete", "invalidate", "withdraw", "void",
        "retest", "resample", "reanalysis", "fail", "ng", "bad", "unsatisfactory", "unacceptable", "not acceptable",
        "not released", "do not release", "blocked", "non conform", "not conform", "result rejected", "nonconformance",
        "suspect", "questionable", "doubtful", "uncertain", "poor", "quarantine", "quarantined", "on hold", "not valid",
        "not approved", "disapproved", "contaminated", "above limit", "below limit", "above spec", "below spec",
        "gesperrt", "verweigert", "nicht freigegeben", "nicht valide",
        "fragwürdig", "außerhalb spezifikation",
        "bloqué", "non libéré", "refusé", "bloqueado", "no liberado", "bloccato", "non rilasciato",
        "rifiutato", "geblokkeerd", "niet vrijgegeven", "zablokowany", "zablokowane", "niezwolniony", "wstrzymany",
    )
)  # fmt: skip


def speaks_against(name: str, value: Any, *, has_status: bool) -> bool:
    """Return whether an unmapped field could speak against a release.

    ``has_status``: whether the message has a status that is read; another one counts only where it is a withdrawal.
    """
    if _by_name(name, value, has_status=has_status):
        return True
    inside = _inside(value)
    outer = name if isinstance(value, list) else ""
    return any(
        _says_against(content) or bool((inner or outer) and _by_nested_name(inner or outer, content))
        for inner, content in inside
    )


def _by_name(name: str, value: Any, *, has_status: bool) -> bool:
    speaks, words = NEAR.get(folded(name)), words_of(name)
    if speaks is not None:
        return speaks(value)
    if not NO_LIMITS.speaks_in(words) and (is_limit(value) if LIMITS.speaks_in(words) else _is_plainly_a_limit(value)):
        return True
    if _by_nested_name(name, value):
        return True
    if not STANDING.speaks_in(words) or NOT_JUDGING.speaks_in(words):
        return False
    status = status_of(value)
    return status in WITHDRAWN if has_status else status not in FINAL


def _by_nested_name(name: str, value: Any) -> bool:
    """Return whether a name asks for a person by its value, wherever in a message it stands."""
    words, word = words_of(name), _word_of(value)
    if word is None:
        return False
    for is_one, harmless in _UNLESS:
        if is_one(name, words):
            return word not in harmless and not (harmless is WELL and isinstance(value, str) and _is_time(value))
    if LIMITS.speaks_in(words) and word in _SIDES:
        return True
    if not NOT_JUDGING.speaks_in(words) and AFFIRMING.speaks_in(words) and word in NO:
        return True
    if DOUBT.speaks_in(words) and not NO_DOUBT.speaks_in(words):
        return word == "true" or (isinstance(value, str) and not is_limit(value) and word not in _HARMLESS)
    return _compares(words, value)


def _is_time(text: str) -> bool:
    """Return whether a text is a date or a time: until when something is valid is no judgement."""
    return len(text) <= _LONGEST_LIMIT and _DATE.match(text) is not None


def _compares(words: frozenset[str], value: Any) -> bool:
    """Return whether a text is a comparator: a sign under any name, a word for one under such a name."""
    if not isinstance(value, str):
        return False
    sign = normalised(value)
    if comparator(sign):
        return COMPARING.speaks_in(words) or not any(character.isalpha() for character in sign)
    return sign.casefold() in NOT_UNDERSTOOD and not any(character.isalpha() for character in sign)


def _is_outside(name: str, words: frozenset[str]) -> bool:
    if words & _OF_A_DATE and not words & {"deleted", "at", "on"}:
        return False  # the date of a retest is one of the material's dates
    if words & _OF_A_TIME:
        words -= {"hold"}  # how long something is held
    return AGAINST.speaks_in(words) or any(part in folded(name) for part in ("outof", "overrange", "offscale"))


# which names say something by what they do not say: the first that fits, and what of such a field is no reason
_UNLESS: tuple[tuple[Callable[[str, frozenset[str]], bool], frozenset[str]], ...] = (
    (_is_outside, NO),
    (lambda _name, words: bool(words & _EARLIER) and (words <= _EARLIER or bool(words & _OF_ORIGINAL)), NO),
    (lambda _name, words: JUDGING.speaks_in(words) and not NOT_JUDGING.speaks_in(words), WELL),
    (lambda _name, words: "in" in words and bool(words & {"spec", "specification", "limits", "range"}), WELL),
    (lambda _name, words: bool(words & FLAGS.words) and words <= _OF_A_FLAG, _HARMLESS),
    (lambda _name, words: SCALING.speaks_in(words), _ONE),
)


def is_limit(value: Any) -> bool:
    """Return whether a value is a limit, limits, or something that has some in it."""
    if isinstance(value, str):
        text = normalised(value[:_LONGEST_LIMIT])
        return _one_limit(text) is not None or _TWO_NUMBERS.fullmatch(text) is not None
    return not isinstance(value, bool) and isinstance(value, int | float | list | Mapping)


def _one_limit(text: str) -> str | None:
    """Return what stands before the one number in a text (``<=``, ``max.``, nothing), or None where it is no limit."""
    match = _LIMIT.fullmatch(text)
    if match is None:
        return None
    limit_word = (match["before"].strip() or (match["after"] or "").strip()).casefold()
    return limit_word if not limit_word or comparator(limit_word) or limit_word in _LIMIT_WORDS else None


def _is_plainly_a_limit(value: Any) -> bool:
    """Return whether a text is a limit whatever its field is called: ``<= 10``, ``NMT 10``, ``0 - 10``."""
    if not isinstance(value, str) or len(value) > _LONGEST_LIMIT:
        return False
    text = normalised(value)
    return bool(_one_limit(text)) or _PLAINLY_TWO.fullmatch(text) is not None


def _says_against(value: Any) -> bool:
    """Return whether a text is one that says a failure or a withdrawal, whatever its field is called."""
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        return False
    return plainly_spoken(value) in _SAID_AGAINST or folded_text(value) in FAILED or status_of(value) in WITHDRAWN


def _word_of(value: Any) -> str | None:
    if isinstance(value, str):
        return plainly_spoken(value)
    return str(value).casefold() if isinstance(value, bool | int | float) else None


def _inside(value: Any) -> list[tuple[str, Any]]:
    """Return (name, value) of everything in a value that is no list and no object; without a name its own."""
    fields, waiting = list[tuple[str, Any]](), deque([("", value, 0)])
    while waiting and len(fields) < _MOST_INSIDE:
        name, content, depth = waiting.popleft()
        if isinstance(content, Mapping) and depth < _DEEPEST:
            waiting += [(str(inner), within, depth + 1) for inner, within in content.items()]
        elif isinstance(content, list) and depth < _DEEPEST:
            waiting += [(name, within, depth + 1) for within in content]
        else:
            fields.append((name, content))
    return fields


def other_values(name: str, value: Any) -> list[Any]:
    """Return what an unmapped field says as a value of the result, by its name; else nothing.

    ``numeric_result``, ``Messwert``, ``values``: numbers and texts; how many determinations there were is none.
    """
    words = result_words_of(name)
    if not words <= OF_A_RESULT:
        return []
    if isinstance(value, list) and (LISTED_RESULTS.speaks_in(words) or RESULTS.speaks_in(words)):
        return [inner for item in value for inner in (_values_in(item) if isinstance(item, Mapping) else [item])]
    if isinstance(value, Mapping):
        return _values_in(value)
    several = isinstance(value, str) and LISTED_RESULTS.speaks_in(words) and not is_limit(value)
    return [value] if several or RESULTS.speaks_in(words) or words > {"text"} else []


def _values_in(document: Mapping[str, Any]) -> list[Any]:
    return [value for name, value in document.items()
            if RESULTS.speaks_in(words := result_words_of(name)) and words <= OF_A_RESULT]  # fmt: skip


def named_within(document: Mapping[str, Any], name: str) -> Any:
    """Return what the outermost field of that name says, or None where there is none."""
    waiting = deque([(document, 0)])
    for _ in range(_MOST_INSIDE):
        if not waiting:
            break
        level, depth = waiting.popleft()
        if name in level:
            return level[name]
        if depth < _DEEPEST:
            inner = (
                content for value in level.values() for content in (value if isinstance(value, list) else (value,))
            )
            waiting += [(content, depth + 1) for content in inner if isinstance(content, Mapping)]
    return None


def is_unit(name: str) -> bool:
    """Return whether a field is called like the unit of the value, in any language."""
    words = words_of(name)
    return UNITS.speaks_in(words) and words <= OF_A_UNIT


def is_upper_end(name: str) -> bool:
    """Return whether a field is called like the upper end of what can be measured, such as ``ULOQ``."""
    words = words_of(name)
    return UPPER_END.speaks_in(words) and MEASURABLE.speaks_in(words)
