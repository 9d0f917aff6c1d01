"""What a decision consists of: records, audit entries, messages, and work for later."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.inference.corrections import BiasState
from gateway.inference.feedback import Feedback
from gateway.lab.disposition import LotState
from gateway.lab.multivariate_charts import FrozenReference
from gateway.lab.release.assessment import Assessment
from gateway.lab.samples import Point
from gateway.lab.sampling import Waiting
from gateway.lab.series import Series, SeriesKey
from gateway.lab.westgard import ControlPoint
from gateway.line.spc_rules import Together
from gateway.records.acts import Answer
from gateway.records.follow_ups import FollowUp
from gateway.records.laboratory import Disposition, LabResult, ResultReference, Specification
from gateway.records.outgoing import AuditEntry, OutgoingMessage
from gateway.records.record import Record
from gateway.records.scope import Scope
from gateway.records.verdicts import Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestedTest:
    """A test that the laboratory is asked for."""

    analyte: str
    test_id: str
    test_name: str
    priority: str
    reason: str
    probability: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleRequested(Record):
    """The laboratory is asked for a lot's tests; ``position``: its place in the queue, from 1."""

    request_id: str
    material_lot_id: str
    job_order_id: str | None
    product: str | None
    equipment_id: str | None
    tests: tuple[RequestedTest, ...]
    waiting: Waiting
    position: int
    due_ns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class IncomingTested(Record):
    """A result of incoming material; ``failed``: None if it shows neither a failure nor a success.

    ``withdrawn``: the version that no longer counts.
    """

    result_id: str
    scope: Scope
    supplier: str
    material: str
    analyte: str
    failed: bool | None
    withdrawn: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LotsInQuestion:
    """The other lots that a result may concern, which are judged again.

    ``possible``: those that it may belong to, if its lot is not known for certain. ``placed_by_production``: whether
    production, not the result, named the lot of the version before, so that all of it may change. ``of_sample``:
    whether other lots may be named for its sample. ``names_with_bars``: whether production uses names with bars.
    ``new_names``: names that come up for the first time.
    """

    possible: tuple[str, ...]
    placed_by_production: bool
    of_sample: bool
    names_with_bars: bool
    new_names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultAccepted(Record):
    """A version of a result is put on record; ``supersedes``: the version that it replaces.

    ``current``: whether it is the one that counts. ``lots``: None of a control, which has no lot.
    """

    result: LabResult
    supersedes: str | None
    current: bool
    lots: LotsInQuestion | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LotJudged(Record):
    """A lot's state after a disposition; ``stands_already``: whether the lot's row already has this state."""

    disposition: Disposition
    material_lot_id: str | None
    state: LotState
    stands_already: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class LotAssessed(Record):
    """What speaks for and against a lot after an event: assessments that are new or changed, subjects that are gone.

    ``whole``: all of the lot was assessed, so that nothing waits to be judged again; ``is_parent``: other lots are made
    of it; ``named_alike``: other lots have names that only look like its own; ``has_parts``: it is divided.
    ``revives``: the lot into which it was put back, as a part of which something is known by itself now, or no more.
    ``copied``: of a part, by their subjects the hashes of what of its lot is copied anew.
    """

    material_lot_id: str
    changed: tuple[Assessment, ...]
    removed: tuple[str, ...]
    whole: bool
    is_parent: bool
    named_alike: bool
    has_parts: bool = False
    revives: str | None = None
    copied: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenLotsQuestioned(Record):
    """The newest lots that are not closed, at most so many, are to be judged again."""

    most: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LotsQuestioned(Record):
    """Lots, and parts of lots, that are to be judged again."""

    lots: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultRestated(Record):
    """A message without version repeats a result that a later one had replaced.

    ``result_id``: the version that is repeated; None: no version is repeated any more.
    """

    of: LabResult
    result_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultRefused(Record):
    """A refused message names lots, or a sample whose lots are not known yet."""

    dead_letter_id: str
    about: ResultReference
    reasons: tuple[Reason, ...]
    contradicts: LabResult | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SpecificationRecorded(Record):
    """A version of a specification, or its withdrawal, is put on record."""

    specification: Specification
    withdrawn: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesCharted(Record):
    """The state of a series after a result; ``point``: the sample's point, None if it has none any more."""

    key: SeriesKey
    sample_id: str
    series: Series
    point: Point | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlJudged(Record):
    """A control's point, if it has one, is put on record; ``withdrawn``: the version whose point is removed."""

    point: ControlPoint | None
    withdrawn: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferenceFrozen(Record):
    """The reference is frozen by which several analytes of a sample are judged together from now on."""

    scope: Scope
    group: Together
    reference: FrozenReference


@dataclass(frozen=True, kw_only=True, slots=True)
class Latched(Record):
    """An alarm that stands until a person takes it down."""

    code: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelLearned(Record):
    """A model's correction and charts after a result; ``withdrawn``: the result that no longer counts."""

    bundle_sha256: str
    analyte: str
    charts_from_ns: int
    state: BiasState
    entry: Feedback | None
    withdrawn: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EpochBegun(Record):
    """The store has lost records, as is known: its decisions from now on get ids of a new epoch."""

    epoch: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Unlatched(Record):
    """An alarm no longer stands: its cause is gone, or a person took it down."""

    code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """Everything that follows from one event, committed in one transaction with it.

    ``answer``: the reply to the person who asked for an act, given once it is committed; None for other events.
    """

    records: tuple[Record, ...] = ()
    audit: tuple[AuditEntry, ...] = ()
    messages: tuple[OutgoingMessage, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()
    answer: Answer | None = None

    def __add__(self, other: "Decision") -> "Decision":
        if other == _NOTHING:
            return self
        return Decision(
            records=self.records + other.records,
            audit=self.audit + other.audit,
            messages=self.messages + other.messages,
            follow_ups=self.follow_ups + other.follow_ups,
            answer=self.answer or other.answer,
        )


_NOTHING = Decision()
