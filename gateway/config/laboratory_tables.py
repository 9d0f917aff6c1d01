"""The tables of how results are judged: specifications, control charts, control materials, samples."""

from pydantic import Field, model_validator

from gateway.config.forms import Foreign, Limits, Name, Table, Texts, Unit
from gateway.config.measures import Time
from gateway.contract.lims.numbers import is_finite_percent, number_text
from gateway.contract.lims.qualitative import list_problem
from gateway.contract.times import parse_rfc3339
from gateway.line.spc_rules import DEFAULT_RULES, FEWEST_PER_ANALYTE, RunRule


class BandsTable(Table):
    """``[specification.bands]``: percent of target."""

    release: Limits = Field(description="[low, high] percent of target: inside, release")
    review: Limits = Field(description="[low, high] percent of target: inside, review; outside, hold")

    def are_finite(self, target: float) -> bool:
        """Return whether the limits that the bands mean are numbers."""
        return all(is_finite_percent(target, percent) for percent in (*self.release, *self.review))


class SpecificationTable(Table):
    """``[[specification]]``: limits of one analyte of one product, or the texts that it accepts."""

    product: Foreign = Field(description="the product, as messages name it in material_definition_id")
    analyte: Name = Field(description="our name of the analyte")
    lower: float | None = Field(default=None, description="the lower limit, a number")
    upper: float | None = Field(default=None, description="the upper limit, a number")
    target: float | None = Field(default=None, description="the target value, a number")
    unit: Unit | None = Field(default=None, description="the unit of limits and target; docs/laboratory.md lists units")
    version: str | None = Field(default=None, description="the specification's version")
    inclusive: bool = Field(default=True, description="whether a value on a limit is inside: true or false")
    lower_inclusive: bool | None = Field(
        default=None, description="the same for the lower limit alone; without it as inclusive says"
    )
    upper_inclusive: bool | None = Field(
        default=None, description="the same for the upper limit alone; without it as inclusive says"
    )
    decimals: int | None = Field(
        default=None, ge=0, le=9, description="to how many decimals results are rounded before they are compared"
    )
    client: Foreign | None = Field(
        default=None, description="only for orders of this client (client_id); without it for all"
    )
    effective_from: Time | None = Field(default=None, description="in force for samples drawn from then on (RFC 3339)")
    effective_until: Time | None = Field(default=None, description="in force for samples drawn before then (RFC 3339)")
    required: bool = Field(default=False, description="whether no lot of the product is released without it")
    bands: BandsTable | None = Field(default=None, description="action bands around the target")
    accepts: Texts = Field(
        default=(),
        description='results in words that are inside, such as ["absent"]; a list, or a table of lists by language',
    )
    rejects: Texts = Field(
        default=(), description='results in words that are outside, such as ["detected"]; others are for review'
    )
    non_negative: bool | None = Field(
        default=None, description="whether no value can lie below 0; without it, where lower is 0"
    )
    assume_unit: bool = Field(
        default=False,
        description="whether a number without a unit is in the specification's; else flagged, or for review",
    )

    @model_validator(mode="after")
    def _consistent(self) -> "SpecificationTable":
        if self.lower is None and self.upper is None and not self.accepts:
            raise ValueError("a specification needs lower, upper or accepts")
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ValueError(f"lower {number_text(self.lower)} is above upper {number_text(self.upper)}")
        if self.bands is not None and not self.target:
            raise ValueError("bands are percent of target: set a target other than 0")
        if self.bands is not None and self.target is not None and not self.bands.are_finite(self.target):
            raise ValueError("bands of this target are too large for a number")
        problem = list_problem(self.accepts, self.rejects)
        if problem is not None:
            raise ValueError(problem)
        if (
            self.effective_from
            and self.effective_until
            and not (parse_rfc3339(self.effective_from) < parse_rfc3339(self.effective_until))
        ):
            raise ValueError("effective_until must be after effective_from")
        return self


class TrendTable(Table):
    """``[[trend]]``: how series of results are charted; the first that fits a series holds."""

    product: Foreign | None = Field(default=None, description="material_definition_id; without it of all products")
    analyte: Name | None = Field(default=None, description="our name of the analyte; without it of all")
    rules: list[RunRule] = Field(default=list(DEFAULT_RULES), description="which patterns are for a person to look at")
    ewma: bool = Field(default=False, description="whether the weighted average is watched, too (lambda .2, L 2.962)")
    cusum: bool = Field(default=False, description="whether the summed deviations are watched, too (k .5, h 5)")
    baseline: int = Field(default=25, ge=10, le=200, description="from how many first values limits are frozen")


class ControlTable(Table):
    """``[[control]]``: a control material of the laboratory; its results are held against Westgard's rules."""

    material: Foreign = Field(description="what results name as their control_id")
    analyte: Name = Field(description="our name of the analyte")
    mean: float = Field(allow_inf_nan=False, description="the known value of the material")
    standard_deviation: float = Field(
        gt=0, allow_inf_nan=False, description="the standard deviation of the measurement, in the same unit"
    )
    unit: Unit | None = Field(default=None, description="the unit of both; results are converted to it")


class TogetherTable(Table):
    """``[[together]]``: analytes whose values in one sample are judged together (Hotelling's T2, alpha .01)."""

    product: Foreign = Field(description="material_definition_id")
    analytes: list[Name] = Field(min_length=2, max_length=20, description="our names of the analytes")
    baseline: int = Field(default=40, ge=10, le=500, description="from how many first samples the reference is frozen")

    @model_validator(mode="after")
    def _enough(self) -> "TogetherTable":
        if self.baseline < FEWEST_PER_ANALYTE * len(self.analytes):
            fewest = FEWEST_PER_ANALYTE * len(self.analytes)
            raise ValueError(f"a reference of {len(self.analytes)} analytes needs at least {fewest} samples")
        if len(set(self.analytes)) < len(self.analytes):
            raise ValueError("each analyte once")
        return self


class SamplingTable(Table):
    """``[sampling]``: which samples the laboratory is asked for when lots end."""

    enabled: bool = Field(default=False, description="whether requests are published")
    tests_per_hour: float | None = Field(
        default=None, gt=0, description="how many tests the laboratory can do in an hour; due times follow from it"
    )
    tests: dict[Name, tuple[str, str]] = Field(
        default_factory=dict, description='by analyte, the test\'s id and name in the LIMS: ["QC-001", "Viscosity"]'
    )
