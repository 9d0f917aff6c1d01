"""Results in words: when two texts are the same, and the few words that mean the same in every laboratory. Pure.

A text is compared as a whole: "not detected" holds "detected", and "absent in 1 g" is not "absent in 25 g". So whatever
is in no list is for a person.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping

from gateway.contract.lims.names import normalised
from gateway.contract.refusals import RefusalText, refusal_text

LONGEST_TEXT = 256
MOST_TEXTS = 100
_NUMBER = re.compile(
    r"[<>=\u2264\u2265~\u2248\u00b1]*\s*[+-]?[\d.,' ]*\d[\d.,' ]*(\s*[e\u00d7x*^]\s*[\d^+-]*)?", re.IGNORECASE
)

_BETWEEN_WORDS = re.compile(r"(?<=[^\W\d_])[-_\u2010\u2011\u2013](?=[^\W\d_])")
_AMOUNT = r"(?P<size>\d{1,5}(?:[.,]\d{1,3})?) ?(?P<measure>g|kg|ml|l)"
_SAMPLE = re.compile(rf"(?P<text>.{{1,200}}?) ?(?:\b(?:in|per|pro|je|dans|en) |/) ?{_AMOUNT}")
_PER_SAMPLE = re.compile(rf"/ ?{_AMOUNT}$")


def folded(text: str) -> str:
    """Return a text as it is compared: compatible signs, small letters, one space or hyphen between words."""
    return _BETWEEN_WORDS.sub(" ", normalised(unicodedata.normalize("NFKC", text)).casefold())


def without_sample(text: str) -> tuple[str, str | None]:
    """Return (a folded text without its sample, the sample): ``absent in 25 g`` is ``absent`` and ``25g``."""
    match = _SAMPLE.fullmatch(text)
    return (text, None) if match is None else (match["text"], _amount(match))


def sample_of(unit: str | None) -> str | None:
    """Return the amount of the sample that a unit counts by, such as ``25g`` of ``CFU/25 g``, or None."""
    match = None if unit is None else _PER_SAMPLE.search(folded(unit))
    return None if match is None else _amount(match)


def _amount(match: re.Match[str]) -> str:
    return match["size"].replace(",", ".") + match["measure"]


def is_number(text: str) -> bool:
    """Return whether a text is a number or a limit such as ``<10``, whatever marks it is written with."""
    return _NUMBER.fullmatch(folded(text)) is not None or folded(text).startswith(("<", ">", "\u2264", "\u2265"))


def flattened(stated: object) -> tuple[str, ...] | None:
    """Return the texts of a list, or of a table of lists by language, without repeats; None where it is neither.

    Texts in every language count: a laboratory writes in one of them, and nobody need say in which.
    """
    lists = list(stated.values()) if isinstance(stated, Mapping) else [stated]
    texts: list[str] = []
    for within in lists:
        if not isinstance(within, list | tuple):
            return None
        texts += within
    if not all(isinstance(text, str) and len(text) <= LONGEST_TEXT for text in texts) or len(texts) > MOST_TEXTS:
        return None
    return tuple(dict.fromkeys(normalised(text) for text in texts))


def list_problem(accepts: Iterable[str], rejects: Iterable[str]) -> str | None:
    """Return what is wrong with the lists of a specification, or None."""
    accepted, rejected = {folded(text): text for text in accepts}, {folded(text): text for text in rejects}
    for text in (*accepted.values(), *rejected.values()):
        if not folded(text):
            return refusal_text(RefusalText.LISTED_TEXT_EMPTY)
        if is_number(text):
            return refusal_text(RefusalText.LISTED_TEXT_IS_NUMBER, text=repr(text))
    for key, text in accepted.items():
        if key in rejected:
            return refusal_text(RefusalText.LISTED_TWICE, text=repr(text))
        if key in FAILED:
            return refusal_text(RefusalText.LISTED_TEXT_SAYS_FAILED, text=repr(text))
    return None


def _words(*texts: str) -> frozenset[str]:
    return frozenset(folded(text) for text in texts)


FAILED = _words(
    "fail", "failed", "fails", "failure", "not ok", "nok", "n.o.k.", "oos", "out of specification", "does not comply",
    "not compliant", "non-compliant", "noncompliant", "does not conform", "nonconforming", "non-conforming",
    "nicht bestanden", "nicht in ordnung", "n.i.o.", "nio", "nicht i.o.", "nicht konform", "durchgefallen",
    "entspricht nicht", "nicht erfüllt", "außerhalb der spezifikation", "außerhalb spezifikation",
    "non conforme", "non conforme aux exigences", "ne répond pas", "hors spécification", "hors spécifications",
    "hors spec", "non satisfaisant", "échec",
    "no cumple", "no conforme", "no apto", "no satisfactorio", "fuera de especificación", "fuera de especificaciones",
    "niet goed", "afgekeurd", "niet conform", "voldoet niet", "niet akkoord", "buiten specificatie",
    "non idoneo", "non superato", "fuori specifica", "fuori specifiche",
    "niezgodny", "niezgodne", "niezgodna", "nie spełnia", "nie spełnia wymagań", "poza specyfikacją",
)  # fmt: skip
# more colonies than can be counted: above any upper limit that a count can be held against
UNCOUNTABLE = _words(
    "tntc", "t.n.t.c.", "too numerous to count", "uncountable", "too many to count", "zu zahlreich",
    "zu viele zum z\u00e4hlen", "nicht ausz\u00e4hlbar", "nicht z\u00e4hlbar", "innombrables", "ind\u00e9nombrable",
    "incontable", "incontables",
)  # fmt: skip
