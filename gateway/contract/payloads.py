"""The payloads the gateway publishes, as models: one class per ``schema``, fields as the contract fixes them.

Models, not dicts, so that JSON Schema comes from the same lines that produce the bytes.
"""

import base64
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from gateway.contract.identity import identity_of
from gateway.contract.numbers import plain
from gateway.contract.times import rfc3339
from gateway.contract.words import KindWord, RecommendationWord, SeverityWord, StageWord, StateWord
from gateway.records import (
    DeadLetter,
    Disposition,
    Guidance,
    GuidanceState,
    Instruction,
    LabResult,
    Prediction,
    Reason,
    Sensitivity,
    SetpointSuggestion,
    SignedHead,
    Specification,
    Verdict,
)

_LONGEST_ECHO_BYTES = 64 * 1024
MOVE_EXPECTED = "MOVE_EXPECTED"  # the reason that tells where a setpoint is to go
_OVER = frozenset(
    {
        GuidanceState.REJECTED,
        GuidanceState.EXPIRED,
        GuidanceState.SUPERSEDED,
        GuidanceState.WITHDRAWN,
        GuidanceState.RESOLVED,
    }
)  # what is over carries no suggestion: nobody shall follow it


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
        return [cls(**asdict(each)) for each in sensitivities]


class InstructionPart(Part):
    """The steps of a procedure of the plant that applies."""

    procedure: str
    title: str
    steps: list[str]

    @classmethod
    def of(cls, instructions: tuple[Instruction, ...]) -> "list[InstructionPart]":
        """Return the parts."""
        return [cls(procedure=each.procedure, title=each.title, steps=list(each.steps)) for each in instructions]


class GuidancePayload(Payload):
    """``guidance/{id}``: a guidance in one state of its life."""

    kind: KindWord
    state: StateWord
    severity: SeverityWord
    title: str = Field(description="what is wrong, where, what to do; at most 60 characters where names allow")
    reasons: list[ReasonPart] = Field(description="why, the most important first; of withdrawn guidance why, last")
    material_lot_id: str | None
    job_order_id: str | None
    material_definition_id: str | None = Field(description="the product")
    equipment_id: str | None
    client_id: str | None
    analyte: str | None
    specification: SpecificationPart | None
    measured: MeasuredPart | None
    predicted: PredictedPart | None
    suggestion: SuggestionPart | None = Field(description="the move; null once the guidance is over")
    model: ModelPart | None
    stage: StageWord | None
    requires: RequiresPart
    expires_at: str | None = Field(description="from then on it must not be followed; null: it stands until settled")
    supersedes: str | None = Field(description="the id of the guidance whose place it takes")
    sensitivities: list[SensitivityPart]
    instructions: list[InstructionPart]


def guidance_payload(guidance: Guidance, *, line: str, cause: str, at_ns: int) -> GuidancePayload:
    """Return the payload of a guidance in its present state; ``at_ns`` is when it came into that state.

    Of a suggestion that is over no number of the move is told again, not in words either: the store keeps them.
    """
    over = guidance.suggestion is not None and guidance.state in _OVER
    return GuidancePayload(
        schema="labline.guidance/1",
        id=guidance.guidance_id,
        cause=cause,
        issued_at=rfc3339(at_ns),
        line=line,
        kind=guidance.kind,
        state=guidance.state,
        severity=guidance.severity,
        title=_title_when_over(guidance) if over else guidance.title,
        reasons=ReasonPart.of(tuple(each for each in guidance.reasons if not (over and each.code == MOVE_EXPECTED))),
        material_lot_id=guidance.material_lot_id,
        job_order_id=guidance.job_order_id,
        material_definition_id=guidance.material_definition_id,
        equipment_id=guidance.equipment_id,
        client_id=guidance.client_id,
        analyte=guidance.analyte,
        specification=SpecificationPart.of(guidance.specification),
        measured=MeasuredPart.of(guidance.measured),
        predicted=PredictedPart.of(guidance.predicted),
        suggestion=SuggestionPart.of(None if over else guidance.suggestion),
        model=ModelPart.of(guidance.predicted),
        stage=guidance.predicted.stage if guidance.predicted else None,
        requires=RequiresPart(role=guidance.role, signature=guidance.signature),
        expires_at=None if guidance.expires is None else rfc3339(guidance.expires.wall_ns),
        supersedes=guidance.supersedes,
        sensitivities=SensitivityPart.of(guidance.sensitivities),
        instructions=InstructionPart.of(guidance.instructions),
    )


def _title_when_over(guidance: Guidance) -> str:
    tag = "" if guidance.suggestion is None else guidance.suggestion.tag.replace("_", " ")
    return f"{guidance.state.capitalize()}: move of {tag}"


class BoardLine(Part):
    """One open guidance on the board."""

    id: str = Field(description="to answer it by, and to find guidance/{id}")
    kind: KindWord
    state: StateWord
    severity: SeverityWord
    title: str
    material_lot_id: str | None
    equipment_id: str | None
    issued_at: str
    expires_at: str | None = Field(description="from then on it must not be followed; null: it stands until settled")
    job_order_id: str | None = None
    analyte: str | None = None
    reason: str | None = Field(default=None, description="the first reason, as a sentence")
    suggestion: SuggestionPart | None = Field(default=None, description="the move, of a setpoint's guidance")
    model: ModelPart | None = None
    requires: RequiresPart | None = None


class BoardPayload(Payload):
    """``board``: the open guidance now, for a terminal that joins late."""

    guidance: list[BoardLine]
    expires_at: str


def board_payload(
    guidance: tuple[Guidance, ...], *, line: str, cause: str, at_ns: int, expires_ns: int
) -> BoardPayload:
    """Return the board with the open guidance, in the order given."""
    return BoardPayload(
        schema="labline.board/1",
        id="board",
        cause=cause,
        issued_at=rfc3339(at_ns),
        line=line,
        guidance=[
            BoardLine(
                id=item.guidance_id,
                kind=item.kind,
                state=item.state,
                severity=item.severity,
                title=item.title,
                material_lot_id=item.material_lot_id,
                equipment_id=item.equipment_id,
                issued_at=rfc3339(item.issued_ns),
                expires_at=None if item.expires is None else rfc3339(item.expires.wall_ns),
                job_order_id=item.job_order_id,
                analyte=item.analyte,
                reason=item.reasons[0].text if item.reasons else None,
                suggestion=SuggestionPart.of(item.suggestion),
                model=ModelPart.of(item.predicted),
                requires=RequiresPart(role=item.role, signature=item.signature),
            )
            for item in guidance
        ],
        expires_at=rfc3339(expires_ns),
    )


class VerdictPart(Part):
    """Whether the gates accepted, and if not, why."""

    accepted: bool
    reasons: list[ReasonPart]

    @classmethod
    def of(cls, verdict: Verdict) -> "VerdictPart":
        """Return the part."""
        return cls(accepted=verdict.accepted, reasons=ReasonPart.of(verdict.reasons))


class BiasPart(Part):
    """The correction from laboratory results that a prediction carries."""

    value: float
    version: int


class PredictionPayload(Payload):
    """``prediction/{equipment}/{analyte}``: the latest prediction, or the reasons why there is none."""

    equipment_id: str
    analyte: str
    unit: str
    value: float | None
    low: float | None
    high: float | None
    coverage: float
    probability_out_of_specification: float | None = None
    verdict: VerdictPart
    material_lot_id: str | None
    model: ModelPart | None
    stage: StageWord
    bias: BiasPart | None = None
    expires_at: str


def prediction_payload(prediction: Prediction, *, line: str, cause: str, expires_ns: int) -> PredictionPayload:
    """Return the payload of a prediction."""
    return PredictionPayload(
        schema="labline.prediction/1",
        id=prediction.prediction_id,
        cause=cause,
        issued_at=rfc3339(prediction.at_ns),
        line=line,
        equipment_id=prediction.equipment_id,
        analyte=prediction.analyte,
        unit=prediction.unit,
        value=prediction.value,
        low=prediction.low,
        high=prediction.high,
        coverage=prediction.coverage,
        probability_out_of_specification=prediction.probability,
        verdict=VerdictPart.of(prediction.verdict),
        material_lot_id=prediction.material_lot_id,
        model=ModelPart.of(prediction),
        stage=prediction.stage,
        bias=BiasPart(value=prediction.bias, version=prediction.bias_version) if prediction.bias_version else None,
        expires_at=rfc3339(expires_ns),
    )


class RestsOnResult(Part):
    """One result version a disposition rests on."""

    sample_id: str
    test_id: str
    result_version: int | None


class RestsOnPrediction(Part):
    """The prediction at a sample's drawn time, beside its result."""

    id: str
    analyte: str
    value: float | None
    low: float | None
    high: float | None
    accepted: bool


class RestsOn(Part):
    """Everything a disposition rests on."""

    results: list[RestsOnResult]
    predictions: list[RestsOnPrediction]
    trends: list[str]
    gaps: list[str]


class DispositionPayload(Payload):
    """``disposition/{lot}``: release, review or hold, always a recommendation."""

    material_lot_id: str | None
    job_order_id: str | None
    recommendation: RecommendationWord
    provisional: bool
    latched: bool
    previous: RecommendationWord
    reasons: list[ReasonPart]
    rests_on: RestsOn
    missing_tests: list[str]
    flags: list[str]


def disposition_payload(disposition: Disposition, *, line: str, cause: str, at_ns: int) -> DispositionPayload:
    """Return the payload of a disposition."""
    return DispositionPayload(
        schema="labline.disposition/1",
        id=disposition.disposition_id,
        cause=cause,
        issued_at=rfc3339(at_ns),
        line=line,
        material_lot_id=disposition.material_lot_id,
        job_order_id=disposition.job_order_id,
        recommendation=disposition.recommendation,
        provisional=disposition.provisional,
        latched=disposition.latched,
        previous=disposition.previous,
        reasons=ReasonPart.of(disposition.reasons),
        rests_on=RestsOn(
            results=[
                RestsOnResult(sample_id=result.sample_id, test_id=result.test_id, result_version=result.result_version)
                for result in disposition.rests_on_results
            ],
            predictions=[
                RestsOnPrediction(
                    id=prediction.prediction_id,
                    analyte=prediction.analyte,
                    value=prediction.value,
                    low=prediction.low,
                    high=prediction.high,
                    accepted=prediction.verdict.accepted,
                )
                for prediction in disposition.rests_on_predictions
            ],
            trends=list(disposition.trends),
            gaps=list(disposition.gaps),
        ),
        missing_tests=list(disposition.missing_tests),
        flags=list(disposition.flags),
    )


class DeadLetterPayload(Payload):
    """``dead-letter``: what could not be understood, and why. Long payloads are cut; the store has them whole."""

    topic: str
    reasons: list[ReasonPart]
    payload_base64: str
    truncated: bool


def dead_letter_payload(letter: DeadLetter, *, line: str, cause: str, at_ns: int) -> DeadLetterPayload:
    """Return the payload of a dead letter."""
    return DeadLetterPayload(
        schema="labline.dead-letter/1",
        id=letter.dead_letter_id,
        cause=cause,
        issued_at=rfc3339(at_ns),
        line=line,
        topic=letter.topic,
        reasons=ReasonPart.of(letter.reasons),
        payload_base64=base64.b64encode(letter.payload[:_LONGEST_ECHO_BYTES]).decode(),
        truncated=len(letter.payload) > _LONGEST_ECHO_BYTES,
    )


class AuditHeadPayload(Payload):
    """``audit/head``: the signed head of the audit chain; keep some elsewhere as witnesses."""

    seq: int
    hash: str
    public_key: str
    signature: str


def audit_head_payload(signed: SignedHead) -> AuditHeadPayload:
    """Return the payload of a signed head."""
    return AuditHeadPayload(
        schema="labline.audit-head/1",
        id=identity_of("audit-head", signed.head.seq, signed.head.hash),
        cause=None,
        issued_at=rfc3339(signed.at_ns),
        line=signed.line,
        seq=signed.head.seq,
        hash=signed.head.hash,
        public_key=signed.public_key,
        signature=signed.signature,
    )


class StatusPayload(Payload):
    """``status``: how the gateway is; the broker publishes the offline one when it has gone."""

    online: bool
    version: str
    stage: dict[str, StageWord] = Field(description="by model, the stage that counts now")
    sources: dict[str, str]
    buffer: dict[str, Written]
    degraded: list[str]
    models: dict[str, dict[str, Written]]
    clock_skew_seconds: dict[str, Written] = {}
    disk: dict[str, Written] = {}
    source_reasons: dict[str, str] = {}
    tag_reasons: dict[str, str] = {}


def status_payload(
    *,
    line: str,
    at_ns: int,
    online: bool,
    version: str,
    stage: Mapping[str, str] | None = None,
    sources: Mapping[str, str] | None = None,
    buffer: Mapping[str, float] | None = None,
    degraded: tuple[str, ...] = (),
    models: Mapping[str, Mapping[str, float]] | None = None,
    clock_skew_seconds: Mapping[str, float] | None = None,
    disk: Mapping[str, float] | None = None,
    source_reasons: Mapping[str, str] | None = None,
    tag_reasons: Mapping[str, str] | None = None,
) -> StatusPayload:
    """Return the payload of a status; offline needs no more than line, time and version."""
    return StatusPayload(
        schema="labline.status/1",
        id="status",
        cause=None,
        issued_at=rfc3339(at_ns),
        line=line,
        online=online,
        version=version,
        stage=dict(stage or {}),
        sources=dict(sources or {}),
        buffer=dict(buffer or {}),
        degraded=list(degraded),
        models={name: dict(figures) for name, figures in (models or {}).items()},
        clock_skew_seconds=dict(clock_skew_seconds or {}),
        disk=dict(disk or {}),
        source_reasons=dict(source_reasons or {}),
        tag_reasons=dict(tag_reasons or {}),
    )
