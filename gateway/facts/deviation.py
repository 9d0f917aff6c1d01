"""What the draft of a deviation stands on."""

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
class Earlier:
    """An earlier deviation, what was done about its lot, and whether the value came back."""

    deviation: Drafted
    done: tuple[str, ...]
    helped: bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Investigation:
    """What is on record around a lot, or around a result that failed."""

    uses: tuple[MaterialUse, ...] = ()  # of the lot's genealogy
    result: LabResult | None = None
    reasons: tuple[Reason, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()
    history: tuple[tuple[int, float], ...] = ()
    references: tuple[Fingerprint, ...] = ()  # of in-control lots
    alike: tuple[Fingerprint, ...] = ()  # of lots that failed alike lately
    earlier: tuple[Earlier, ...] = ()
    sensitivities: Mapping[str, float] = field(default_factory=dict)
    of_lot: Standing | None = None  # the deviation of the result's lot
    of_series: Standing | None = None  # the newest episode of its series
    in_line_since: int = 0  # results of the series since the last that joined the episode


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviationFacts(JudgingFacts):
    """What the draft of a deviation stands on; ``gaps``: known holes in what the process told."""

    windows: Mapping[WindowRequest, TagWindow]
    context: Context
    investigation: Investigation
    gaps: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FingerprintFacts(Facts):
    """What the record stands on of what an ended lot was made by; ``uses``: of the lot's genealogy."""

    windows: Mapping[WindowRequest, TagWindow]
    context: Context
    uses: tuple[MaterialUse, ...]
