"""What the decision on a model that is due stands on."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.facts.base import JudgingFacts
from gateway.history.windows import TagWindow, WindowRequest
from gateway.inference.corrections import BiasState
from gateway.lab.disposition import LotState
from gateway.line.sustained_outside import PastJudgement
from gateway.records.guidance import Guidance, RejectedAdvice
from gateway.records.laboratory import ProvisionalHold
from gateway.records.lot_decisions import LotDecided
from gateway.records.prediction import Prediction
from gateway.records.production import Context, ProductionThen
from gateway.records.setpoints import WritesOfModel


@dataclass(frozen=True, kw_only=True, slots=True)
class LotPrediction:
    """A prediction's interval while a lot was made; without numbers where the model abstained."""

    at_ns: int
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PastPrediction:
    """A prediction as far as delays stand on it; without numbers where the model abstained."""

    at_ns: int
    low: float | None
    high: float | None
    probability: float | None = None
    heading: tuple[float, float] | None = None  # the interval of its outlook


@dataclass(frozen=True, kw_only=True, slots=True)
class LotInProgress:
    """The lot that is being made: what is recommended for it, and the model's predictions for it until now."""

    state: LotState
    closed: bool
    provisional: tuple[ProvisionalHold, ...]  # the settled ones, too
    predictions: Mapping[str, tuple[LotPrediction, ...]]  # by analyte, the newest first
    decision: LotDecided | None = None  # the newest of a person


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelDueFacts(JudgingFacts):
    """What the decision on a model that is due stands on; ``model``: as it is in service, None if it is not."""

    windows: Mapping[WindowRequest, TagWindow]
    context: Context  # what runs on the model's equipment
    production: ProductionThen  # there; of a model whose inputs do not look at it nothing is looked up
    open_guidance: tuple[Guidance, ...]  # of this model
    open_suggestions: tuple[Guidance, ...]  # of all models
    last_advised_ns: Mapping[str, int]  # by setpoint
    bias: Mapping[str, BiasState]  # by analyte
    coupled_predictions: Mapping[str, tuple[Prediction, ...]]  # by coupled model, while they stand, the newest last
    lot: LotInProgress
    writes: WritesOfModel  # to its setpoints; of a stage below automatic nothing is looked up
    earlier: tuple[tuple[float, ...], ...]  # the inputs of the predictions that the domain averages over, newest first
    judged: tuple[PastJudgement, ...]  # how the model's predictions before were judged, the newest first
    recent: Mapping[str, tuple[PastPrediction, ...]]  # by analyte, within the delays of warnings, the newest first
    silenced: frozenset[str]  # the alarms that call nobody now
    suppressed: Mapping[str, str]  # by alarm the rule that keeps it from calling now
    warnings: tuple[Guidance, ...]  # the open ones of the equipment, of any model
    rejected: Mapping[str, tuple[RejectedAdvice, ...]]  # by analyte, what a person has rejected and still counts
    announced_ns: tuple[int, ...]  # when operators were called to the equipment's guidance within the period
