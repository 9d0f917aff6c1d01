"""The closed lists of words in payloads, each word with its meaning, as integrators read them in the schemas."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import WithJsonSchema

from gateway.records.guidance import Attention, GuidanceKind, GuidanceState, Severity
from gateway.records.laboratory import Recommendation, ResultStatus
from gateway.records.people import Act, Outcome
from gateway.records.production import ContextKind

KINDS: Mapping[GuidanceKind, str] = {
    GuidanceKind.WARNING: "a predicted value leaves its specification, or a trend shows",
    GuidanceKind.HOLD: "keep the lot back; people lift it, with a signature",
    GuidanceKind.REVIEW: "a person has to look at the lot before it is decided on",
    GuidanceKind.RELEASE: "nothing speaks against the lot",
    GuidanceKind.SETPOINT: "move a setpoint as the suggestion says",
    GuidanceKind.INSTRUCTION: "carry out the steps of a procedure",
}
STATES: Mapping[GuidanceState, str] = {
    GuidanceState.PROPOSED: "open; nobody has answered yet",
    GuidanceState.ACKNOWLEDGED: "open; a person has seen it",
    GuidanceState.APPROVED: "open; a person has approved it",
    GuidanceState.REJECTED: "over; a person has turned it down",
    GuidanceState.APPLIED: "open; the setpoint stands at the proposed value",
    GuidanceState.EXPIRED: "over; its time has run out",
    GuidanceState.SUPERSEDED: "over; newer guidance, which names it, takes its place",
    GuidanceState.WITHDRAWN: "over; it must not be followed any more",
    GuidanceState.RESOLVED: "over; what it was about is settled",
}
SEVERITIES: Mapping[Severity, str] = {
    Severity.INFORMATION: "to know",
    Severity.WARNING: "to look at in this shift",
    Severity.CRITICAL: "to act on now",
}
ATTENTION: Mapping[Attention, str] = {
    Attention.NEW: "a message of its own: call the operator",
    Attention.QUIET: "belongs to the guidance in group: show it, call nobody",
    Attention.SHELVED: "on the board only: people have shelved its alarm, or taken it out of service",
    Attention.SUPPRESSED: "on the board only: a configured condition of the plant keeps its alarm from calling",
    Attention.WAITING: "on the board only; the next message of its equipment names it",
}
RECOMMENDATIONS: Mapping[Recommendation, str] = {
    Recommendation.PENDING: "nothing is known yet that could be judged",
    Recommendation.RELEASE: "all that is known is inside",
    Recommendation.REVIEW: "a person has to decide",
    Recommendation.HOLD: "keep the lot back",
}
ACTS: Mapping[Act, str] = {
    Act.ACKNOWLEDGE: "I have seen it",
    Act.APPROVE: "carry out the suggested move; needs a signed token, and a model in stage approve",
    Act.REJECT: "I will not follow it; needs a signed token and a reason",
}
OUTCOMES: Mapping[Outcome, str] = {
    Outcome.ACKNOWLEDGED: "the guidance is acknowledged",
    Outcome.APPROVED: "the suggested move is approved",
    Outcome.REJECTED: "the guidance is rejected",
    Outcome.ALREADY_SO: "it was answered so before",
    Outcome.EXPIRED: "its time had run out",
    Outcome.STAGE_TOO_LOW: "the model's stage is below approve, so nothing can be approved",
    Outcome.WRITE_UNDER_WAY: "another move of this setpoint is being written; answer again when it has ended",
    Outcome.SIGNATURE_REQUIRED: "the act needs an electronic signature",
    Outcome.PERSON_REQUIRED: "the response names no person",
    Outcome.NO_LONGER_ADVISED: "model or limits have changed, and the guidance is withdrawn",
    Outcome.UNKNOWN_GUIDANCE: "no guidance has this id",
    Outcome.NOTHING_TO_APPROVE: "the guidance suggests no move",
    Outcome.REASON_REQUIRED: "a rejection without a reason",
    Outcome.ROLE_NOT_ENTITLED: "the answer is not for the roles of the user",
    Outcome.TOKEN_REQUIRED: "a response without a signed token can only acknowledge",
    Outcome.TOKEN_UNREADABLE: "the token is no compact JWS with EdDSA, or a header or claim is missing or not known",
    Outcome.TOKEN_KEY_UNKNOWN: "no key of this kid is enrolled",
    Outcome.TOKEN_SIGNATURE_WRONG: "the token was altered, or another key has signed it",
    Outcome.TOKEN_KEY_REVOKED: "the key is revoked",
    Outcome.TOKEN_USER_DISABLED: "the user of the key is disabled",
    Outcome.TOKEN_OF_OTHER_LINE: "aud is not the topic root of this line",
    Outcome.TOKEN_OF_OTHER_TERMINAL: "the token, its key and the topic do not name the same terminal",
    Outcome.TOKEN_OF_OTHER_GUIDANCE: "the token and the response do not name the same guidance",
    Outcome.TOKEN_OF_OTHER_ACT: "the token and the response do not name the same act",
    Outcome.TOKEN_FROM_THE_FUTURE: "iat is more than 60 s ahead of the gateway's clock",
    Outcome.TOKEN_VALID_TOO_LONG: "exp is more than 5 minutes after iat",
    Outcome.TOKEN_EXPIRED: "exp has passed",
    Outcome.TOKEN_USED_BEFORE: "a token of this key with this jti was taken before",
    Outcome.TOO_MANY_RESPONSES: "100 responses of this key within 5 minutes",
} | {
    outcome: f"the guidance was {outcome.value.removeprefix('NOT_POSSIBLE_WHEN_').lower()}"
    for outcome in Outcome
    if outcome.value.startswith("NOT_POSSIBLE_WHEN_")
}
EVENTS: Mapping[ContextKind, str] = {
    ContextKind.ORDER_STARTED: "an order begins on an equipment",
    ContextKind.ORDER_ENDED: "an order is over",
    ContextKind.LOT_STARTED: "a lot begins on an equipment",
    ContextKind.LOT_ENDED: "a lot is made",
    ContextKind.LOT_CLOSED: "people have decided on the lot",
    ContextKind.MATERIAL_CONSUMED: "a lot of material went into this lot",
    ContextKind.EQUIPMENT_STATE: "the state of an equipment changed",
    ContextKind.PHASE_STARTED: "a phase of a batch begins on an equipment",
    ContextKind.PHASE_ENDED: "a phase of a batch is over",
    ContextKind.ORDER_PLANNED: "an order is to run from then until then; the newest counts",
    ContextKind.ORDER_CANCELLED: "a planned order will not run",
}
STATUSES: Mapping[ResultStatus, str] = {
    ResultStatus.ENTERED: "typed in, checked by nobody",
    ResultStatus.VALIDATED: "checked",
    ResultStatus.APPROVED: "final",
    ResultStatus.REJECTED: "does not count",
    ResultStatus.SUPERSEDED: "does not count: another result takes its place",
}
STAGES: Mapping[str, str] = {
    "shadow": "predicts, and tells nobody",
    "advise": "guidance and suggestions as information",
    "approve": "a suggestion that a person approves is written to the PLC",
    "automatic": "suggestions of low risk are written without a person",
}


def listed(words: Mapping[Any, str], what: str) -> dict[str, Any]:
    """Return the JSON Schema of a text that is one of these words, each with its meaning."""
    meanings = "; ".join(f"{_text(word)}: {meaning}" for word, meaning in words.items())
    return {"type": "string", "enum": [_text(word) for word in words], "description": f"{what}. {meanings}"}


def _text(word: Any) -> str:
    return word.value if isinstance(word, StrEnum) else str(word)


KindWord = Annotated[GuidanceKind, WithJsonSchema(listed(KINDS, "What sort of guidance it is"))]
StateWord = Annotated[GuidanceState, WithJsonSchema(listed(STATES, "Where the guidance stands in its life"))]
SeverityWord = Annotated[Severity, WithJsonSchema(listed(SEVERITIES, "How urgent it is"))]
AttentionWord = Annotated[Attention, WithJsonSchema(listed(ATTENTION, "How operators are called to it"))]
RecommendationWord = Annotated[Recommendation, WithJsonSchema(listed(RECOMMENDATIONS, "What is recommended"))]
ActWord = Annotated[Act, WithJsonSchema(listed(ACTS, "What the person does with the guidance"))]
OutcomeWord = Annotated[Outcome, WithJsonSchema(listed(OUTCOMES, "What came of it"))]
EventWord = Annotated[ContextKind, WithJsonSchema(listed(EVENTS, "What happened"))]
StatusWord = Annotated[ResultStatus, WithJsonSchema(listed(STATUSES, "How far the result has come"))]
StageWord = Annotated[
    str,
    WithJsonSchema(listed(STAGES, "The stage in which the model spoke")),
]
