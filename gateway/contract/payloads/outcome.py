"""What came of a terminal's response, as the terminal is told it."""

from enum import StrEnum

from pydantic import Field

from gateway.contract.identity import identity_of
from gateway.contract.payloads.parts import Part, PayloadWithTexts
from gateway.contract.times import rfc3339
from gateway.contract.words import ActWord, OutcomeWord, StateWord
from gateway.records.guidance import GuidanceState
from gateway.records.people import AnswerOnRecord, Outcome, ResponseRecorded
from gateway.texts.catalogue import text

OTHERS_WERE_FIRST = frozenset(
    {
        Outcome.ALREADY_SO,
        Outcome.NOT_POSSIBLE_WHEN_ACKNOWLEDGED,
        Outcome.NOT_POSSIBLE_WHEN_APPROVED,
        Outcome.NOT_POSSIBLE_WHEN_REJECTED,
        Outcome.NOT_POSSIBLE_WHEN_APPLIED,
    }
)


class AnswerText(StrEnum):
    """The sentences on the answer that came first, and their parts."""

    ACKNOWLEDGE = "ACKNOWLEDGE"
    APPROVE = "APPROVE"
    REJECT = "REJECT"
    STATED = "STATED"
    SOMEBODY = "SOMEBODY"


class AnswerPart(Part):
    """The answer that changed the guidance before."""

    act: ActWord
    person: str | None = Field(description="who gave it")
    identified: bool = Field(description="whether it is known that it was this person; false: the message stated it")
    at: str = Field(description="when, RFC 3339, UTC")

    @classmethod
    def of(cls, before: AnswerOnRecord | None) -> "AnswerPart | None":
        """Return the part of an answer on record."""
        if before is None:
            return None
        return cls(act=before.act, person=before.name, identified=before.identified, at=rfc3339(before.at_ns))


class OutcomePayload(PayloadWithTexts):
    """``outcome/{terminal}``: what came of one response of a terminal."""

    response_id: str = Field(description="the response's own id, as the terminal chose it")
    guidance_id: str = Field(description="which guidance was answered")
    act: ActWord
    terminal: str = Field(description="the terminal that answered")
    person: str | None = Field(description="who answered: the name of the user, or the name that the response states")
    outcome: OutcomeWord
    text: str = Field(description="the outcome as a sentence: what changed, and what to do")
    state: StateWord | None = Field(description="the guidance's state after the response; null: there is none such")
    identified: bool = Field(description="whether a signed token has shown who answered; false: person is only stated")
    answered_before: AnswerPart | None = Field(
        description="the answer that changed the guidance before this response; null: there was none"
    )


def outcome_payload(
    recorded: ResponseRecorded,
    before: AnswerOnRecord | None,
    state: GuidanceState | None,
    *,
    by_hand: bool,
    line: str,
    cause: str,
    at_ns: int,
) -> OutcomePayload:
    """Return the payload of what came of a response.

    ``before``: the answer that changed the guidance before it; ``state``: of the guidance, after it. ``by_hand``:
    whether a person has to move the setpoint.
    """
    response, outcome = recorded.response, recorded.outcome
    return OutcomePayload(
        schema="labline.outcome/1",
        id=identity_of("outcome", cause),
        cause=cause,
        issued_at=rfc3339(at_ns),
        line=line,
        response_id=response.response_id,
        guidance_id=response.guidance_id,
        act=response.act,
        terminal=response.terminal or "",
        person=recorded.by.name,
        outcome=outcome,
        text=outcome_text(outcome, before, by_hand=by_hand),
        state=state,
        identified=recorded.by.identified,
        answered_before=AnswerPart.of(before),
    )


def outcome_text(outcome: Outcome, before: AnswerOnRecord | None, *, by_hand: bool) -> str:
    """Return an outcome as a sentence; where somebody else was first, it says who.

    ``by_hand``: whether an approved move is made by a person, as the gateway does not write this setpoint.
    """
    sentence = text("outcome", outcome.value, variant="by_hand" if by_hand else "written")
    if before is None or outcome not in OTHERS_WERE_FIRST:
        return sentence
    first = _text(AnswerText[before.act.name], person=shown_person(before), time=shown_time(before))
    return f"{sentence} {first}"


def shown_person(answer: AnswerOnRecord) -> str:
    """Return who has answered, and whether that is only stated."""
    if answer.name is None:
        return _text(AnswerText.SOMEBODY)
    return answer.name if answer.identified else _text(AnswerText.STATED, person=answer.name)


def shown_time(answer: AnswerOnRecord) -> str:
    """Return when somebody has answered."""
    return f"{rfc3339(answer.at_ns)[:19].replace('T', ' ')} UTC"


def _text(code: AnswerText, **parameters: str) -> str:
    return text("outcome_before", code.value, **parameters)
