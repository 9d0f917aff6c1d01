"""How near texts are in what they mean, by a sentence model: it ranks what is found and may be seen; no fact."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Protocol

from gateway.errors import InferenceError

_MOST_KEPT = 4_000
_OF_A_WORD = 0.1  # what a word that is shared counts beside a nearness of -1 to 1


def ranked(words: Sequence[int], near: Sequence[float] | None, *, least: float) -> list[int]:
    """Return places of texts, the likeliest first: those that share most words, and those that are near in meaning.

    Args:
        words: how many words of the question each text has.
        near: how near each is in what it means; None: nothing says so.
        least: from which nearness on a text is about the same.
    """
    most = max(words, default=0)
    means = [0.0] * len(words) if near is None else near
    places = (at for at, count in enumerate(words) if count == most > 0 or (near is not None and near[at] >= least))
    return sorted(places, key=lambda at: -(means[at] + _OF_A_WORD * words[at]))


class Row(Protocol):
    """A vector of length 1."""

    def __matmul__(self, other: "Row", /) -> float:
        """Return the product with another, which is their cosine."""
        ...


class Meaning:
    """Compares texts; vectors of texts are kept, as procedures are compared with each question.

    ``least``: from which nearness on (a cosine) a text counts as about the same. ``languages``: of questions that are
    compared; empty: all.
    """

    def __init__(
        self,
        tokens: Callable[[str], Sequence[int]],
        vectors: Callable[[Sequence[Sequence[int]]], Sequence[Row]],
        *,
        least: float,
        languages: frozenset[str] = frozenset(),
    ) -> None:
        """``tokens``: the numbers of a text's words. ``vectors``: a vector for each text."""
        self._tokens = tokens
        self._vectors = vectors
        self._languages = languages
        self._lock = Lock()  # the console and the terminals ask in threads of their own
        self._kept: OrderedDict[str, Row] = OrderedDict()
        self.least = least

    def compares(self, language: str) -> bool:
        """Return whether questions in a language are compared."""
        return not self._languages or language in self._languages

    def nearness(self, text: str, others: Sequence[str]) -> list[float] | None:
        """Return how near other texts are to one, -1 to 1; None where the model fails: then words alone rank."""
        wanted = dict.fromkeys((text, *others))
        with self._lock:
            known = {one: self._kept[one] for one in wanted if one in self._kept}
        missing = [one for one in wanted if one not in known]
        try:
            known |= zip(missing, self._vectors([self._tokens(one) for one in missing]), strict=True)
        except InferenceError:
            return None
        with self._lock:
            for one in others:
                self._keep(one, known[one])
        return [float(known[text] @ known[one]) for one in others]

    def _keep(self, text: str, vector: Row) -> None:
        self._kept[text] = vector
        self._kept.move_to_end(text)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
