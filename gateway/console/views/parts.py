"""What several views share: the base of every shape, and guidance as the console shows it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.contract.payloads.parts import (
    InstructionPart,
    MeasuredPart,
    ModelPart,
    PredictedPart,
    ReasonPart,
    SpecificationPart,
    SuggestionPart,
)
from gateway.contract.times import rfc3339
from gateway.contract.words import KindWord, RecommendationWord, SeverityWord, StateWord


class View(BaseModel):
    """A shape that the server sends: all its fields are always there; times are RFC 3339 in UTC."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, json_schema_serialization_defaults_required=True
    )


class AskedFor(BaseModel):
    """A shape that the page sends; what is not known in it is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, str_max_length=4000)


class AnswerPart(View):
    """An answer to guidance that its state and its model's stage allow, and who may give it."""

    answer: Literal["acknowledge", "approve", "reject"]
    roles: list[str] = Field(description="one of these is needed")
    signature: bool = Field(description="whether user and password are asked for again with it")


class SignaturePart(View):
    """An electronic signature as it is shown with its record."""

    signature_id: str
    user_id: str
    full_name: str = Field(description="the printed name")
    role: str
    meaning: str
    signed_at: str


class AnsweredPart(View):
    """The answer that has changed a guidance; ``identified``: whether the person has shown who they are."""

    answer: Literal["acknowledge", "approve", "reject"]
    person: str
    identified: bool
    at: str


class MoveOutcomeView(View):
    """What was seen after a move had had its time to take effect."""

    followed: Literal["predicted", "measured"] = Field(description="by the next prediction, or by the laboratory")
    at: str
    value: float
    as_expected: bool = Field(description="whether it lies within what was expected of the move")


class MoveView(View):
    """An approved move of a setpoint, and where writing it stands."""

    tag: str
    unit: str
    from_value: float
    to_value: float
    state: str = Field(description="of the write, as labline setpoint list names it")
    at: str = Field(description="since when it is so")
    on_its_way: bool
    read_back: float | None
    reason: str | None = Field(description="why it was not written, or not taken")
    analyte: str
    analyte_unit: str | None
    expected_low: float
    expected_high: float
    outcomes: list[MoveOutcomeView] = Field(description="the prediction first")
    helped: bool | None = Field(description="whether it came as expected, the laboratory before a prediction")
    holds: bool = Field(description="whether every record of it matches its hash")


class GuidanceView(View):
    """Guidance that is open, or a lot's earlier guidance."""

    guidance_id: str
    kind: KindWord
    state: StateWord
    severity: SeverityWord
    title: str
    next_action: str = Field(description="the one thing to do next, as a sentence")
    reasons: list[ReasonPart]
    issued_at: str
    expires_at: str | None = Field(description="from then on it must not be followed; null: it stands until settled")
    equipment_id: str | None
    material_lot_id: str | None
    job_order_id: str | None
    product: str | None
    client_id: str | None
    analyte: str | None
    unit: str | None
    specification: SpecificationPart | None
    predicted: PredictedPart | None
    measured: MeasuredPart | None
    suggestion: SuggestionPart | None
    instructions: list[InstructionPart]
    model: ModelPart | None
    stage: str | None
    answers: list[AnswerPart]
    answered: AnsweredPart | None = Field(description="who has answered last; null: nobody")
    signatures: list[SignaturePart] = Field(description="of its approval, where that is signed")
    move: MoveView | None = Field(description="what became of it once it was approved; null: nothing is to be written")


class OpenPointView(View):
    """What speaks against the release of a lot."""

    point_id: str
    asks: RecommendationWord
    code: str
    text: str
    how: str = Field(description="what a person does about it")
    can_be_settled: bool = Field(description="whether a person may settle it with a reason (act settle_point)")
    sample_id: str | None
    analyte: str | None


def instant(at_ns: int | None) -> str | None:
    """Return an instant as it is sent, None where there is none."""
    return None if at_ns is None else rfc3339(at_ns)


def in_utc(instant: str) -> str:
    """Return an instant as documents for people show it: date and time of day in UTC."""
    return f"{instant[:19].replace('T', ' ')} UTC"


class Refusal(View):
    """Every answer that is no success: what is wrong and what to do."""

    code: str = Field(description="which refusal it is; docs/payloads.md lists them")
    message: str = Field(description="what is wrong and what to do, in the plant's language")
    why: str
    hint: str


def message_of(why: str, hint: str) -> str:
    """Return in one text what is wrong and what to do."""
    return "; ".join(part for part in (why, hint) if part)
