"""Which of a question's words say what is wanted, with the slips of who types them. Pure."""

from functools import lru_cache

_ONE_SLIP_FROM, _TWO_SLIPS_FROM = 5, 9  # letters


@lru_cache(maxsize=65_536)
def means(word: str, cue: str) -> bool:
    """Return whether a folded word is a cue: as it is, by its beginning (``freigab*``), or with a slip or two."""
    if cue.endswith("*"):
        stem = cue[:-1]
        return word.startswith(stem) or _is_near(word[: len(stem)], stem)
    return word == cue or _is_near(word, cue)


def _is_near(word: str, cue: str) -> bool:
    slips = 2 if len(cue) >= _TWO_SLIPS_FROM else 1 if len(cue) >= _ONE_SLIP_FROM else 0
    if slips == 0 or abs(len(word) - len(cue)) > slips or word[:1] != cue[:1]:
        return False
    return distance(word, cue, most=slips) <= slips


def distance(one: str, other: str, *, most: int) -> int:
    """Return how many slips two words are apart: a letter too much, too few, wrong, or two exchanged (Damerau)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, start=1):
        following = [at]
        for place, against in enumerate(other, start=1):
            cost = min(row[place] + 1, following[-1] + 1, row[place - 1] + (letter != against))
            if at > 1 and place > 1 and letter == other[place - 2] and one[at - 2] == against:
                cost = min(cost, before[place - 2] + 1)
            following.append(cost)
        if min(following) > most:
            return most + 1
        before, row = row, following
    return row[-1]
