"""old"""

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
from gateway.facts.lab_result import FeedbackHistory, ResultHistory, SeriesOnRecord
from gateway.records.laboratory import ProvisionalHold
from gateway.facts.model_due import LotPrediction
from gateway.facts.deviation import Investigation
from gateway.facts.sample_request import SamplingOnRecord
from gateway.facts.lot import LotFacts



@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """A read-only snapshot of everything a decision may stand on."""

    line: LineDefinition
    windows: Mapping[WindowRequest, TagWindow] = field(default_factory=dict)
    master_data: tuple[Specification, ...] = ()  # specifications that were stated by message, of what this is about
    context: Context = field(default_factory=Context)
    history: ResultHistory = field(default_factory=ResultHistory)
    sampling: SamplingOnRecord = field(default_factory=SamplingOnRecord)
    investigation: Investigation = field(default_factory=Investigation)
    series: SeriesOnRecord | None = None  # of the result, where its product is known
    controls: tuple[ControlPoint, ...] = ()  # before a control, of its analyte and instrument, the oldest first
    later_controls: tuple[ControlPoint, ...] = ()  # that were measured after it, and are judged already
    measured_since: tuple[str, ...] | None = None  # lots, since the last of them that was in line; None: there is none
    rejected_control: ControlPoint | None = None  # before or after the result was measured, where it was out
    left_series: SeriesOnRecord | None = None  # that a correction has left for another one
    lots: tuple[LotFacts, ...] = ()  # that a result or an earlier version of it speaks of, or that are judged again
    result_lots: tuple[str, ...] = ()  # that the arriving result itself speaks of
    possible_lots: tuple[str, ...] = ()  # that it may belong to, where that is all that is known
    order_products: tuple[str, ...] = ()  # what the order makes that the arriving result names
    lot_state: LotState = field(default_factory=LotState)
    lot_closed: bool = False
    lot_started_ns: int | None = None
    lot_ended_ns: int | None = None
    lot_known_until_ns: int | None = None  # until when it is on record what the lot was made by
    provisional: tuple[ProvisionalHold, ...] = ()  # of the lot, the settled ones, too
    said_of_lot: Mapping[str, tuple[LotPrediction, ...]] = field(default_factory=dict)  # by analyte, the newest first
    gaps: tuple[str, ...] = ()  # known holes in what the lot's process told
    open_guidance: tuple[Guidance, ...] = ()  # what the event is about; of the board and at a start, what it shows
    answered: Guidance | None = None
    last_advised_ns: Mapping[str, int] = field(default_factory=dict)
    learned: Mapping[str, BiasState] = field(default_factory=dict)  # of the model that is due, by analyte
    open_suggestions: tuple[Guidance, ...] = ()  # of all models
    said_last: Mapping[str, tuple[Prediction, ...]] = field(
        default_factory=dict
    )  # by its coupled_models, while it stands
    lessons: Mapping[str, FeedbackHistory] = field(
        default_factory=dict
    )  # of the models of the result's analyte, by name
    previous_configuration_sha256: str | None = None
    damaged: tuple[str, ...] = ()  # records that were left out, as they do not match their hash
    signed_head: SignedHead | None = None  # the chain's head, where it has grown since it was last signed
    head_holds: bool = True  # whether the chain still contains the head that was witnessed
    latches: tuple[str, ...] = ()  # alarms that stand until a person takes them down

    def in_force(
        self, analyte: str, at_ns: int, *, product: str | None, client_id: str | None
    ) -> tuple[Specification, ...]:
        """Return the specifications that hold of a product's analyte: the configured one, that of master data."""
        found = (
            in_force(source, product=product, analyte=analyte, client_id=client_id, at_ns=at_ns)
            for source in (self.line.specifications, self.master_data)
        )
        return tuple(each for each in found if each is not None)

    def required(self, at_ns: int, *, product: str | None, client_id: str | None) -> tuple[str, ...]:
        """Return the analytes without which no lot of a product is released."""
        stated = [each for each in (*self.line.specifications, *self.master_data) if each.product == product]
        asked = {each.analyte for each in stated if each.required}
        return tuple(
            analyte
            for analyte in dict.fromkeys(each.analyte for each in stated)
            if analyte in asked
            and any(each.required for each in self.in_force(analyte, at_ns, product=product, client_id=client_id))
        )

    @property
    def in_doubt(self) -> bool:
        """Whether an alarm stands that puts the records in doubt, and not only one model."""
        return any(not code.startswith(OF_ONE_MODEL) for code in self.latches)

    @property
    def has_forgotten(self) -> bool:
        """Whether an alarm stands that says that records of earlier are missing: what is new here may not be new."""
        return not FORGOTTEN.isdisjoint(self.latches)
