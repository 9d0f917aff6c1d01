"""What the decision on a laboratory result stands on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.facts.base import Facts, JudgingFacts
from gateway.facts.lot import LotFacts
from gateway.history.windows import TagWindow, WindowRequest
from gateway.inference.corrections import BiasState
from gateway.inference.feedback import Feedback
from gateway.lab.multivariate_charts import FrozenReference
from gateway.lab.samples import Measured, Point
from gateway.lab.series import Series, SeriesKey
from gateway.lab.westgard import ControlPoint
from gateway.line.spc_rules import Together
from gateway.records.guidance import Guidance
from gateway.records.laboratory import LabResult
from gateway.records.people import SignedBias
from gateway.records.production import Context, ProductionThen


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultHistory:
    """What is on record of the same sample, test and replicate."""

    current: LabResult | None = None
    next_version: int = 1
    repeats_current: bool = False
    repeats_superseded: str | None = None  # the id of the version whose value an unversioned message repeats
    says_nothing_new: bool = False  # a message of the current version that is of an earlier status


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedbackHistory:
    """The laboratory's feedback on a model: the results, since when they are charted, and the state that they give."""

    entries: tuple[Feedback, ...] = ()
    superseded: Feedback | None = None  # of the version before of the result that has arrived
    charts_from_ns: int = 0
    state: BiasState = field(default_factory=BiasState)
    acts: tuple[SignedBias, ...] = ()  # the corrections that people have signed, until now


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesOnRecord:
    """The series of a result's scope, product and analyte.

    ``points``: where it is to be charted again (no limits yet, a result out of its order, another replicate, a
    correction), those of other samples on record; None where it goes on from where it stands. ``replicates``: the
    other results of the same sample. ``samples``: of earlier samples, their values by analyte, where
    a reference of several analytes is still to be frozen.
    """

    key: SeriesKey
    series: Series
    points: tuple[Point, ...] | None
    replicates: tuple[Measured, ...] = ()
    replaced_ns: int | None = None  # when the point counts that a correction takes the place of
    together: Mapping[Together, FrozenReference | None] = field(default_factory=dict)
    sample_values: Mapping[str, float] = field(default_factory=dict)  # of the same sample, by analyte
    samples: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class QcSampleFacts(Facts):
    """What the decision on a control sample stands on: the controls around it, and the lots that it would concern.

    ``controls``: before it, of its analyte and instrument, the oldest first; ``later_controls``: measured after it, and
    judged already. ``measured_since``: the lots since the last control that was in line; None: there is none.
    """

    history: ResultHistory
    context: Context
    controls: tuple[ControlPoint, ...]
    later_controls: tuple[ControlPoint, ...]
    measured_since: tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LabResultFacts(JudgingFacts):
    """What the decision on a laboratory result stands on.

    ``lots``: those that it or an earlier version of it speaks of; ``result_lots``: those that it speaks of itself;
    ``possible_lots``: those that it may belong to, where that is all that is known. ``order_products``: what the order
    makes that it names. ``left_series``: the series that a correction has left for another one. ``rejected_control``:
    measured before or after it, where it was out. ``known_until_ns``: until when it is on record what the lot was made
    by. ``open_guidance``: about its sample, where it names no lot.
    """

    windows: Mapping[WindowRequest, TagWindow]
    history: ResultHistory
    context: Context
    lots: tuple[LotFacts, ...]
    result_lots: tuple[str, ...]
    possible_lots: tuple[str, ...]
    order_products: tuple[str, ...]
    lot_started_ns: int | None
    lot_ended_ns: int | None
    known_until_ns: int | None
    series: SeriesOnRecord | None
    left_series: SeriesOnRecord | None
    rejected_control: ControlPoint | None
    feedback: Mapping[str, FeedbackHistory]  # of the models of its analyte, by name
    production: Mapping[str, ProductionThen]  # by such a model: what was made on its equipment at the drawn time
    open_guidance: tuple[Guidance, ...]
