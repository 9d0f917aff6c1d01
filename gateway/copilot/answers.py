"""An answer: sentences in the asker's language, the facts in them as data, and the records they come from. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gateway.knowledge.documents import plain
from gateway.records.laboratory import ResultStatus, Specification
from gateway.texts.catalogue import catalogue, number_style, text_in, unit_in_text

_GROUP = "copilot"


class Outcome(StrEnum):
    """What came of a question."""

    ANSWERED = "answered"
    ASKS_BACK = "asks_back"  # a name or the question itself can mean several things
    NOTHING_ON_RECORD = "nothing_on_record"
    NOT_ANSWERED = "not_answered"  # outside of what is answered here
    NOT_FOR_YOU = "not_for_you"  # what is asked is not for who asks
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - the question's token does not hold: nobody is answered as a guest instead


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One fact of an answer; ``value`` as it is on record."""

    name: str
    value: str | float | int | bool | None
    unit: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A record that an answer comes from, by its name in the audit trail; ``link``: where the console shows it."""

    record: str
    title: str
    link: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Phrased:
    """A language model's wording of an answer, which says what its text says."""

    text: str
    model: str
    prompt_version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An answer. ``choices``: what may be meant, where it asks back; ``contact``: who knows more, where it does not.

    ``text``: as code has put it together. ``phrased``: a model's wording, shown beside it.
    """

    outcome: Outcome
    intent: str
    language: str
    text: str
    facts: tuple[Fact, ...] = ()
    sources: tuple[Source, ...] = ()
    choices: tuple[str, ...] = ()
    contact: str | None = None
    as_of_ns: int = 0
    phrased: Phrased | None = None


@dataclass(slots=True)
class Saying:
    """Collects the sentences, facts and sources of an answer."""

    language: str
    sentences: list[str] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)

    def say(self, code: str, **parameters: Any) -> None:
        """Add a sentence."""
        self.sentences.append(sentence(self.language, code, **parameters))

    def fact(self, name: str, value: str | float | None, unit: str | None = None) -> None:
        """Add a fact."""
        self.facts.append(Fact(name=name, value=plain(value) if isinstance(value, str) else value, unit=unit))

    def source(self, record: str, title: str, link: str | None = None) -> None:
        """Add a record that facts come from, once."""
        if all(known.record != record for known in self.sources):
            self.sources.append(Source(record=record, title=plain(title), link=link))

    def answered(self, intent: str, *, outcome: Outcome = Outcome.ANSWERED) -> Answer:
        """Return the answer."""
        return Answer(
            outcome=outcome, intent=intent, language=self.language, text=" ".join(self.sentences),
            facts=tuple(self.facts), sources=tuple(self.sources),
        )  # fmt: skip


def sentence(language: str, code: str, **parameters: Any) -> str:
    """Return a sentence; names that come from records stand in it as they are, without control characters."""
    shown: Mapping[str, Any] = {
        name: plain(value) if isinstance(value, str) else value for name, value in parameters.items()
    }
    return text_in(language, _GROUP, code, **shown)


def number_shown(language: str, written: str, unit: str | None = None) -> str:
    """Return a number as it was written, as a language writes it, with its unit as the plant does."""
    number = number_style(catalogue(language)).written(written)
    return f"{number} {unit_in_text(unit)}".strip()


def status_shown(language: str, status: ResultStatus) -> str:
    """Return how far the laboratory has come with a result, in words."""
    return sentence(language, f"STATUS_{status.name}")


def limits_shown(language: str, limits: Specification | None) -> str:
    """Return limits with their unit; a dash where there are none."""
    if limits is None or (limits.lower is None and limits.upper is None):
        return ", ".join(limits.accepts) if limits is not None and limits.accepts else "-"
    low, high = (None if value is None else f"{value:.10g}" for value in (limits.lower, limits.upper))
    one_side = f"\u2264 {high}" if low is None else f"\u2265 {low}"
    written = f"{low} \u2013 {high}" if low is not None and high is not None else one_side
    return number_shown(language, written, limits.unit)
