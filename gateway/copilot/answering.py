"""From a question to its answer: understood, allowed, read and said; else who knows more."""

from dataclasses import replace

from gateway.copilot.answers import Answer, Outcome, sentence
from gateway.copilot.ground import Asking, Ground
from gateway.copilot.intents import Intent
from gateway.copilot.periods import period_of
from gateway.copilot.question import LONGEST_QUESTION, Question, asked
from gateway.copilot.slots import Slots
from gateway.copilot.understanding import asks_to_act, understood
from gateway.copilot.vocabulary import vocabulary
from gateway.knowledge.folding import words_of
from gateway.records.users import Role


def answered(ground: Ground, text: str, *, roles: frozenset[Role] | None) -> Answer:
    """Return the answer to a question; ``roles``: of who asks, None for a guest at a terminal.

    The language is that of the question, else ``ground.language``.
    """
    if len(text) > LONGEST_QUESTION:
        return _refusal(ground, "", "QUESTION_TOO_LONG", subject="line", most=LONGEST_QUESTION, length=len(text))
    question = asked(text, otherwise=ground.language)
    ground = replace(ground, language=question.language)
    answer = _answered(ground, question, roles)
    return replace(answer, as_of_ns=ground.now_ns)


def _answered(ground: Ground, question: Question, roles: frozenset[Role] | None) -> Answer:
    if not question.words:
        return _refusal(ground, "", "NO_QUESTION", subject="line")
    if asks_to_act(question):
        return _refusal(ground, "", "PEOPLE_DECIDE", subject="quality")
    slots = ground.names.slots(question)
    found = understood(question, slots)
    if found is None:
        return _refusal(ground, "", "NOT_UNDERSTOOD", subject="line")
    intent = found.intent
    if found.also is not None:
        return _asks_back(ground, intent.name, "WHICH_QUESTION", choices=_titles(ground, intent, found.also))
    if not _allowed(intent, roles):
        return replace(
            _refusal(ground, intent.name, "NOT_FOR_YOU", subject=intent.subject), outcome=Outcome.NOT_FOR_YOU
        )
    unclear = _unclear(ground, intent, slots)
    return unclear or _as_read(intent.answer(ground, _asking(ground, question, intent, slots)), slots)


def _as_read(answer: Answer, slots: Slots) -> Answer:
    """Return an answer that begins with what words of the question were taken for, where it is not what they say."""
    read = [sentence(answer.language, "READ_AS", written=written, meant=meant) for written, meant in slots.read_as]
    return replace(answer, text=" ".join((*read, answer.text)))


def _asking(ground: Ground, question: Question, intent: Intent, slots: Slots) -> Asking:
    from_ns, until_ns = period_of(question, now_ns=ground.now_ns, zone=ground.line.time_zone)
    words = words_wanted(question, every=intent.name == "find")
    return Asking(intent=intent.name, text=question.text, slots=slots, from_ns=from_ns, until_ns=until_ns, words=words)


def words_wanted(question: Question, *, every: bool) -> tuple[str, ...]:
    """Return the words of a question by which is searched; ``every``: also those that say when."""
    words = (
        part
        for word in question.words
        for part in words_of(word.written)
        if every or word.folded not in vocabulary("of_time")
    )
    return tuple(part for part in words if part not in vocabulary("not_searched"))


def _allowed(intent: Intent, roles: frozenset[Role] | None) -> bool:
    return intent.guests if roles is None else not intent.roles.isdisjoint(roles)


def _unclear(ground: Ground, intent: Intent, slots: Slots) -> Answer | None:
    """Return what is asked back where a name is not one record's, None where all are clear."""
    if slots.analytes_alike and not slots.analytes:
        return _asks_back(ground, intent.name, "WHICH_ANALYTE", choices=tuple(slots.analytes_alike))
    if not any("lots" in need for need in intent.needs) or ("materials" in str(intent.needs) and slots.materials):
        return None
    if slots.alike or len(slots.lots) > 1:
        choices = tuple(dict.fromkeys((*slots.lots, *slots.alike)))
        return _asks_back(ground, intent.name, "WHICH_LOT", choices=choices)
    if slots.unknown is not None:
        return ground.nothing(intent.name, "UNKNOWN_LOT", lot=slots.unknown)
    return None


def _asks_back(ground: Ground, intent: str, code: str, *, choices: tuple[str, ...]) -> Answer:
    text = sentence(ground.language, code, choices=", ".join(choices))
    return Answer(outcome=Outcome.ASKS_BACK, intent=intent, language=ground.language, text=text, choices=choices)


def _titles(ground: Ground, *intents: Intent) -> tuple[str, ...]:
    return tuple(sentence(ground.language, f"INTENT_{intent.name.upper()}") for intent in intents)


def _refusal(ground: Ground, intent: str, code: str, *, subject: str, **parameters: object) -> Answer:
    contact = ground.contacts.get(subject) or ground.contacts.get("line")
    text = sentence(ground.language, code, **parameters)
    if contact is not None:
        text = f"{text} {sentence(ground.language, 'ASK_THEM', contact=contact)}"
    return Answer(
        outcome=Outcome.NOT_ANSWERED, intent=intent, language=ground.language, text=text, contact=contact,
        as_of_ns=ground.now_ns,
    )  # fmt: skip
