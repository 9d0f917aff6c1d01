"""When a line warns: delays and dead band of warnings by prediction, and how many messages an operator gets."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.time_units import seconds_to_ns


@dataclass(frozen=True, kw_only=True, slots=True)
class WarningRules:
    """When a model's predictions become a warning, and when it ends (on delay, off delay and dead band of ISA-18.2).

    ``on_delay_ns``: how long predictions must reach beyond the limits. ``off_delay_ns``: how long they must then lie
    inside, by at least ``dead_band`` times the half width of their interval. ``ask_again_after_ns`` and
    ``ask_again_grown``: after which time, or by which share further out, a person is asked again who has rejected one.
    """

    on_delay_ns: int = 0
    off_delay_ns: int = 0
    dead_band: float = 0.25
    ask_again_after_ns: int = seconds_to_ns(8 * 3600)
    ask_again_grown: float = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Rationing:
    """How many new messages of an equipment operators are called to within a period; the rest is summarised.

    ``longest_shelve_ns``: for how long a person may keep an alarm from calling.
    """

    most: int = 2
    period_ns: int = seconds_to_ns(600)
    longest_shelve_ns: int = seconds_to_ns(8 * 3600)


class Production(StrEnum):
    """What production does on an equipment."""

    LOT_RUNS = "lot_runs"
    BETWEEN_LOTS = "between_lots"


@dataclass(frozen=True, kw_only=True, slots=True)
class TagCondition:
    """That a tag's value lies above or below a mark; it no longer does only beyond the hysteresis."""

    tag: str
    above: float | None = None
    below: float | None = None
    hysteresis: float = 0.0
    max_age_ns: int | None = None  # None: as old as the tag's values may be


@dataclass(frozen=True, kw_only=True, slots=True)
class PlantCondition:
    """A condition of the plant; all that it states must hold. What is not known does not hold."""

    production: Production | None = None
    states: frozenset[str] = frozenset()  # of the equipment, as production reports them
    products: frozenset[str] = frozenset()
    tag: TagCondition | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SuppressionRule:
    """Which alarms call nobody while a condition of an equipment holds (suppressed by design, ISA-18.2).

    ``warnings``: whether those of the equipment's predictions; ``analytes``: only of these, empty: of all. ``sources``:
    of which servers' alarms of the gateway; ``codes``: which others. ``longest_ns``: then it ends by itself.
    """

    name: str
    equipment_id: str
    condition: PlantCondition
    warnings: bool
    analytes: frozenset[str]
    sources: frozenset[str]
    codes: frozenset[str]
    longest_ns: int


WARN_AT_ONCE = WarningRules()
USUAL_RATIONING = Rationing()
