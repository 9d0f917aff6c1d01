"""A prediction."""

from pydantic import Field

from gateway.contract.payloads.parts import BiasPart, ModelPart, OutlookPart, Payload, VerdictPart
from gateway.contract.times import rfc3339
from gateway.contract.words import StageWord
from gateway.records.prediction import Outlook, Prediction


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
    outlook: OutlookPart | None = Field(
        default=None,
        description="where the value settles if its causes stay as they are now; none where that passes not every gate",
    )
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
        outlook=_outlook(prediction.outlook),
        expires_at=rfc3339(expires_ns),
    )


def _outlook(outlook: Outlook | None) -> OutlookPart | None:
    if outlook is None or not outlook.accepted:
        return None
    return OutlookPart(value=outlook.value, low=outlook.low, high=outlook.high)
