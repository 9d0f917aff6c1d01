"""Predictions, and the evidence that each one rests on."""

from dataclasses import dataclass

from gateway.records.record import Record
from gateway.records.verdicts import Reason, Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class InputEvidence:
    """What one tag contributed to a feature vector: enough to recognise the samples again."""

    tag: str
    count: int
    first_ns: int | None
    last_ns: int | None
    worst_status: int
    samples_sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureVector:
    """The inputs of a model at one instant, in the bundle's order, with their evidence."""

    end_ns: int
    names: tuple[str, ...]
    values: tuple[float, ...]
    evidence: tuple[InputEvidence, ...]
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelIdentity:
    """Which model predicted: its name, version and hash."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """Where a predicted value settles if its causes stay as they are now, with the interval of the prediction.

    ``inputs``: the model's inputs then. ``accepted``: whether they and the value pass the gates; if not, the number is
    no prediction, and only says on which side the value leaves what the model knows.
    """

    value: float
    low: float
    high: float
    inputs: tuple[float, ...]
    accepted: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction(Record):
    """A predicted value with its interval; without numbers where the gates abstained before inference."""

    prediction_id: str
    at_ns: int
    equipment_id: str
    analyte: str
    unit: str
    model: ModelIdentity
    stage: str
    value: float | None
    low: float | None
    high: float | None
    coverage: float
    features: FeatureVector | None
    verdict: Verdict
    material_lot_id: str | None
    material_definition_id: str | None
    sample_result_id: str | None = None  # set where the instant is a sample's drawn time
    no_suggestion: tuple[Reason, ...] = ()  # why no move was suggested where one was needed
    probability: float | None = None  # of being out of specification, where the model says that
    uncorrected: float | None = None  # what the model itself says, before the bias
    bias: float = 0.0
    bias_version: int = 0
    half_width_elsewhere: float | None = None  # half the interval of what a move leads to; None: as wide as here
    outlook: Outlook | None = None  # None where the causes have been steady, or no value is predicted
    cause: str = ""  # the event's id
    arrival: int = 0  # how many notifications of sources were known, so that a replay knows no more


@dataclass(frozen=True, kw_only=True, slots=True)
class Sensitivity:
    """By how much a prediction changes per unit of one input, over a change by ``over`` around its value."""

    input: str
    tag: str
    unit: str
    per_unit: float
    over: float
