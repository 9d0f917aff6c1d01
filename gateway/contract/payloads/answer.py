"""``answer``: what is answered to a question of a terminal."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, WithJsonSchema

from gateway.contract.payloads.parts import Part, PayloadWithTexts
from gateway.contract.words import listed

OUTCOMES: Mapping[str, str] = {
    "answered": "answered from records",
    "asks_back": "a name or the question can mean several things: choices",
    "nothing_on_record": "understood, but nothing is on record of it",
    "not_answered": "not answered; the text says why, and contact whom to ask",
    "not_for_you": "what is asked is not for who asks",
    "token_refused": "the question came with a token that does not hold; the text says why",
}
OutcomeWord = Annotated[str, WithJsonSchema(listed(OUTCOMES, "What came of the question"))]


class FactPart(Part):
    """One fact of an answer, as it is on record."""

    name: str
    value: float | int | bool | str | None
    unit: str | None


class SourcePart(Part):
    """A record that an answer comes from."""

    record: str = Field(description="its name in the audit trail")
    title: str


class PhrasedPart(Part):
    """A language model's wording of an answer, shown beside the computed text, which counts."""

    label: str = Field(description="who has phrased it, as a sentence; it is shown with the text")
    text: str = Field(description="the wording; code has compared it with the computed text, word by word")
    model: str = Field(description="the model, as its server calls it")
    prompt_version: str = Field(description="which instructions the model had")


class AnswerPayload(PayloadWithTexts):
    """``answer/{terminal}``: the answer to a terminal's question, from records, by code."""

    terminal: str = Field(description="the terminal that asked")
    question_id: str | None = Field(description="the question's own id, as the terminal chose it")
    outcome: OutcomeWord
    intent: str = Field(description="which kind of question it was taken for; empty: none")
    text: str = Field(description="the answer as sentences, put together by code")
    phrased: PhrasedPart | None = Field(description="the same, as a language model phrases it; null: none has")
    facts: list[FactPart] = Field(description="the facts in the answer, as data")
    sources: list[SourcePart] = Field(description="the records that they come from")
    choices: list[str] = Field(description="what may be meant, where it asks back")
    contact: str | None = Field(description="who knows more, where it is not answered")
    as_of: str = Field(description="the instant of which all of it is, RFC 3339, UTC")
