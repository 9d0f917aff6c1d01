"""Now: the highest open alarm, what to do, what runs, what is predicted, and where the setpoints stand."""

from typing import Literal

from pydantic import Field

from gateway.console.views.parts import GuidanceView, View
from gateway.contract.payloads.parts import ModelPart, PredictedPart, ReasonPart, SpecificationPart
from gateway.contract.words import RecommendationWord, SeverityWord


class AlarmView(View):
    """An alarm of the gateway that stands."""

    code: str
    text: str
    severity: SeverityWord
    since_at: str | None
    latched: bool = Field(description="whether it stands until a person takes it down (act acknowledge_alarm)")
    acknowledged: bool
    shelved_until_at: str | None


class BannerView(View):
    """The one line at the top: the highest that is open."""

    severity: SeverityWord
    text: str
    guidance_id: str | None
    alarm_code: str | None
    since_at: str | None
    more: int = Field(description="how many others are open")


class LotInProgressView(View):
    """What runs on an equipment."""

    equipment_id: str
    material_lot_id: str | None
    job_order_id: str | None
    product: str | None
    client_id: str | None
    started_at: str | None
    recommendation: RecommendationWord | None
    results: int
    open_points: int


class PredictionView(View):
    """The newest prediction of an analyte, against its specification."""

    equipment_id: str
    analyte: str
    unit: str
    at: str | None
    stale: bool = Field(description="older than three ticks of its model, or there is none")
    predicted: PredictedPart | None = Field(description="null where the gates have abstained: see reasons")
    reasons: list[ReasonPart]
    specification: SpecificationPart | None
    material_lot_id: str | None
    model: ModelPart
    stage: str
    trend: str = Field(description="the path of its trend")


class SetpointView(View):
    """A setpoint: its limits and where it stands."""

    tag: str
    equipment_id: str
    unit: str
    value: float | None = Field(description="null where it is not known or not good")
    state: Literal["good", "unknown"]
    low: float = Field(description="of the validated range: the intersection of tag, input and bundle")
    high: float
    max_step: float
    proposed: float | None
    guidance_id: str | None = Field(description="the guidance that proposes it")


class NowView(View):
    """GET /api/now."""

    counter: int = Field(description="of the state event that it answers; a later event has a higher one")
    at: str
    stages: dict[str, str] = Field(description="by model, the stage that counts")
    banner: BannerView | None
    alarms: list[AlarmView]
    guidance: list[GuidanceView] = Field(description="open guidance, the most severe and newest first")
    more_guidance: int
    lots: list[LotInProgressView]
    predictions: list[PredictionView]
    setpoints: list[SetpointView]
    signatures_waiting: int
    damaged: list[str] = Field(description="records that do not match their hash and are not shown")
