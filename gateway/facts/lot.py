"""What is on record of one lot."""

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
from gateway.records.laboratory import ProvisionalHold



@dataclass(frozen=True, kw_only=True, slots=True)
class LotFacts:
    """What is on record of one lot.

    ``knowledge``: what is assessed now; ``standing``: how its subjects stand until now; ``rest``: what is not assessed
    now, which is nothing where ``whole``; ``production``: what production's own records say of it, where they hold.
    """

    knowledge: LotKnowledge
    whole: bool
    production: Context | None = None
    on_record: bool = False
    is_parent: bool = False  # whether other lots are made of it
    standing: Mapping[str, Assessment] = field(default_factory=dict)
    rest: Tally = field(default_factory=Tally)
    before: LotState = field(default_factory=LotState)
    closed: bool = False
    earlier_hold: EarlierHold | None = None
    started_ns: int | None = None
    ended_ns: int | None = None
    made_known_until_ns: int | None = None  # until when it is on record what the lot was made by
    provisional: tuple[ProvisionalHold, ...] = ()  # the settled ones, too
    final_results: frozenset[str] = frozenset()  # of those that have settled provisional holds: which still count
    gaps: tuple[str, ...] = ()  # known holes in what the lot's process told
    open_guidance: tuple[Guidance, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LotsAgainFacts(JudgingFacts):
    """What lots that are judged again stand on."""

    lots: tuple[LotFacts, ...]
