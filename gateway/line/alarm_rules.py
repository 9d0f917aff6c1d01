"""When a line warns: delays and dead band of warnings by prediction, and how many messages an operator gets."""

from dataclasses import dataclass

from gateway.time_units import seconds_to_ns


@dataclass(frozen=True, kw_only=True, slots=True)
class WarningRules:
    """When a model's predictions become a warning, and when it ends (on delay, off delay and dead band of ISA-18.2).

    ``on_delay_ns``: how long predictions must reach beyond the limits. ``off_delay_ns``: how long they must then lie
    inside, by at least ``dead_band`` times the half width of their interval.
    """

    on_delay_ns: int = 0
    off_delay_ns: int = 0
    dead_band: float = 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class Rationing:
    """How many new messages of an equipment operators are called to within a period; the rest is summarised.

    ``longest_shelve_ns``: for how long a person may keep an alarm from calling.
    """

    most: int = 2
    period_ns: int = seconds_to_ns(600)
    longest_shelve_ns: int = seconds_to_ns(8 * 3600)


WARN_AT_ONCE = WarningRules()
USUAL_RATIONING = Rationing()
