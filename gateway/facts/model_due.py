"""What a model's turn stands on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from gateway.history.windows import TagWindow, WindowRequest
from gateway.inference.feedback import BiasState, Feedback
from gateway.inference.signed_bias import SignedBias
from gateway.lab.deviations import Drafted, TimelineEntry
from gateway.lab.disposition import LotState
from gateway.lab.episodes import Standing
from gateway.lab.fingerprints import Fingerprint, MaterialUse
from gateway.lab.in_force import in_force
from gateway.lab.materials import MaterialRisk
from gateway.lab.release import Assessment, EarlierHold, LotKnowledge, Tally
from gateway.lab.samples import Measured, Point
from gateway.lab.sampling import Waiting
from gateway.lab.series import Series
from gateway.lab.together import FrozenReference
from gateway.lab.westgard import ControlPoint
from gateway.latches import FORGOTTEN, OF_ONE_MODEL
from gateway.line.definition import LineDefinition
from gateway.line.spc_rules import Together
from gateway.records.guidance import Guidance
from gateway.records.laboratory import LabResult, Specification
from gateway.records.outgoing import SignedHead
from gateway.records.prediction import Prediction
from gateway.records.production import Context
from gateway.records.verdicts import Reason



@dataclass(frozen=True, kw_only=True, slots=True)
class LotPrediction:
    """A prediction's interval while a lot was made; without numbers where the model abstained."""

    at_ns: int
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LotInProgress:
    """The lot that is being made: what is recommended for it, and what the model has said of it until now."""

    state: LotState
    closed: bool
    provisional: tuple[ProvisionalHold, ...]  # the settled ones, too
    predictions: Mapping[str, tuple[LotPrediction, ...]]  # by analyte, the newest first


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelDueFacts(JudgingFacts):
    """What a model's turn stands on; ``model``: as it is in service, None where it is not any more."""

    windows: Mapping[WindowRequest, TagWindow]
    context: Context  # what runs on the model's equipment
    open_guidance: tuple[Guidance, ...]  # of this model
    open_suggestions: tuple[Guidance, ...]  # of all models
    last_advised_ns: Mapping[str, int]  # by setpoint
    bias: Mapping[str, BiasState]  # by analyte
    coupled_predictions: Mapping[str, tuple[Prediction, ...]]  # by coupled model, while they stand, the newest last
    lot: LotInProgress
