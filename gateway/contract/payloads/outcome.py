"""What came of a terminal's response, as the terminal is told it."""

from pydantic import Field

from gateway.contract.identity import identity_of
from gateway.contract.payloads.parts import Payload
from gateway.contract.times import rfc3339
from gateway.contract.words import ActWord, OutcomeWord, StateWord
from gateway.records.guidance import GuidanceState
from gateway.records.people import Outcome, Response
from gateway.texts.catalogue import text


class OutcomePayload(Payload):
    """``outcome/{terminal}``: what came of one response of a terminal."""

    response_id: str = Field(description="the response's own id, as the terminal chose it")
    guidance_id: str = Field(description="which guidance was answered")
    act: ActWord
    terminal: str = Field(description="the terminal that answered")
    person: str | None = Field(description="the person whom the response named")
    outcome: OutcomeWord
    text: str = Field(description="the outcome as a sentence: what changed, and what to do")
    state: StateWord | None = Field(description="the guidance's state after the response; null: there is none such")


def outcome_payload(
    response: Response, outcome: Outcome, state: GuidanceState | None, *, line: str, cause: str, at_ns: int
) -> OutcomePayload:
    """Return the payload of what came of a response; ``state``: of the guidance, after it."""
    return OutcomePayload(
        schema="labline.outcome/1",
        id=identity_of("outcome", cause),
        cause=cause,
        issued_at=rfc3339(at_ns),
        line=line,
        response_id=response.response_id,
        guidance_id=response.guidance_id,
        act=response.act,
        terminal=response.terminal,
        person=response.person,
        outcome=outcome,
        text=text("outcome", outcome.value),
        state=state,
    )
