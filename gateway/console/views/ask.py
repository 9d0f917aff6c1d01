"""A question and its answer."""

from typing import Literal

from pydantic import Field

from gateway.console.views.parts import AskedFor, View
from gateway.contract.times import rfc3339
from gateway.copilot.answers import Answer, sentence


class QuestionAsked(AskedFor):
    """POST /api/ask."""

    question: str = Field(max_length=12_000)


class TokenAsked(AskedFor):
    """POST /api/ask/token."""

    terminal: str = Field(min_length=1, max_length=100, description="the terminal at which it is used")


class TokenView(View):
    """A token for one's questions at a terminal, shown once."""

    terminal: str
    token: str = Field(description="goes with each question")
    key: str = Field(description="signs each question; it stays in the terminal")
    expires_at: str


class FactView(View):
    """One fact of an answer, as it is on record."""

    name: str
    value: float | int | bool | str | None
    unit: str | None


class SourceView(View):
    """A record that an answer comes from."""

    record: str = Field(description="its name in the audit trail")
    title: str
    link: str | None


class PhrasedView(View):
    """A language model's wording of the answer."""

    label: str = Field(description="who has phrased it, as a sentence")
    text: str
    model: str
    prompt_version: str


class AnswerView(View):
    """The answer: from records only, by code."""

    outcome: Literal["answered", "asks_back", "nothing_on_record", "not_answered", "not_for_you", "token_refused"]
    intent: str = Field(description="which kind of question it was taken for; empty: none")
    language: Literal["en", "de"]
    text: str
    phrased: PhrasedView | None = Field(description="the same as a language model phrases it; null: none has")
    facts: list[FactView]
    sources: list[SourceView]
    choices: list[str] = Field(description="what may be meant, where it asks back")
    contact: str | None = Field(description="who knows more, where it is not answered")
    as_of: str


def _phrased(answer: Answer) -> PhrasedView | None:
    phrased = answer.phrased
    if phrased is None:
        return None
    label = sentence(answer.language, "PHRASED_BY", model=phrased.model)
    return PhrasedView(label=label, text=phrased.text, model=phrased.model, prompt_version=phrased.prompt_version)


def answer_view(answer: Answer) -> AnswerView:
    """Return an answer as it is sent."""
    return AnswerView(
        outcome=answer.outcome.value,
        intent=answer.intent,
        language="de" if answer.language == "de" else "en",
        text=answer.text,
        phrased=_phrased(answer),
        facts=[FactView(name=item.name, value=item.value, unit=item.unit) for item in answer.facts],
        sources=[SourceView(record=item.record, title=item.title, link=item.link) for item in answer.sources],
        choices=list(answer.choices),
        contact=answer.contact,
        as_of=rfc3339(answer.as_of_ns),
    )
