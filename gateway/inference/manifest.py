"""What stands in ``bundle.toml`` and ``reference.json``: every table with its units and what it means. Pure."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from gateway.contract.model_names import ModelName, PlainName
from gateway.inference.correction_tables import (
    AdaptiveTable,
    BiasTable,
    CorrectionTable,
    DriftTable,
    IntervalTable,
    ManifestTable,
    TrackedTable,
)
from gateway.line.definition import FINEST_STEP, Aggregate
from gateway.line.derived_inputs import SMALLEST_DIVISOR, Transform, is_event

LONGEST_WINDOW_SECONDS = 7 * 86_400.0  # read at each tick: a bundle must not have the whole history read
LONGEST_LAG_SECONDS = 30 * 86_400.0
MOST_PREDICTIONS = 100  # that the state of being outside looks back on
MOST_INPUTS, MOST_OUTPUTS, MOST_MANIPULATED = 1000, 100, 100


class CategoryTable(ManifestTable):
    """``category`` of ``[[input]]``: 1 where the tag (or, without one, the product) is ``value``, 0 at other levels."""

    name: str
    value: str
    levels: list[str] = Field(min_length=1)


class InputTable(ManifestTable):
    """``[[input]]``: a feature's name = tag, aggregate, window, lag, unit, validated range.

    ``over``, ``transform`` and ``difference_seconds``, in this order: see ``gateway.line.derived_inputs``. The
    validated range is of what comes of them, the unit is the tag's. ``since`` and ``until``: events of the batch
    between which the window lies, which is at most ``window_seconds`` long. ``level``: of the time above or below it.
    The tag is empty of a duration, and of the product as a category.
    ``learned``: the part of the validated range in which the model has learned; the rest is a margin.
    """

    name: str
    tag: str
    aggregate: Aggregate
    window_seconds: float = Field(ge=0, le=LONGEST_WINDOW_SECONDS)
    lag_seconds: float = Field(ge=0, le=LONGEST_LAG_SECONDS)
    unit: str
    validated: tuple[float, float]
    minimum_coverage: float = Field(default=0.8, gt=0, le=1)
    frozen_after_seconds: float | None = Field(default=None, gt=0)
    time_unit_seconds: float = Field(default=1.0, gt=0)
    over: str | None = None
    smallest_divisor: float = Field(default=SMALLEST_DIVISOR, gt=0)
    transform: Transform | None = None
    difference_seconds: float | None = Field(default=None, gt=0, le=LONGEST_LAG_SECONDS)
    level: float | None = None
    since: str | None = None
    until: str | None = None
    category: CategoryTable | None = None
    learned: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> "InputTable":
        return _complete(self)


def _complete(table: InputTable) -> InputTable:
    """Return the table; raises ValueError where an aggregate lacks what it needs."""
    name, lasts = table.name, table.aggregate is Aggregate.DURATION
    if (table.aggregate in {Aggregate.TIME_ABOVE, Aggregate.TIME_BELOW}) is (table.level is None):
        raise ValueError(f"input {name}: time above or below needs its level, and nothing else has one")
    for event in (table.since, table.until):
        if event is not None and not is_event(event):
            raise ValueError(f"input {name}: {event} is no event of a batch")
    if table.since is None and (lasts or table.until is not None):
        raise ValueError(f"input {name}: a duration and until need since")
    if (lasts and table.tag) or (not table.tag and not lasts and table.category is None):
        raise ValueError(f"input {name}: a duration is of no tag, and but for a category all else is of one")
    computed = (table.over, table.transform, table.difference_seconds, table.since) != (None, None, None, None)
    if table.category is not None and (computed or table.aggregate is not Aggregate.LAST):
        raise ValueError(f"input {name}: a category is of the last value of a tag, or of the product")
    if table.category is not None and table.category.value not in table.category.levels:
        raise ValueError(f"input {name}: its category is at none of its levels")
    return table


class Kind(StrEnum):
    """What a column of the model's output is."""

    VALUE = "value"
    PROBABILITY = "probability_out_of_specification"


class OutputTable(ManifestTable):
    """``[[output]]``: a column of what the model says, in the model's order; one of each kind per analyte."""

    analyte: PlainName
    unit: str
    kind: Kind = Kind.VALUE
    valid: tuple[float, float] = (0.0, 1.0)
    interval: IntervalTable | None = None
    bias: BiasTable | None = None
    correction: CorrectionTable | None = None
    adaptive: AdaptiveTable | None = None
    tracked: TrackedTable | None = None
    drift: DriftTable | None = None
    warn_at: float | None = Field(default=None, gt=0, le=1)

    @property
    def follows(self) -> str:
        """Return what the interval follows in service, in words."""
        follows = ["size of errors"] if self.tracked else ["hits and misses"] if self.adaptive else []
        in_proportion = self.interval is not None and self.interval.proportional is not None
        return ", ".join([*follows, *(["the value"] if in_proportion else [])]) or "-"

    @property
    def corrected_by(self) -> str:
        """Return what laboratory results may change of the value, in words."""
        if self.correction is not None:
            return "results of like inputs"
        if self.bias is None:
            return "-"
        return "a bias for each product" if self.bias.per == "product" else "a bias"

    @model_validator(mode="after")
    def _complete(self) -> "OutputTable":
        if self.kind is Kind.VALUE and (self.interval is None or "valid" not in self.model_fields_set):
            raise ValueError(f"the value of {self.analyte} needs its valid range and its [output.interval]")
        if self.bias is not None and self.correction is not None:
            raise ValueError(f"{self.analyte} has [output.bias] and [output.correction]: one of them corrects it")
        if self.adaptive is not None and self.tracked is not None:
            raise ValueError(f"{self.analyte} has [output.adaptive] and [output.tracked]: its interval follows one")
        if self.kind is Kind.PROBABILITY and self.warn_at is None:
            raise ValueError(f"the probability of {self.analyte} needs warn_at, from which on to warn")
        return self


class TrainingTable(ManifestTable):
    """``[training]``: what the model learned from."""

    data_sha256: str
    period: str
    rows: int
    recipe: str
    seed: int


class AcceptanceTable(ManifestTable):
    """``[[acceptance]]``: a criterion agreed beforehand, and the value reached."""

    figure: str
    criterion: str
    reached: float


class InterlockTable(ManifestTable):
    """``interlocks``: a tag that must lie within limits, or be in one of some states, while a setpoint may be moved."""

    tag: str
    within: tuple[float, float] | None = None
    states: list[int] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_condition(self) -> "InterlockTable":
        if (self.within is None) is (self.states is None):
            raise ValueError(f"interlock {self.tag} needs within or states, one of them")
        return self


class ReactionTable(ManifestTable):
    """``[manipulated.reaction]``: how the analyte answers one unit of the setpoint, by the data and by the model.

    ``low`` and ``high``: the interval of the data's, of that coverage; none where it could not be measured.
    """

    verdict: str
    model: float
    data: float | None = None
    low: float | None = None
    high: float | None = None
    coverage: float = Field(gt=0, lt=1)
    rows: int = Field(ge=0)


class ManipulatedTable(ManifestTable):
    """``[[manipulated]]``: a setpoint that may be moved, within which limits, and what follows it.

    ``suggest``: whether moves of it are suggested; false where the data do not confirm what a move does.
    """

    tag: str
    unit: str
    validated: tuple[float, float]
    max_step: float = Field(gt=0)
    resolution: float = Field(gt=0)
    minimum_interval_seconds: float = Field(ge=0)
    gains: dict[str, float]
    interlocks: list[InterlockTable] = Field(default=[])
    suggest: bool = True
    reaction: ReactionTable | None = None


class OutsideTable(ManifestTable):
    """``[outside]``: when the process counts as outside what the model has learned.

    After so many refusals by range or domain ``of`` so many predictions, until so many in a row were inside.
    """

    enters_after: int = Field(ge=1, le=MOST_PREDICTIONS)
    of: int = Field(ge=1, le=MOST_PREDICTIONS)
    leaves_after: int = Field(ge=1, le=MOST_PREDICTIONS)

    @model_validator(mode="after")
    def _can_begin(self) -> "OutsideTable":
        if self.enters_after > self.of:
            raise ValueError(f"{self.enters_after} of {self.of} predictions are never outside")
        return self


class BundleManifest(ManifestTable):
    """``bundle.toml`` as a whole."""

    name: ModelName
    version: PlainName
    intended_use: str
    input: list[InputTable] = Field(min_length=1, max_length=MOST_INPUTS)
    output: list[OutputTable] = Field(min_length=1, max_length=MOST_OUTPUTS)
    training: TrainingTable
    acceptance: list[AcceptanceTable] = Field(default=[])
    manipulated: list[ManipulatedTable] = Field(default=[], max_length=MOST_MANIPULATED)
    outside: OutsideTable | None = None
    files: dict[str, str]

    @model_validator(mode="after")
    def _consistent(self) -> "BundleManifest":
        names = [item.name for item in self.input]
        if len(set(names)) != len(names):
            raise ValueError("two inputs have the same name")
        kinds = [(item.analyte, item.kind) for item in self.output]
        if len(set(kinds)) != len(kinds):
            raise ValueError("two outputs say the same of the same analyte")
        for limits in (
            *(item.valid for item in self.output),
            *(item.validated for item in self.input),
            *(item.validated for item in self.manipulated),
        ):
            if not limits[0] < limits[1]:
                raise ValueError(f"the range {list(limits)} has no room between lower and upper")
        for item in self.manipulated:
            unknown = set(item.gains) - set(names)
            if unknown:
                raise ValueError(f"manipulated {item.tag} names unknown inputs {sorted(unknown)}")
            if item.resolution < FINEST_STEP * item.max_step:
                raise ValueError(f"the resolution of {item.tag} is finer than a millionth of its max_step")
            reversed_ones = [
                interlock.tag
                for interlock in item.interlocks
                if interlock.within is not None and interlock.within[0] > interlock.within[1]
            ]
            if reversed_ones:
                raise ValueError(f"the interlock {reversed_ones[0]} of {item.tag} has its lower limit above the upper")
        return self


class DomainTable(ManifestTable):
    """``domain`` in ``reference.json``: the principal component model of the training inputs, and its limits.

    ``loadings``: a row per input, a column per component. ``averaged_over``: so many predictions, the present one among
    them, are judged by their mean distances.
    """

    inputs: list[str]
    center: list[float]
    scale: list[Annotated[float, Field(gt=0)]]
    loadings: list[list[float]]
    variances: list[Annotated[float, Field(gt=0)]] = Field(min_length=1)
    t2_limit: float = Field(gt=0)
    spe_limit: float = Field(gt=0)
    alpha: float = Field(gt=0, lt=1)
    rows: int = Field(gt=0)
    averaged_over: int = Field(default=1, ge=1, le=10)

    @model_validator(mode="after")
    def _shapes(self) -> "DomainTable":
        inputs, components = len(self.inputs), len(self.variances)
        if not len(self.center) == len(self.scale) == len(self.loadings) == inputs:
            raise ValueError("center, scale and loadings must have one entry per input")
        if any(len(row) != components for row in self.loadings):
            raise ValueError("loadings must have one column per variance")
        return self


class StandardisationTable(ManifestTable):
    """``inputs`` in ``reference.json``: by which inputs are standardised, in the order of the bundle's."""

    center: list[float]
    scale: list[Annotated[float, Field(gt=0)]]


class ReferenceTable(ManifestTable):
    """``reference.json``: what the model's inputs and errors looked like when it was made.

    ``residuals``: per analyte the absolute calibration residuals, in ascending order. ``inputs``: their means and
    standard deviations, where a correction in function space needs them.
    """

    domain: DomainTable
    inputs: StandardisationTable | None = None
    residuals: dict[str, list[Annotated[float, Field(ge=0)]]] = Field(default={})
