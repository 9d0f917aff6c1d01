"""Fields of a message that nothing reads: which of them could speak against a release, and which name a lot. Pure.

A name is taken apart into its words (``isOOS``, ``oos_flag`` and ``OOS-Flag`` have the same one), because nobody can
list every spelling. What is told here is only that a person must look, or that a mapping must be mended: a value is
never judged by a guess. ``[lims] ignore`` names the fields that do not matter.
"""

import re
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any

from gateway.contract.field_spellings import NEAR, NO, WELL
from gateway.contract.lab_values import written_value
from gateway.contract.names import folded, spoken
from gateway.contract.qualitative import FAILED
from gateway.contract.qualitative import folded as folded_text
from gateway.contract.statuses import FINAL, WITHDRAWN, status_of

_DEEPEST = 4  # levels of a field that nothing reads
_MOST_INSIDE = 5000  # fields and values that are looked at
_LONGEST_LIMIT = 64  # characters
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[^\W\dA-Z_]+|[A-Z]+")
_TWO_NUMBERS = re.compile(r"[+-]?[\d.,]+\s*(?:-|\u2013|\.\.+|to|bis)\s*[+-]?[\d.,]+.*", re.IGNORECASE)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_LIMITS = _set(
    "upper lower usl lsl ucl lcl ul ll max min maximum minimum hi lo high low limit limits tolerance bound bounds spec "
    "specification acceptance criteria"
)
_NO_LIMITS = _set(
    "detection quantification quantitation determination reporting lod loq id uid uuid version revision name code time "
    "times duration date temperature count number no decimals digits holding"
)
_AGAINST = _set(
    "cancelled canceled rejected deleted voided invalid invalidated retracted withdrawn superseded oos oot ooc fail "
    "failed failure nok exceeded exceeds violation violated retest retested resample resampled reanalysis reanalysed "
    "reanalyzed rerun repeat repeated replaces supersedes corrects amended amendment"
)
_JUDGING = _set(
    "conform conforms conforming conformity conformance compliant compliance verdict conclusion decision disposition "
    "evaluation eval judgement judgment assessment validity outcome passed pass valid within"
)
_NOT_JUDGING = _set("rule date at by on id time comment name user person role method")
_STANDING = _set("active current reportable latest valid")
_FLAGS = _set("flag flags abnormal alarm")
_OF_A_FLAG = _FLAGS | _set("result value test limit spec status lab qc is range")
_NORMAL = frozenset({"n", "normal", "ok", "in range", "within range", "no", "none", "0", "false"})
_OF_ORIGINAL = _set("sample result test analysis")
_SIDES = frozenset({"above", "below", "high", "low", "h", "l", "hh", "ll", "out", "outside", "exceeded"})
_SAID_AGAINST = frozenset(
    {"oos", "oot", "ooc", "out of spec", "out of specification", "out of limit", "out of limits", "out of range",
     "out of trend", "out of tolerance", "reject", "retract", "cancel", "delete", "invalidate", "withdraw", "void",
     "retest", "resample", "reanalysis", "fail", "ng", "bad", "unsatisfactory", "unacceptable", "not acceptable",
     "not released", "do not release", "blocked", "non conform", "not conform", "result rejected", "nonconformance"}
)  # fmt: skip

_LOT = _set("lot lots batch batches sublot sublots charge chargen charges los lote lotes partida")
_SEVERAL = _set("lots batches sublots chargen charges composite composites pooled")
_NAMES_IT = _set("id ids no nr nbr num number numbers nummer name label key code ref reference")
_OF_A_LOT = _LOT | _set(
    "material materials production product prod manufacturing mfg process finished goods good bulk nr nbr num no "
    "number numbers nummer id ids code ref reference name label key sample samples internal plant our fg fp other "
    "others all composite composites pooled of from data meta metadata info result header context order details body "
    "payload item attributes properties fields"
)


def speaks_against(name: str, value: Any, *, has_status: bool) -> bool:
    """Return whether a field that nothing reads could speak against a release.

    ``has_status``: whether the message has a status that is read; another one counts only where it is a withdrawal.
    """
    if _by_name(name, value, has_status=has_status):
        return True
    inside = _inside(value)
    return any(_says_against(each) or (inner != "" and _by_nested_name(inner, each)) for inner, each in inside)


def _by_name(name: str, value: Any, *, has_status: bool) -> bool:
    speaks, words = NEAR.get(folded(name)), _words(name)
    if speaks is not None:
        return speaks(value)
    if words & _LIMITS and not words & _NO_LIMITS and is_limit(value):
        return True
    if _by_nested_name(name, value):
        return True
    if not folded(name).endswith(("status", "state")):
        return False
    status = status_of(value)
    return status in WITHDRAWN if has_status else status not in FINAL


def _by_nested_name(name: str, value: Any) -> bool:
    """Return whether a name asks for a person by its value, wherever in a message it stands."""
    words, said = _words(name), _said(value)
    if said is None:
        return False
    allowed = [well for is_one, well in _UNLESS if is_one(name, words)]
    if allowed:
        return said not in allowed[0]
    return (bool(words & _STANDING) and said in NO) or (bool(words & _LIMITS) and said in _SIDES)


# which names say something by what they do not say: the first that fits, and what of such a field is no reason
_UNLESS: tuple[tuple[Callable[[str, frozenset[str]], bool], frozenset[str]], ...] = (
    (lambda name, words: bool(words & _AGAINST) or "outof" in folded(name), NO),
    (lambda _name, words: "original" in words and bool(words & _OF_ORIGINAL), NO),
    (lambda _name, words: bool(words & _JUDGING) and not words & _NOT_JUDGING, WELL),
    (lambda _name, words: "in" in words and bool(words & {"spec", "specification", "limits"}), WELL),
    (lambda _name, words: bool(words & _FLAGS) and words <= _OF_A_FLAG, _NORMAL | WELL),
)


def is_limit(value: Any) -> bool:
    """Return whether a value is a limit, limits, or something that has some in it."""
    if isinstance(value, str):
        value = value[:_LONGEST_LIMIT]
        written = written_value(value)
        return (written is not None and not written.words) or _TWO_NUMBERS.fullmatch(value.strip()) is not None
    return not isinstance(value, bool) and isinstance(value, int | float | list | Mapping)


def _says_against(value: Any) -> bool:
    """Return whether a text is one that says a failure or a withdrawal, whatever its field is called."""
    if not isinstance(value, str):
        return False
    return spoken(value) in _SAID_AGAINST or folded_text(value) in FAILED or status_of(value) in WITHDRAWN


def _said(value: Any) -> str | None:
    if isinstance(value, str):
        return spoken(value)
    return str(value).casefold() if isinstance(value, bool | int | float) else None


def _inside(value: Any) -> list[tuple[str, Any]]:
    """Return (name, value) of everything in a value that is no list and no object; without a name its own."""
    found, waiting = list[tuple[str, Any]](), deque([("", value, 0)])
    while waiting and len(found) < _MOST_INSIDE:
        name, each, depth = waiting.popleft()
        if isinstance(each, Mapping) and depth < _DEEPEST:
            waiting += [(str(inner), within, depth + 1) for inner, within in each.items()]
        elif isinstance(each, list) and depth < _DEEPEST:
            waiting += [(name, within, depth + 1) for within in each]
        else:
            found.append((name, each))
    return found


@lru_cache(maxsize=4096)
def _words(name: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in _WORD.findall(name))


def lots_nobody_reads(
    document: Mapping[str, Any], *, named: bool, ignore: Collection[str]
) -> Iterator[tuple[str, Any]]:
    """Yield (path, value) of each field that is called like the lot of a product and is no spelling that is read.

    Args:
        document: the laboratory's message.
        named: whether the message names a lot already; then only what names several counts, as of a composite.
        ignore: folded names of fields that a person has said do not matter.
    """
    waiting = deque((name, value, _words(name), 0) for name, value in document.items())
    for _ in range(_MOST_INSIDE):
        if not waiting:
            return
        path, value, words, depth = waiting.popleft()
        outer, _, inner_name = path.rpartition(".")
        last = _words(inner_name)
        if folded(path) in ignore or not words <= _OF_A_LOT:
            continue
        if isinstance(value, Mapping) and depth < _DEEPEST:
            waiting += [(f"{path}.{inner}", each, words | _words(inner), depth + 1) for inner, each in value.items()]
        elif _is_lot(last, _words(outer)) and (words & _SEVERAL or not named) and _names_something(value):
            yield path, value


def _is_lot(last: frozenset[str], outer: frozenset[str]) -> bool:
    return bool(last & _LOT) or bool(outer & _LOT and last <= _NAMES_IT) or bool(last & _SEVERAL)


def _names_something(value: Any) -> bool:
    if isinstance(value, list):
        return any(_names_something(each) for each in value)
    return isinstance(value, str | int) and not isinstance(value, bool)
