"""What happens, what is known when it happens, and what is decided: the three types of the process loop.

Every kind of event takes the same path. An event's ``event_id`` is stable: for messages from outside it is
given by the store, which counts deliveries; for the gateway's own events it follows from their content.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gateway.chart_rules import Together
from gateway.contract.names import name_key
from gateway.definitions import LineDefinition, ModelAssignment
from gateway.history.windows import TagWindow, WindowRequest
from gateway.inference.feedback import Feedback, Learned
from gateway.inference.signed_bias import SignedBias
from gateway.lab.deviations import Deviation, Drafted, Happening
from gateway.lab.disposition import LotState
from gateway.lab.episodes import Standing
from gateway.lab.fingerprints import Fingerprint, MaterialUse
from gateway.lab.in_force import all_in_force, in_force
from gateway.lab.materials import MaterialRisk
from gateway.lab.release import Assessment, EarlierHold, LotKnowledge, Tally
from gateway.lab.samples import Measured, Point
from gateway.lab.sampling import Waiting
from gateway.lab.series import Series
from gateway.lab.together import FrozenReference
from gateway.lab.westgard import ControlPoint
from gateway.moments import Moment
from gateway.records import (
    AuditEntry,
    Context,
    ContextChange,
    DeadLetter,
    Disposition,
    Gap,
    Guidance,
    Head,
    LabResult,
    OutgoingMessage,
    Prediction,
    Reason,
    Response,
    ResultReference,
    SignedHead,
    Specification,
)

DRIFT = "MODEL_DRIFT_"
TOO_SLOW = "MODEL_TOO_SLOW_"
OF_ONE_MODEL = (DRIFT, TOO_SLOW)  # so begin the codes of alarms that concern one model only
# of stores that have forgotten what they knew
FORGOTTEN = frozenset({"STORE_QUARANTINED", "STORE_ROLLED_BACK", "STORE_RESTORED", "AUDIT_BEHIND_WITNESS"})


def drift_latch(model: str, analyte: str) -> str:
    """Return the code of the alarm that keeps a model, drifting in an analyte, in shadow until a person has looked."""
    return f"{DRIFT}{model.upper()}_{analyte.upper()}"


def too_slow_latch(model: str) -> str:
    """Return the code of the alarm that keeps a model in shadow whose evaluation had to be stopped."""
    return f"{TOO_SLOW}{model.upper()}"


def in_shadow(model: ModelAssignment, latches: Iterable[str]) -> bool:
    """Return whether an alarm stands that only a person can judge: no advice until one has.

    That a model drifts, or had to be stopped, concerns that model; all else concerns all of them.
    """
    own = {drift_latch(model.name, output.analyte) for output in model.bundle.outputs} | {too_slow_latch(model.name)}
    return any(not code.startswith(OF_ONE_MODEL) or code in own for code in latches)


# --- events --------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Which delivery a message came by: enough to recognise it when the broker sends it again."""

    session: str
    topic: str
    message_number: int
    redelivered: bool
    payload_sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Happened:
    """What every event has: a stable id, and the moment at which it came to be processed."""

    event_id: str = ""
    at: Moment

    @property
    def at_ns(self) -> int:
        """Return the wall time, in nanoseconds UTC."""
        return self.at.wall_ns


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultArrived(Happened):
    """A laboratory result came in."""

    origin: Origin
    result: LabResult
    payload: bytes

    @property
    def measured_ns(self) -> int:
        """When it was measured: as it says, of a control when it was taken, else when it came."""
        taken_ns = self.result.sampled_ns if self.result.control_id is not None else None
        return next(each for each in (self.result.analysed_ns, taken_ns, self.at_ns) if each is not None)


@dataclass(frozen=True, kw_only=True, slots=True)
class ContextChanged(Happened):
    """An order, lot, material or equipment changed."""

    origin: Origin
    change: ContextChange
    payload: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class SpecificationStated(Happened):
    """Master data stated a version of a specification, or withdrew it."""

    origin: Origin
    specification: Specification
    withdrawn: bool
    payload: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class ResponseArrived(Happened):
    """A person at a terminal answered."""

    origin: Origin
    response: Response
    payload: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageRefused(Happened):
    """A message came in that cannot be understood; ``about``: of which lots or sample it speaks, if known."""

    origin: Origin
    payload: bytes
    reasons: tuple[Reason, ...]
    about: ResultReference | None = None
    contradicts: LabResult | None = None  # what it says, where something else is on record under its version


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelDue(Happened):
    """A model is to predict now."""

    model: str


class Timer(StrEnum):
    """What the gateway does by the clock."""

    EXPIRE_GUIDANCE = "expire_guidance"
    REFRESH_BOARD = "refresh_board"
    SIGN_HEAD = "sign_head"


@dataclass(frozen=True, kw_only=True, slots=True)
class TimerDue(Happened):
    """A timer ran out."""

    timer: Timer


class FollowUpKind(StrEnum):
    """What follows a decision, later and apart from it."""

    FINGERPRINT = "fingerprint"  # of a lot that has ended: what it was made by
    DEVIATION = "deviation"  # of a result that failed: the draft of an investigation
    SAMPLE_REQUEST = "sample_request"  # of a lot that has ended: which tests the laboratory is asked for
    JUDGE_AGAIN = "judge_again"  # of very many lots that are to be judged again: the next ones


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowUp:
    """Work that a decision leaves for later, committed with it: slow work never delays a disposition.

    ``subject``: the lot, or the result's id; the process window is of that equipment's tags between the two instants.
    """

    kind: FollowUpKind
    subject: str
    equipment_id: str | None
    from_ns: int
    until_ns: int
    begins_with_lot: bool = False  # whether the first instant is when the lot was begun
    material_lot_id: str | None = None  # of a result: for which lot it failed, where its own words do not say


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowUpDue(Happened):
    """A follow-up's turn has come."""

    follow_up: FollowUp


@dataclass(frozen=True, kw_only=True, slots=True)
class GapNoticed(Happened):
    """Data is missing, and that is known."""

    gap: Gap


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadWitnessed(Happened):
    """The broker still has a head of our audit chain that it was told earlier."""

    head: Head


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreChecked(Happened):
    """The full check of the store has run."""

    rows: int
    audit_lines: int
    damaged: int
    wrong: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayStarted(Happened):
    """The daemon came up with this configuration and these bundles."""

    version: str
    configuration_sha256: str
    bundles: Mapping[str, str]
    stages: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionTaken(Happened):
    """A version of a model that was promoted or rolled back to is in service from now on."""

    model: str
    version: str
    bundle_sha256: str
    stage: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AdviceWithheld(Happened):
    """The second check kept a message back; ``refused``: by the id of each guidance in it that it refuses, why."""

    refused: Mapping[str, Reason]


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayStopped(Happened):
    """The daemon is stopping in order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LotsJudgedAgain(Happened):
    """What lots are judged by has changed: production context, a specification, a refused message, a parent lot."""

    lots: tuple[str, ...]
    because: str  # the event's id that has changed it


Arrived = ResultArrived | ContextChanged | SpecificationStated | ResponseArrived | MessageRefused
Event = (
    Arrived | ModelDue | TimerDue | GapNoticed | HeadWitnessed | StoreChecked | GatewayStarted | GatewayStopped
    | VersionTaken | AdviceWithheld | FollowUpDue | LotsJudgedAgain
)  # fmt: skip

# --- what is known -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultHistory:
    """What is on record of the same sample, test and replicate."""

    current: LabResult | None = None
    next_version: int = 1
    repeats_current: bool = False
    repeats_superseded: str | None = None  # the id of the version that an unversioned message says again
    says_nothing_new: bool = False  # a message of the current version that is of an earlier status


@dataclass(frozen=True, kw_only=True, slots=True)
class Lessons:
    """What the laboratory has taught of a model: the results, since when they are charted, and what follows of them."""

    entries: tuple[Feedback, ...] = ()
    superseded: Feedback | None = None  # of the version before of the result that has arrived
    charts_from_ns: int = 0
    state: Learned = field(default_factory=Learned)
    acts: tuple[SignedBias, ...] = ()  # the corrections that people have signed, until now


@dataclass(frozen=True, kw_only=True, slots=True)
class ProvisionalHold:
    """A lot's hold before its result, by a prediction; ``settled_by``: the result that confirmed or withdrew it.

    ``since_ns``: from when on what the model spoke of was made. An earlier sample says nothing of it.
    """

    material_lot_id: str
    analyte: str
    prediction_id: str
    since_ns: int
    settled_by: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SaidOfLot:
    """A prediction's interval while a lot was made; without numbers where the model abstained."""

    at_ns: int
    low: float | None
    high: float | None


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
    timeline: tuple[Happening, ...] = ()
    history: tuple[tuple[int, float], ...] = ()
    references: tuple[Fingerprint, ...] = ()  # of in-control lots
    alike: tuple[Fingerprint, ...] = ()  # of lots that failed alike lately
    earlier: tuple[Earlier, ...] = ()
    sensitivities: Mapping[str, float] = field(default_factory=dict)
    of_lot: Standing | None = None  # the deviation of the result's lot
    of_series: Standing | None = None  # the newest episode of its series
    in_line_since: int = 0  # results of the series since the last that joined the episode


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplingSituation:
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
class WantedTest:
    """A test that is asked for."""

    analyte: str
    test_id: str
    test_name: str
    priority: str
    reason: str
    probability: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleRequested:
    """The laboratory is asked for a lot's tests; ``position``: its place in the queue, from 1."""

    request_id: str
    material_lot_id: str
    job_order_id: str | None
    product: str | None
    equipment_id: str | None
    tests: tuple[WantedTest, ...]
    waiting: Waiting
    position: int
    due_ns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class IncomingTested:
    """A result of incoming material: whether it failed, None where it says neither.

    ``withdrawn``: the version that no longer counts.
    """

    result_id: str
    supplier: str
    material: str
    analyte: str
    failed: bool | None
    withdrawn: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesSituation:
    """The series of a result's product and analyte.

    ``points``: where it is to be charted again (no limits yet, a result out of its order, another replicate, a
    correction), those of other samples on record; None where it goes on from where it stands. ``replicates``: the
    other results of the same sample. ``samples``: of earlier samples, their values by analyte, where
    a reference of several analytes is still to be frozen.
    """

    series: Series
    points: tuple[Point, ...] | None
    replicates: tuple[Measured, ...] = ()
    replaced_ns: int | None = None  # when the point counts that a correction takes the place of
    together: Mapping[Together, FrozenReference | None] = field(default_factory=dict)
    sample_values: Mapping[str, float] = field(default_factory=dict)  # of the same sample, by analyte
    samples: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


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
    names_with_bars: bool = False  # whether production calls any lot by a name with |
    started_ns: int | None = None
    ended_ns: int | None = None
    made_known_until_ns: int | None = None  # until when it is on record what the lot was made by
    provisional: tuple[ProvisionalHold, ...] = ()  # the settled ones, too
    final_results: frozenset[str] = frozenset()  # of those that have settled provisional holds: which still count
    gaps: tuple[str, ...] = ()  # known holes in what the lot's process told
    open_guidance: tuple[Guidance, ...] = ()


_NO_SAMPLING, _NO_INVESTIGATION = SamplingSituation(), Investigation()
_NOTHING_RAN, _NO_HISTORY, _NOT_JUDGED = Context(), ResultHistory(), LotState()


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """A read-only snapshot of everything a decision may stand on."""

    line: LineDefinition
    windows: Mapping[WindowRequest, TagWindow] = field(default_factory=dict)
    master_data: tuple[Specification, ...] = ()  # specifications that were stated by message, of what this is about
    context: Context = _NOTHING_RAN
    history: ResultHistory = _NO_HISTORY
    sampling: SamplingSituation = _NO_SAMPLING
    investigation: Investigation = _NO_INVESTIGATION
    series: SeriesSituation | None = None  # of the result, where its product is known
    controls: tuple[ControlPoint, ...] = ()  # before a control, of its analyte and instrument, the oldest first
    later_controls: tuple[ControlPoint, ...] = ()  # that were measured after it, and are judged already
    measured_since: tuple[str, ...] | None = None  # lots, since the last of them that was in line; None: there is none
    rejected_control: ControlPoint | None = None  # before or after the result was measured, where it was out
    left_series: SeriesSituation | None = None  # that a correction has left for another one
    lots: tuple[LotFacts, ...] = ()  # that a result or an earlier version of it speaks of, or that are judged again
    result_lots: tuple[str, ...] = ()  # that the arriving result itself speaks of
    possible_lots: tuple[str, ...] = ()  # that it may belong to, where that is all that is known
    order_products: tuple[str, ...] = ()  # what the order makes that the arriving result names
    lot_state: LotState = _NOT_JUDGED
    lot_closed: bool = False
    lot_started_ns: int | None = None
    lot_ended_ns: int | None = None
    lot_known_until_ns: int | None = None  # until when it is on record what the lot was made by
    provisional: tuple[ProvisionalHold, ...] = ()  # of the lot, the settled ones, too
    said_of_lot: Mapping[str, tuple[SaidOfLot, ...]] = field(default_factory=dict)  # by analyte, the newest first
    gaps: tuple[str, ...] = ()  # known holes in what the lot's process told
    open_guidance: tuple[Guidance, ...] = ()  # what the event is about; of the board and at a start, what it shows
    answered: Guidance | None = None
    last_advised_ns: Mapping[str, int] = field(default_factory=dict)
    learned: Mapping[str, Learned] = field(default_factory=dict)  # of the model that is due, by analyte
    open_suggestions: tuple[Guidance, ...] = ()  # of all models
    said_last: Mapping[str, tuple[Prediction, ...]] = field(default_factory=dict)  # by its neighbours, while it stands
    lessons: Mapping[str, Lessons] = field(default_factory=dict)  # of the models of the result's analyte, by name
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
        sources = (self.line.specifications, self.master_data)
        stated = [each for source in sources for each in source if each.product == product]
        asked = {each.analyte for each in stated if each.required}
        if product is None or not asked:
            return ()
        holding = (
            each
            for source in sources
            for each in all_in_force(source, product=product, client_id=client_id, at_ns=at_ns)
        )
        required = {name_key(each.analyte) for each in holding if each.required}
        analytes = dict.fromkeys(each.analyte for each in stated)
        return tuple(analyte for analyte in analytes if analyte in asked and name_key(analyte) in required)

    @property
    def in_doubt(self) -> bool:
        """Whether an alarm stands that puts the records in doubt, and not only one model."""
        return any(not code.startswith(OF_ONE_MODEL) for code in self.latches)

    @property
    def has_forgotten(self) -> bool:
        """Whether an alarm stands that says that records of earlier are missing: what is new here may not be new."""
        return not FORGOTTEN.isdisjoint(self.latches)


# --- what is decided -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultAccepted:
    """A result version joins the record; ``supersedes`` is the version it takes over from."""

    result: LabResult
    supersedes: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LotJudged:
    """A lot's state after a disposition."""

    disposition: Disposition
    material_lot_id: str | None
    state: LotState


@dataclass(frozen=True, kw_only=True, slots=True)
class LotAssessed:
    """What speaks for and against a lot after an event: assessments that are new or changed, subjects that are gone.

    ``whole``: all of the lot was assessed, so that nothing waits to be judged again; ``is_parent``: other lots are made
    of it.
    """

    material_lot_id: str
    changed: tuple[Assessment, ...]
    removed: tuple[str, ...]
    whole: bool
    is_parent: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenLotsQuestioned:
    """The newest lots that are not closed, so many at most, are to be judged again."""

    most: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultRestated:
    """An unversioned message says what a later one had replaced; ``result_id``: that version, None: it is over."""

    of: LabResult
    result_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultRefused:
    """A refused message speaks of lots, or of a sample whose lots are not known yet."""

    dead_letter_id: str
    about: ResultReference
    reasons: tuple[Reason, ...]
    contradicts: LabResult | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ResponseRecorded:
    """A response joins the record; ``outcome`` says what it did."""

    response: Response
    outcome: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SpecificationRecorded:
    """A version of a specification, or its withdrawal, joins the record."""

    specification: Specification
    withdrawn: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesCharted:
    """Where a series stands after a result, and its sample's point; None: the sample has none any more."""

    product: str
    analyte: str
    sample_id: str
    series: Series
    point: Point | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlJudged:
    """A control's point joins the record, where it has one; ``withdrawn``: the version whose point goes."""

    point: ControlPoint | None
    withdrawn: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferenceFrozen:
    """From now on several analytes of a sample are judged together."""

    wanted: Together
    reference: FrozenReference


@dataclass(frozen=True, kw_only=True, slots=True)
class Latched:
    """An alarm that stands until a person takes it down."""

    code: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelLearned:
    """What follows of a model after a result taught it something; ``withdrawn``: the result that no longer counts."""

    bundle_sha256: str
    analyte: str
    charts_from_ns: int
    state: Learned
    entry: Feedback | None
    withdrawn: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EpochBegun:
    """The store is known to have forgotten something: what it decides from here on gets ids of a new epoch."""

    epoch: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Unlatched:
    """An alarm that stood is over, by the gateway's own finding."""

    code: str


Record = (
    ResultAccepted
    | LotJudged
    | LotAssessed
    | ResultRestated
    | OpenLotsQuestioned
    | ResultRefused
    | ResponseRecorded
    | ProvisionalHold
    | Fingerprint
    | Deviation
    | SampleRequested
    | IncomingTested
    | SpecificationRecorded
    | SeriesCharted
    | ControlJudged
    | ReferenceFrozen
    | ContextChange
    | Prediction
    | Guidance
    | DeadLetter
    | Gap
    | SignedHead
    | Latched
    | EpochBegun
    | ModelLearned
    | Unlatched
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """Everything that follows from one event, committed in one transaction with it."""

    records: tuple[Record, ...] = ()
    audit: tuple[AuditEntry, ...] = ()
    messages: tuple[OutgoingMessage, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()

    def __add__(self, other: "Decision") -> "Decision":
        if other == _NOTHING:
            return self
        return Decision(
            records=self.records + other.records,
            audit=self.audit + other.audit,
            messages=self.messages + other.messages,
            follow_ups=self.follow_ups + other.follow_ups,
        )


_NOTHING = Decision()
