"""What a request for samples stands on."""

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
class SamplingOnRecord:
    """What is known of a lot before the laboratory has measured it, and what else waits there.

    ``tested``: by analyte of the product, (failed, tested, when the newest sample was drawn).
    """

    analytes: tuple[str, ...] = ()  # that the product has a specification of
    measured: frozenset[str] = frozenset()
    queue: tuple[Waiting, ...] = ()
    predictions: tuple[Prediction, ...] = ()  # of the lot, the newest first
    fingerprint: Fingerprint | None = None
    references: tuple[Fingerprint, ...] = ()
    new_suppliers: tuple[str, ...] = ()
    materials: tuple[MaterialRisk, ...] = ()
    tested: Mapping[str, tuple[int, int, int | None]] = field(default_factory=dict)
    out_of_trend: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleRequestFacts(JudgingFacts):
    """What a request for samples stands on."""

    context: Context
    sampling: SamplingOnRecord
