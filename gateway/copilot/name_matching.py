"""Where a question's words are a name: whole, with a slip, or a whole part of it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.copilot.question import Question
from gateway.copilot.words import distance, means
from gateway.knowledge.folding import with_umlaut, words_of

_LONGEST_NAME = 4  # words
_SLIP_FROM = 6  # letters of an analyte's name, from which on one may be wrong


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Some words that follow each other; ``before``: the folded word before them."""

    text: str
    places: frozenset[int]
    words: int
    before: str

    @property
    def has_digit(self) -> bool:
        """Return whether there is a figure in it."""
        return any(character.isdigit() for character in self.text)

    def follows(self, cues: Sequence[str]) -> bool:
        """Return whether the word before says of what kind the name is."""
        return any(means(self.before, cue) for cue in cues)


def spans_of(question: Question) -> list[Span]:
    """Return all names that a question may hold, the longest first."""
    words = question.words
    return [
        Span(
            text=" ".join(word.written for word in words[at : at + length]),
            places=frozenset(word.at for word in words[at : at + length]),
            words=length,
            before=words[at - 1].folded if at else "",
        )
        for length in range(_LONGEST_NAME, 0, -1)
        for at in range(len(words) - length + 1)
    ]


def tokens_of(question: Question) -> list[tuple[str, int]]:
    """Return a question's folded words, parted at signs, with the place of the word that each is of."""
    return [(token, word.at) for word in question.words for token in words_of(word.written)]


def places_of(phrase: Sequence[str], tokens: Sequence[tuple[str, int]]) -> set[int]:
    """Return the places of a phrase; none where it is not there."""
    length = len(phrase)
    for at in range(len(tokens) - length + 1):
        part = tokens[at : at + length]
        if length and all(word in {token, with_umlaut(token)} for (token, _), word in zip(part, phrase, strict=True)):
            return {place for _, place in part}
    return set()


def slips_of(written: str, phrase: Sequence[str]) -> int | None:
    """Return by how many slips a word is an analyte's name, None where it is not; a figure is never a slip."""
    if len(phrase) != 1 or len(phrase[0]) < _SLIP_FROM:
        return None
    wanted, most = phrase[0], 2 if len(phrase[0]) > _SLIP_FROM + 2 else 1
    slips = min((distance(with_umlaut(token), wanted, most=most) for token in words_of(written)
                 if _figures(token) == _figures(wanted)), default=most + 1)  # fmt: skip
    return slips if slips <= most else None


def letters_before_figures(name: str) -> str:
    """Return how a name begins, up to its first figure: ``LOT-`` of LOT-7."""
    return next((name[:at] for at, character in enumerate(name) if character.isdigit()), name)


def _figures(word: str) -> str:
    return "".join(filter(str.isdigit, word))


def is_whole_part(part: str, name: str) -> bool:
    """Return whether a name has a part that no figure or letter goes on from, on either side."""
    at = name.find(part)
    while at >= 0:
        before, after = name[at - 1 : at], name[at + len(part) : at + len(part) + 1]
        if not _goes_on(before, part[0]) and not _goes_on(part[-1], after):
            return True
        at = name.find(part, at + 1)
    return False


def _goes_on(one: str, other: str) -> bool:
    return (one.isdigit() and other.isdigit()) or (one.isalpha() and other.isalpha())
