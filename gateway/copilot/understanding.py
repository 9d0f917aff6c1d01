"""Which row of the intents a question is for: the one that understands most of it, or none, and never a guess. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.copilot.intents import INTENTS, Intent, Pattern
from gateway.copilot.question import Question, Word
from gateway.copilot.slots import Slots
from gateway.copilot.vocabulary import vocabulary
from gateway.copilot.words import means

_MOST_LEFT = 2  # words of a question that nothing accounts for


@dataclass(frozen=True, kw_only=True, slots=True)
class Understood:
    """The row that a question is for. ``also``: another one that understands it as well; then nobody can say."""

    intent: Intent
    also: Intent | None = None


def asks_to_act(question: Question) -> bool:
    """Return whether something is to be done or decided: that is for people, by other doors."""
    words = [word.folded for word in question.words]
    if words[:1] in (["how"], ["wie"]):  # how something is done is asked, and a procedure may say it
        return False
    first = next((word for word in words if word not in {"please", "bitte", "and", "und", "jetzt", "now"}), "")
    if first in vocabulary("imperatives"):
        return True
    modal = any(word in vocabulary("modal") for word in words)
    asked_for = any(word in {"can", "could", "kannst", "konntest", "wurdest"} for word in words) and any(
        word in {"you", "du", "sie"} for word in words
    )
    return (modal or asked_for) and any(word in vocabulary("imperatives") for word in words)


def understood(question: Question, slots: Slots) -> Understood | None:
    """Return the row that a question is for, None where none understands enough of it."""
    words = [word for word in question.words if word.at not in slots.used]
    if any(word.folded in vocabulary("exclusions") for word in words):
        return None
    scored: list[tuple[int, int, Intent]] = []
    for place, intent in enumerate(INTENTS.values()):
        if not _named(intent, slots):
            continue
        best = max((_score(pattern, words, intent, slots) for pattern in intent.patterns), default=0)
        if best > 0:
            scored.append((best, -place, intent))
    if not scored:
        return None
    scored.sort(key=lambda item: item[:2], reverse=True)
    best, _place, intent = scored[0]
    return Understood(intent=intent, also=next((item for score, _, item in scored[1:] if score == best), None))


def _named(intent: Intent, slots: Slots) -> bool:
    named = all(any(slots.has(name) for name in need.split("|")) for need in intent.needs)
    return named and not any(slots.has(name) for name in intent.without)


def _score(pattern: Pattern, words: list[Word], intent: Intent, slots: Slots) -> int:
    """Return how much of a question a pattern understands, 0 where it does not, or leaves too much."""
    accounted: set[int] = set()
    for group in pattern:
        hits = {word.at for word in words if any(_says(word, cue) for cue in group)}
        if not hits:
            return 0
        accounted |= hits
    turned = any(word.folded in vocabulary("negations") and word.at not in accounted for word in words)
    if turned and not intent.negated:
        return 0
    free_text = intent.free_words
    left = list(_left(words, accounted))
    if not free_text and (len(left) > _MOST_LEFT or (not pattern and left)):
        return 0
    unnamed = sum(slots.has(name) for name in ("lots", "analytes", "samples", "suppliers", "tags")) - len(intent.needs)
    weight = 10 * len(pattern) + 4 * len(intent.needs) + 4 * len(accounted) + (0 if intent.usual else 8)
    return weight - (0 if free_text else 3 * len(left)) - max(0, unnamed)


def _says(word: Word, cue: str) -> bool:
    """Return whether a word says what a cue does; ``#`` is any number."""
    return word.folded.replace(",", "").replace(".", "").isdigit() if cue == "#" else means(word.folded, cue)


def _left(words: Iterable[Word], accounted: set[int]) -> Iterable[Word]:
    """Return the words that say something that a pattern does not account for."""
    return (
        word
        for word in words
        if word.at not in accounted
        and word.folded not in vocabulary("fillers")
        and word.folded not in vocabulary("of_time")
        and any(map(str.isalnum, word.folded))
    )
