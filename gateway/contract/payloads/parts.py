"""The parts that several messages share."""

from dataclasses import asdict
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from gateway.contract.lims.numbers import plain
from gateway.records.guidance import Instruction, SetpointSuggestion
from gateway.records.laboratory import LabResult, Specification
from gateway.records.prediction import Prediction, Sensitivity
from gateway.records.verdicts import Reason, Verdict
from gateway.texts.catalogue import language

_LONGEST_ECHO_BYTES = 64 * 1024


class Part(BaseModel):
    """An object within a payload; all its fields are always sent."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True, defer_build=True)


class Payload(BaseModel):
    """What every payload carries: schema, id, cause (the event's id), when it was issued, and the line."""

    model_config = ConfigDict(
        defer_build=True,
        frozen=True,
        extra="forbid",
        serialize_by_alias=True,
        allow_inf_nan=False,
        json_schema_serialization_defaults_required=True,
    )

    schema_: str = Field(alias="schema", description="which payload this is, and its version")
    id: str = Field(description="the same on every redelivery")
    cause: str | None = Field(description="the id of the event that it follows from")
    issued_at: str = Field(description="RFC 3339, UTC, milliseconds")
    line: str = Field(description="enterprise/site/area/line")

    def encoded(self) -> bytes:
        """Return the bytes to publish: JSON, UTF-8, fields in the order of the model."""
        return self.model_dump_json().encode()


class PayloadWithTexts(Payload):
    """A payload with titles or sentences for people at the plant."""

    language: str = Field(
        default_factory=language, description="of titles and sentences: en or de; codes and parameters have none"
    )


# a number as it was written: 0 colonies, not 0.0
Written = Annotated[
    float, PlainSerializer(plain, return_type=int | float, when_used="json"), WithJsonSchema({"type": "number"})
]


class ReasonPart(Part):
    """A code with its parameters and its sentence."""

    code: str
    parameters: dict[str, Any]
    text: str

    @classmethod
    def of(cls, reasons: tuple[Reason, ...]) -> list["ReasonPart"]:
        """Return the reasons as payload parts."""
        return [cls(code=r.code, parameters=dict(r.parameters), text=r.text) for r in reasons]


class SpecificationPart(Part):
    """The limits, and the texts, by which was judged."""

    lower: Written | None
    upper: Written | None
    target: Written | None
    unit: str | None
    version: str | None
    accepts: list[str] = Field(default=[], description="results in words that are inside")
    rejects: list[str] = Field(default=[], description="results in words that are outside")

    @classmethod
    def of(cls, specification: Specification | None) -> "SpecificationPart | None":
        """Return the part, or None."""
        if specification is None:
            return None
        return cls(
            lower=specification.lower,
            upper=specification.upper,
            target=specification.target,
            unit=specification.unit,
            version=specification.version,
            accepts=list(specification.accepts),
            rejects=list(specification.rejects),
        )


class MeasuredPart(Part):
    """The laboratory's value."""

    value: Written | None
    qualifier: str | None
    unit: str | None
    sample_id: str
    result_version: int | None
    value_text: str = Field(default="", description="the value as the laboratory wrote it, such as <10 or absent")

    @classmethod
    def of(cls, result: LabResult | None) -> "MeasuredPart | None":
        """Return the part, or None."""
        if result is None:
            return None
        return cls(
            value=result.value,
            qualifier=result.qualifier,
            unit=result.unit,
            sample_id=result.sample_id,
            result_version=result.result_version,
            value_text=result.value_text,
        )


class PredictedPart(Part):
    """A predicted value with its interval."""

    value: float
    low: float
    high: float
    coverage: float

    @classmethod
    def of(cls, prediction: Prediction | None) -> "PredictedPart | None":
        """Return the part, or None where nothing was predicted."""
        if prediction is None or None in {prediction.value, prediction.low, prediction.high}:
            return None
        return cls.model_validate(
            {"value": prediction.value, "low": prediction.low, "high": prediction.high,
             "coverage": prediction.coverage}
        )  # fmt: skip


class ModelPart(Part):
    """Which model spoke."""

    name: str
    version: str
    sha256: str

    @classmethod
    def of(cls, prediction: Prediction | None) -> "ModelPart | None":
        """Return the part, or None."""
        if prediction is None:
            return None
        model = prediction.model
        return cls(name=model.name, version=model.version, sha256=model.sha256)


class ExpectedPart(Part):
    """What a move is expected to bring."""

    value: float
    low: float
    high: float


class SuggestionPart(Part):
    """A move of one setpoint."""

    tag: str
    current: float
    proposed: float
    unit: str
    validated: tuple[float, float]
    max_step: float
    expected: ExpectedPart

    @classmethod
    def of(cls, suggestion: SetpointSuggestion | None) -> "SuggestionPart | None":
        """Return the part, or None."""
        if suggestion is None:
            return None
        return cls(
            tag=suggestion.tag,
            current=suggestion.current,
            proposed=suggestion.proposed,
            unit=suggestion.unit,
            validated=suggestion.validated,
            max_step=suggestion.max_step,
            expected=ExpectedPart(
                value=suggestion.expected_value, low=suggestion.expected_low, high=suggestion.expected_high
            ),
        )


class RequiresPart(Part):
    """Who may act on it, and whether with an electronic signature."""

    role: str
    signature: bool


class SensitivityPart(Part):
    """By how much the prediction changes per unit of an input, over a change of the input by ``over``."""

    input: str
    tag: str
    unit: str
    per_unit: float
    over: float

    @classmethod
    def of(cls, sensitivities: tuple[Sensitivity, ...]) -> "list[SensitivityPart]":
        """Return the parts, the strongest first."""
        return [cls(**asdict(sensitivity)) for sensitivity in sensitivities]


class InstructionPart(Part):
    """The steps of a procedure of the plant that applies."""

    procedure: str
    title: str
    steps: list[str]

    @classmethod
    def of(cls, instructions: tuple[Instruction, ...]) -> "list[InstructionPart]":
        """Return the parts."""
        return [
            cls(procedure=instruction.procedure, title=instruction.title, steps=list(instruction.steps))
            for instruction in instructions
        ]


class VerdictPart(Part):
    """Whether the gates accepted, and if not, why."""

    accepted: bool
    reasons: list[ReasonPart]

    @classmethod
    def of(cls, verdict: Verdict) -> "VerdictPart":
        """Return the part."""
        return cls(accepted=verdict.accepted, reasons=ReasonPart.of(verdict.reasons))


class OutlookPart(Part):
    """Where a predicted value settles if its causes stay as they are now."""

    value: float
    low: float
    high: float


class BiasPart(Part):
    """The correction from laboratory results that a prediction carries."""

    value: float
    version: int
