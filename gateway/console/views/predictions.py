"""What the models say now, beside the specification in force."""

from urllib.parse import quote

from pydantic import Field

from gateway.console.snapshot import Snapshot
from gateway.console.views.parts import View
from gateway.contract.payloads.parts import ModelPart, PredictedPart, ReasonPart, SpecificationPart
from gateway.contract.times import rfc3339
from gateway.lab.in_force import in_force, in_unit
from gateway.line.definition import ModelAssignment
from gateway.line.outputs import ModelOutput
from gateway.records.guidance import GuidanceKind, RejectedAdvice
from gateway.records.laboratory import Specification
from gateway.records.prediction import Prediction
from gateway.records.production import Context
from gateway.store.facts.reading import Reading
from gateway.store.facts.rejected import rejected_of_model
from gateway.store.queries.seen import Seen


class RejectedView(View):
    """A warning that a person has rejected: they are not asked again for the same cause."""

    at: str
    person: str
    reason: str
    guidance_id: str


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
    rejected: RejectedView | None = Field(
        description="a warning of it that a person has rejected, while its condition stands"
    )
    trend: str = Field(description="the path of its trend")


def predictions_of(reading: Reading, model: ModelAssignment, snapshot: Snapshot, seen: Seen) -> list[PredictionView]:
    """Return the newest prediction of each of a model's analytes; none while what runs may not be seen."""
    context = reading.context_of_equipment(model.equipment_id, snapshot.at.wall_ns)
    if not seen.context(context):
        return []
    bundle = model.bundle
    rows = reading.rows("console_newest_predictions", {"model": model.name, "most": len(bundle.outputs)})
    newest = {
        prediction.analyte: prediction
        for prediction in reversed(reading.decoded(Prediction, rows))
        if _may_be_seen(prediction, context, seen)
    }
    rejected = rejected_of_model(reading, model.name)
    views = (_prediction(reading, model, output, newest.get(output.analyte), snapshot) for output in bundle.outputs)
    return [view.model_copy(update={"rejected": _rejected(rejected.get(view.analyte, ()), seen)}) for view in views]


def _may_be_seen(prediction: Prediction, context: Context, seen: Seen) -> bool:
    """Return whether a prediction is of a lot that may be seen; one of an order alone, of what runs now."""
    if prediction.material_lot_id is not None:
        return seen.lot(prediction.material_lot_id)
    product = prediction.material_definition_id
    return not seen.limited or product in {None, context.material_definition_id}


def _rejected(rejected: tuple[RejectedAdvice, ...], seen: Seen) -> RejectedView | None:
    warning = next((item for item in rejected if item.guidance.kind is GuidanceKind.WARNING), None)
    if warning is None or not seen.guidance(warning.guidance):
        return None
    at = rfc3339(warning.at_ns)
    return RejectedView(at=at, person=warning.person, reason=warning.reason, guidance_id=warning.guidance.guidance_id)


def _prediction(
    reading: Reading, model: ModelAssignment, output: ModelOutput, prediction: Prediction | None, snapshot: Snapshot
) -> PredictionView:
    identity, equipment_id = model.bundle.identity, model.equipment_id
    oldest_ns = snapshot.at.wall_ns - model.prediction_lives_ns
    return PredictionView(
        equipment_id=equipment_id,
        analyte=output.analyte,
        unit=output.unit,
        at=None if prediction is None else rfc3339(prediction.at_ns),
        stale=prediction is None or prediction.at_ns < oldest_ns,
        predicted=PredictedPart.of(prediction) if prediction is not None and prediction.verdict.accepted else None,
        reasons=[] if prediction is None else ReasonPart.of(prediction.verdict.reasons),
        specification=SpecificationPart.of(specification_for(reading, equipment_id, output, snapshot)),
        material_lot_id=None if prediction is None else prediction.material_lot_id,
        model=ModelPart(name=identity.name, version=identity.version, sha256=identity.sha256),
        stage=snapshot.status.stage.get(model.name, "shadow"),
        rejected=None,
        trend=f"/api/trend/{quote(equipment_id, safe='')}/{quote(output.analyte, safe='')}",
    )


def specification_for(
    reading: Reading, equipment_id: str, output: ModelOutput, snapshot: Snapshot
) -> Specification | None:
    """Return the specification of what runs on an equipment now, in the unit of the prediction."""
    context = reading.context_of_equipment(equipment_id, snapshot.at.wall_ns)
    product = context.material_definition_id
    if product is None or not snapshot.seen(reading.connection).context(context):
        return None
    known = reading.specifications(product)
    specification = in_force(
        (*known.configured, *known.stated), product=product, analyte=output.analyte, client_id=context.client_id,
        at_ns=snapshot.at.wall_ns,
    )  # fmt: skip
    return None if specification is None else in_unit(specification, output.unit or None)
