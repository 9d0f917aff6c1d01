"""Whether a model's text says what the computed answer says, and nothing else. Pure.

Both are taken apart into words, numbers and signs. The model's must be the computed ones in the same order, each
written as it was: a number, a name, a unit, a date, a verdict or a negation that is changed, added, left out or
exchanged with another is seen. Free are only the words of ``words.toml``, the capital that a sentence begins with, and
commas. So an order in the text, a link or another language cannot come through either: it is made of other words.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from gateway.texts.catalogue import catalogue

_TOKEN = re.compile(r"[^\W_](?:[\w.,:/'\u2019-]*[^\W_])?|\S")
_PLACEHOLDER = re.compile(r"{[^}]*}")
_WORD = re.compile(r"[^\W\d_]+")
_BREAKS, _COMMA = frozenset(".;:"), ","
_MOST_ADDED, _MOST_IN_A_ROW = 0.6, 3
_LONGEST_TIMES, _LONGEST_MORE = 2, 100  # characters
_SHORTEST_CAPITALISED = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class _Token:
    """A word, number or sign; ``after_break``: . ; or : stand before it; ``after_comma``: at least a comma does."""

    text: str
    after_break: bool
    after_comma: bool
    begins: bool  # a sentence


@dataclass(frozen=True, kw_only=True)
class _Words:
    """What may differ, in one language; ``of_sentences``: words of our texts, whose first letter may be a capital."""

    added: frozenset[str]
    left_out: frozenset[str]
    same: Mapping[str, str]
    joins: frozenset[str]
    conjunctions: frozenset[str]
    negations: frozenset[str]
    of_sentences: frozenset[str]


@cache
def _words(language: str) -> _Words:
    row = tomllib.loads(files("gateway.copilot.phrasing").joinpath("words.toml").read_text(encoding="utf-8"))[language]
    texts = catalogue(language)
    of_sentences = {
        word.casefold()
        for (group, _code), entry in texts.items()
        if group == "copilot"
        for template in (entry.values() if isinstance(entry, dict) else [str(entry)])
        for word in _WORD.findall(_PLACEHOLDER.sub(" ", str(template)))
    }
    return _Words(
        added=frozenset(row["added"].split()),
        left_out=frozenset(row["left_out"].split()),
        same={word: group[0] for group in row["same"] for word in group},
        joins=frozenset(row["joins"].split()),
        conjunctions=frozenset(row["conjunctions"].split()),
        negations=frozenset(row["negations"].split()),
        of_sentences=frozenset(of_sentences | set(row["added"].split())),
    )


def says_the_same(computed: str, phrased: str, *, language: str, names: Iterable[str] = ()) -> bool:
    """Return whether a model's text says what the computed text says, and nothing else.

    ``names``: values and names from records in the answer; a word that is one of them is never free.
    """
    if len(phrased) > _LONGEST_TIMES * len(computed) + _LONGEST_MORE:
        return False
    words = _words(language)
    kept = frozenset(token.text for name in names for token in _tokens(name))
    ours, theirs = list(_tokens(computed)), list(_tokens(phrased))
    return bool(theirs) and _Alignment(words, kept).holds(ours, theirs)


def _tokens(text: str) -> Iterator[_Token]:
    after_break, after_comma, begins = False, False, True
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in _BREAKS or token == _COMMA:
            after_break, after_comma = after_break or token in _BREAKS, True
            continue
        yield _Token(text=token, after_break=after_break, after_comma=after_comma, begins=begins or after_break)
        after_break = after_comma = begins = False


class _Alignment:
    """Walks both texts at once; a word that is in both counts as the same before it counts as free."""

    def __init__(self, words: _Words, kept: frozenset[str]) -> None:
        self._words = words
        self._kept = kept

    def holds(self, ours: list[_Token], theirs: list[_Token]) -> bool:
        """Return whether theirs are ours, but for what is free."""
        at, added, in_a_row = 0, 0, 0
        breaks, before = _Breaks(), ""
        for token in theirs:
            breaks.theirs(token)
            place = self._place(ours, at, token)
            if place is None:
                added, in_a_row = added + 1, in_a_row + 1
                if not self._may_be_added(token) or in_a_row > _MOST_IN_A_ROW or before in self._words.negations:
                    return False
                breaks.joined |= token.text.lower() in self._words.conjunctions
                continue
            for skipped in ours[at : place + 1]:
                breaks.ours(skipped)
            joins = not self._words.joins.isdisjoint({token.text.lower(), before})
            if not breaks.agree(joins=joins):
                return False
            at, in_a_row, breaks, before = place + 1, 0, _Breaks(), token.text.lower()
        rest = all(self._may_be_left_out(token) for token in ours[at:])
        return rest and added <= max(_MOST_IN_A_ROW, _MOST_ADDED * len(ours))

    def _place(self, ours: list[_Token], at: int, token: _Token) -> int | None:
        """Return where ours goes on with a token, with nothing but free words left out before; None: nowhere."""
        for place in range(at, len(ours)):
            if self._is_same(ours[place], token):
                return place
            if not self._may_be_left_out(ours[place]):
                return None
        return None

    def _is_same(self, our: _Token, their: _Token) -> bool:
        one, other = (self._words.same.get(token.text, token.text) for token in (our, their))
        if one == other:
            return True
        first_letter = one[1:] == other[1:] and one[:1].casefold() == other[:1].casefold()
        return first_letter and one.casefold() in self._words.of_sentences and our.text not in self._kept

    def _may_be_left_out(self, token: _Token) -> bool:
        word = _in_small_letters(token)
        return word in self._words.left_out and self._kept.isdisjoint({token.text, word})

    def _may_be_added(self, token: _Token) -> bool:
        word = _in_small_letters(token)
        return word in self._words.added and self._kept.isdisjoint({token.text, word})


def _in_small_letters(token: _Token) -> str:
    """Return a word that has a capital only where a sentence begins; empty otherwise, as it may be a name."""
    begins = token.begins and len(token.text) >= _SHORTEST_CAPITALISED and token.text[1:].islower()
    return token.text if token.text.islower() else token.text.lower() if begins else ""


@dataclass(slots=True)
class _Breaks:
    """The signs since the last word that both have: a break is not put where there was none, and not just taken out.

    "Not. Released" is not "not released", and two sentences that run into each other may say a third thing.
    """

    our_break: bool = False
    our_comma: bool = False
    their_break: bool = False
    their_comma: bool = False
    joined: bool = False  # by a word that was added

    def ours(self, token: _Token) -> None:
        """Take one of ours."""
        self.our_break |= token.after_break
        self.our_comma |= token.after_comma

    def theirs(self, token: _Token) -> None:
        """Take one of theirs."""
        self.their_break |= token.after_break
        self.their_comma |= token.after_comma

    def agree(self, *, joins: bool) -> bool:
        """Return whether the signs say the same; ``joins``: one of the words itself joins the sentences (because).

        A comma stands for a full stop or a comma, nowhere else: "No, the lot is held" is not "no lot is held".
        """
        if self.their_break:
            return self.our_break
        if self.their_comma:
            return self.our_comma
        return self.joined or not self.our_comma or (joins and self.our_break)
