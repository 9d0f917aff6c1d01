"""How a line's laboratory results are charted: what its configuration says. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class RunRule(StrEnum):
    """A pattern that chance seldom makes; the value is its name in configurations."""

    NELSON_1 = "nelson1"
    NELSON_2 = "nelson2"
    NELSON_3 = "nelson3"
    NELSON_4 = "nelson4"
    NELSON_5 = "nelson5"
    NELSON_6 = "nelson6"
    NELSON_7 = "nelson7"
    NELSON_8 = "nelson8"
    WESTERN_ELECTRIC_1 = "western_electric1"
    WESTERN_ELECTRIC_2 = "western_electric2"
    WESTERN_ELECTRIC_3 = "western_electric3"
    WESTERN_ELECTRIC_4 = "western_electric4"
    MOVING_RANGE = "moving_range"


FEWEST_PER_ANALYTE = 5  # samples for each analyte, below which a covariance is no reference
DEFAULT_RULES = (RunRule.NELSON_1, RunRule.NELSON_2)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrendRules:
    """How a series is charted: by which rules, with which charts, from how many first values its limits are frozen."""

    product: str | None = None  # None: of all products
    analyte: str | None = None
    rules: tuple[RunRule, ...] = DEFAULT_RULES
    ewma: bool = False
    cusum: bool = False
    baseline: int = 25


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlMaterial:
    """A control material of the laboratory: its value of an analyte is known."""

    name: str
    analyte: str
    mean: float
    standard_deviation: float  # of the measurement, in the unit of the mean
    unit: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Together:
    """Analytes of a product whose values are judged together, from so many first samples on."""

    product: str
    analytes: tuple[str, ...]
    baseline: int = 40
