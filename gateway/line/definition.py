"""What a line is: its tags, specifications and models, as the decision rooms see them.

Built once from the configuration and the bundles by the composition root. Pure data and one deterministic
function per model (``predict``), so that a decision needs no settings, no file and no library.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from gateway.line.alarm_rules import USUAL_RATIONING, WARN_AT_ONCE, Rationing, SuppressionRule, WarningRules
from gateway.line.certificates import NO_CERTIFICATES, CertificateRules
from gateway.line.derived_inputs import SMALLEST_DIVISOR, Category, Stretch, Transform
from gateway.line.laboratory import UNKNOWN_LOAD, LaboratoryLoad
from gateway.line.limits import Limits
from gateway.line.model_domain import Domain
from gateway.line.outputs import ModelOutput
from gateway.line.procedures import Procedure
from gateway.line.review_rules import USUAL_REVIEW, ReviewRules
from gateway.line.setpoint_writes import NO_WRITES, SetpointWrites
from gateway.line.sinks import Sink
from gateway.line.spc_rules import ControlMaterial, Together, TrendRules
from gateway.line.sustained_outside import SustainedOutside
from gateway.records.act_kinds import ActKind
from gateway.records.laboratory import Specification
from gateway.records.outgoing import Head, SignedHead
from gateway.records.prediction import ModelIdentity
from gateway.records.sight import NO_SIGHTS, Sights
from gateway.records.signatures import SignaturePolicy

Predict = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Rows of features, shape (n, inputs), to the model's outputs, shape (n, columns). Deterministic."""
SignHead = Callable[[Head, int], SignedHead]
"""A head of the audit chain and the time, to the signed head. Deterministic."""

FINEST_STEP = 1e-6  # of max_step, that a setpoint's resolution may be


class Aggregate(StrEnum):
    """How a window of a tag becomes one number. All are time-weighted with step interpolation."""

    MEAN = "mean"
    LAST = "last"
    MIN = "min"
    MAX = "max"
    STANDARD_DEVIATION = "standard_deviation"
    SLOPE = "slope"
    INTEGRAL = "integral"  # in its unit times seconds
    TIME_ABOVE = "time_above"  # seconds above a level
    TIME_BELOW = "time_below"
    DURATION = "duration"  # seconds, of a stretch of a batch; of no tag


LEVELS = frozenset({Aggregate.MEAN, Aggregate.LAST, Aggregate.MIN, Aggregate.MAX})  # in the tag's own scale


class Stage(IntEnum):
    """How far a model may go. A higher stage includes the lower ones."""

    SHADOW = 0
    ADVISE = 1
    APPROVE = 2
    AUTOMATIC = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class TagDefinition:
    """A process tag: where it comes from and when its value may be used."""

    name: str
    source: str
    node: str
    equipment_id: str
    unit: str
    validated: Limits | None
    max_age_ns: int
    accept_uncertain: bool = False
    max_rate_per_second: float | None = None
    frozen_after_ns: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class InputDefinition:
    """One model input: an aggregate of a tag over a window that ends ``lag_ns`` before a prediction.

    It may be divided by the same aggregate of another tag (``over``), transformed, and reduced by the same of
    ``difference_ns`` earlier (see ``gateway.line.derived_inputs``). ``unit`` is that of the tag. ``tag`` is empty where
    it is of none: the duration of a stretch of a batch, or the product as a category.
    """

    name: str
    tag: str
    aggregate: Aggregate
    window_ns: int
    lag_ns: int
    unit: str
    validated: Limits
    minimum_coverage: float = 0.8
    time_unit_seconds: float = 1.0  # slopes are per so long
    frozen_after_ns: int | None = None  # a sensor that has shown the very same value for so long is stuck
    over: str | None = None  # the tag that it is divided by
    over_frozen_after_ns: int | None = None  # as of the tag itself
    smallest_divisor: float = SMALLEST_DIVISOR  # of what has a smaller size there is no ratio or reciprocal
    transform: Transform | None = None
    difference_ns: int | None = None
    level: float | None = None  # of time above or below it
    stretch: Stretch | None = None  # of the batch; the window is then as long as that may be
    category: Category | None = None  # whether the tag (or, without one, the product) is of that level: 1 or 0
    learned: Limits | None = None  # the part of ``validated`` in which the model has learned; None: not stated

    @property
    def is_plain(self) -> bool:
        """Return whether it is one window of one tag, or none at all."""
        return self.over is None and self.transform is None and self.difference_ns is None and self.category is None

    @property
    def is_level(self) -> bool:
        """Return whether it is in its tag's own scale, and follows what the tag does one to one."""
        return self.is_plain and self.stretch is None and self.aggregate in LEVELS

    @property
    def bends(self) -> bool:
        """Return whether it follows its tags, once settled, but by no fixed number."""
        settles = self.aggregate in {Aggregate.SLOPE, Aggregate.STANDARD_DEVIATION} or self.difference_ns is not None
        return not self.is_level and not settles and not self.is_product

    @property
    def is_product(self) -> bool:
        """Return whether it is the product as a category, which no tag moves."""
        return self.category is not None and not self.tag

    @property
    def looks_at_production(self) -> bool:
        """Return whether it stands on what is made, besides tags."""
        return self.stretch is not None or self.is_product

    @property
    def unit_of_value(self) -> str:
        """Return the unit of what it is, none of a ratio, transform or category."""
        return self.unit if self.over is None and self.transform is None and self.category is None else ""

    @property
    def tags(self) -> tuple[str, ...]:
        """Return the tags that it is made of."""
        return tuple(tag for tag in (self.tag, self.over) if tag)

    @property
    def reach_ns(self) -> int:
        """Return how long before a prediction its earliest window begins."""
        return self.lag_ns + self.window_ns + (self.difference_ns or 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Interlock:
    """A condition of a move: a tag (a mode, a permissive) that must lie within limits, both inclusive.

    ``states``: where there are any, it must be one of these values (of an enumeration), and ``within`` is their span.
    """

    tag: str
    within: Limits
    states: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ManipulatedTag:
    """A setpoint that a model may suggest to move, and how inputs follow it.

    ``gains``: by how many of its units an input moves, once settled, for one unit of the setpoint.
    ``may_suggest``: False where the training data do not confirm what a move does; then none is suggested.
    """

    tag: str
    unit: str
    validated: Limits
    max_step: float
    resolution: float
    minimum_interval_ns: int
    gains: Mapping[str, float]
    interlocks: tuple[Interlock, ...] = ()
    may_suggest: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Approval:
    """Who signed a bundle, up to which stage, and with which key (hex)."""

    approver: str
    stage: Stage
    meaning: str
    signed_at: str
    public_key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelBundle:
    """What a bundle promises, read and checked: see ``gateway.inference.bundle``."""

    identity: ModelIdentity
    intended_use: str
    inputs: tuple[InputDefinition, ...]
    outputs: tuple[ModelOutput, ...]
    manipulated: tuple[ManipulatedTag, ...]
    domain: Domain | None = None  # where the model has learned; None: not stated
    outside: SustainedOutside | None = None  # when nothing is trusted for a while; None: each prediction by itself
    approval: Approval | None = None  # its signature holds; whether its key is trusted, the line says

    @property
    def columns(self) -> int:
        """Return the number of columns that the model gives for a row."""
        return sum((output.value is not None) + (output.probability is not None) for output in self.outputs)

    @property
    def corrected_by_people(self) -> tuple[str, ...]:
        """Return the analytes that only a signed correction corrects."""
        return tuple(
            output.analyte
            for output in self.outputs
            if output.value is not None and output.value.bias is not None and output.value.bias.signed
        )

    def output_of(self, analyte: str) -> ModelOutput | None:
        """Return the model's output of an analyte, or None."""
        return next((output for output in self.outputs if output.analyte == analyte), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelAssignment:
    """A bundle at work on an equipment."""

    bundle: ModelBundle
    predict: Predict
    equipment_id: str
    every_ns: int
    stage: Stage
    expires_after_ns: int
    ceiling: Stage | None = None  # by configuration and approval, where a signed stage keeps it lower; None: as stage
    warnings: WarningRules = WARN_AT_ONCE

    @property
    def name(self) -> str:
        """Return the name that events, records and status use for it."""
        return self.bundle.identity.name

    @property
    def prediction_lives_ns(self) -> int:
        """Return how long a prediction holds without a newer one, in nanoseconds: three ticks of the model."""
        return 3 * self.every_ns


UTC_ZONE = ZoneInfo("UTC")
CANDIDATE = "_candidate"  # suffix of a version that predicts in shadow while another is in service


@dataclass(frozen=True, kw_only=True, slots=True)
class LineDefinition:
    """Everything that a decision may know about the line itself."""

    path: str
    topic_root: str
    tags: Mapping[str, TagDefinition]
    specifications: tuple[Specification, ...]
    trends: tuple[TrendRules, ...] = ()
    together: tuple[Together, ...] = ()
    controls: tuple[ControlMaterial, ...] = ()
    procedures: tuple[Procedure, ...] = ()
    time_zone: ZoneInfo = UTC_ZONE  # of the plant's shifts
    language: str = "en"  # of what people read
    units: Mapping[str, str] = field(default_factory=dict)  # as the plant's screens write them, where it says so
    sampling: bool = False  # whether samples are requested when lots end
    tests_per_hour: float | None = None  # that the laboratory can do
    lab_tests: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # by analyte: its id and name there
    laboratory_load: LaboratoryLoad = UNKNOWN_LOAD
    models: tuple[ModelAssignment, ...] = ()
    rationing: Rationing = USUAL_RATIONING
    suppressions: tuple[SuppressionRule, ...] = ()  # which alarms call nobody under which conditions
    head_signer: SignHead | None = None
    trusted_keys: frozenset[str] | None = None  # whose signatures count; None: any that hold
    signed_stages_only: bool = False  # whether a model goes beyond advice only by a signed act
    signatures: Mapping[ActKind, SignaturePolicy] = field(default_factory=dict)  # by act, where the plant states one
    writes: SetpointWrites = NO_WRITES  # what may be written to PLCs
    sinks: tuple[Sink, ...] = ()  # systems that are told over HTTP
    review: ReviewRules = USUAL_REVIEW  # of batch records by exception
    certificates: CertificateRules = NO_CERTIFICATES  # of analysis, for customers
    sights: Sights = NO_SIGHTS  # whose records each user and terminal sees
    umh_contract: str | None = None  # UMH's data contract, where predictions are sent in its form, too
    reports_to_sparkplug: bool = False  # whether an edge node of Sparkplug tells hosts of what is published

    @property
    def control_names(self) -> frozenset[str]:
        """Return the names of the laboratory's control materials that are configured."""
        return frozenset(control.name for control in self.controls)

    @property
    def configured_models(self) -> tuple[ModelAssignment, ...]:
        """Return the models without the candidates beside them: one for each ``[[model]]``, in their order."""
        return tuple(model for model in self.models if not model.name.endswith(CANDIDATE))

    def models_of(self, analyte: str) -> tuple[ModelAssignment, ...]:
        """Return the models that predict an analyte."""
        return tuple(model for model in self.models if model.bundle.output_of(analyte) is not None)

    def model_named(self, name: str) -> ModelAssignment | None:
        """Return the assignment of that model name, or None."""
        return next((model for model in self.models if model.name == name), None)
