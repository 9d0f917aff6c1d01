"""What came of a terminal's response, as the terminal is told it."""

from collections.abc import Mapping

from pydantic import Field

from gateway.contract.identity import identity_of
from gateway.contract.payloads.parts import Payload
from gateway.contract.times import rfc3339
from gateway.contract.words import ActWord, OutcomeWord, StateWord
from gateway.records.guidance import GuidanceState
from gateway.records.people import Outcome, Response

SENTENCES: Mapping[Outcome, str] = {
    Outcome.ACKNOWLEDGED: "The guidance is acknowledged.",
    Outcome.REJECTED: "The guidance is rejected and leaves the board.",
    Outcome.ALREADY_SO: "Nothing changes: the guidance was answered so before.",
    Outcome.EXPIRED: "Nothing changes: the guidance has expired. Wait for newer advice.",
    Outcome.STAGE_TOO_LOW: (
        "Nothing is approved: the gateway only advises. Move the setpoint by hand; the gateway sees it move."
    ),
    Outcome.SIGNATURE_REQUIRED: (
        "Nothing changes: this needs an electronic signature. Lift a hold in the quality system; here, acknowledge it."
    ),
    Outcome.PERSON_REQUIRED: "Nothing changes: the response names no person. Send it again with person filled in.",
    Outcome.NO_LONGER_ADVISED: "The guidance is withdrawn: its model or its limits have changed. Do not follow it.",
    Outcome.UNKNOWN_GUIDANCE: "Nothing changes: no guidance has this id. Take the id from guidance/{id} or the board.",
} | {
    outcome: f"Nothing changes: the guidance is {outcome.value.removeprefix('NOT_POSSIBLE_WHEN_').lower()}."
    for outcome in Outcome
    if outcome.value.startswith("NOT_POSSIBLE_WHEN_")
}


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
        text=SENTENCES[outcome],
        state=state,
    )
