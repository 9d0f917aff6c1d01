"""A question as it was asked: its words, and in which language. Pure."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.copilot.vocabulary import vocabulary
from gateway.knowledge.folding import folded, words_of

LONGEST_QUESTION = 500  # characters; longer ones are refused, and it is said so
_MOST_WORDS = 60
_QUOTED = re.compile(
    r"[\"\u201c\u201d\u201e\u00ab\u00bb]([^\"\u201c\u201d\u201e\u00ab\u00bb]{1,80})[\"\u201c\u201d\u201e\u00ab\u00bb]"
)
_OWNERS = re.compile(r"(?<=\d)['\u2019]s$")  # of a name: LOT-7's
_EDGES = ".,;:!?()[]{}'\u2019\u2026"


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """One word as it was written, without signs at its ends; ``folded`` of it; ``at``: its place."""

    written: str
    folded: str
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A question; ``quoted``: what stands in quotes, word for word. ``language``: en or de."""

    text: str
    words: tuple[Word, ...]
    quoted: tuple[str, ...]
    language: str


def asked(text: str, *, otherwise: str) -> Question:
    """Return a question; ``otherwise``: the language where the words do not say which."""
    plain = "".join(" " if unicodedata.category(character)[0] == "C" else character for character in text)
    written = [_OWNERS.sub("", part.strip(_EDGES + '"\u201c\u201d\u201e\u00ab\u00bb')) for part in plain.split()]
    words = tuple(
        Word(written=part, folded=folded(part), at=at) for at, part in enumerate(part for part in written if part)
    )[:_MOST_WORDS]
    return Question(
        text=plain.strip(),
        words=words,
        quoted=tuple(part.strip() for part in _QUOTED.findall(plain) if part.strip()),
        language=_language(words, otherwise),
    )


def _language(words: Iterable[Word], otherwise: str) -> str:
    named = (word for word in words if not any(map(str.isdigit, word.written)))  # LOT-7 is a name, and no English
    parts = [part for word in named for part in words_of(word.written)]
    german = sum(part in vocabulary("german") for part in parts) + sum(
        any(sign in word.written for sign in "äöüßÄÖÜ") for word in words
    )
    english = sum(part in vocabulary("english") for part in parts)
    if german == english:
        return otherwise
    return "de" if german > english else "en"
