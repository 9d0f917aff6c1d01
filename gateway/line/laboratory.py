"""What the laboratory can do, and when: its working days, its capacity, and which tests may be thinned out. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.time_units import SECOND_NS

MONDAY_TO_FRIDAY = frozenset(range(5))
_LONGEST_CLOSED_DAYS = 60  # in a row; a laboratory that is closed for longer is taken to work


@dataclass(frozen=True, kw_only=True, slots=True)
class LaboratoryCalendar:
    """The days on which the laboratory works, by the plant's clock. ``weekdays``: 0 is Monday."""

    zone: ZoneInfo
    weekdays: frozenset[int] = MONDAY_TO_FRIDAY
    closed: frozenset[date] = frozenset()

    def day_of(self, at_ns: int) -> date:
        """Return the day of an instant, by the plant's clock."""
        return datetime.fromtimestamp(at_ns // SECOND_NS, self.zone).date()

    def works(self, day: date) -> bool:
        """Return whether the laboratory works on a day."""
        return day.weekday() in self.weekdays and day not in self.closed

    def working_day_from(self, day: date) -> date:
        """Return the first day from this one on, on which the laboratory works."""
        for later in range(_LONGEST_CLOSED_DAYS):
            if self.works(day + timedelta(days=later)):
                return day + timedelta(days=later)
        return day


@dataclass(frozen=True, kw_only=True, slots=True)
class ThinningRule:
    """A test of a product that need not be done of every lot while its risk is low; ``every_lots`` 3: one in three."""

    product: str
    analyte: str
    every_lots: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LaboratoryLoad:
    """How the load of the laboratory is forecast: how far ahead, against which capacity, and by which rules.

    ``plan``: whether a plan is drafted each day. ``tests_per_day``: that the laboratory can do on a working day, None
    where nobody says. ``capacity_of``: of single analytes, where an instrument allows fewer.
    """

    weeks: int
    calendar: LaboratoryCalendar
    plan: bool = False
    tests_per_day: float | None = None
    capacity_of: Mapping[str, float] = field(default_factory=dict)
    thinning: tuple[ThinningRule, ...] = ()


UNKNOWN_LOAD = LaboratoryLoad(weeks=4, calendar=LaboratoryCalendar(zone=ZoneInfo("UTC")))
"""Of a laboratory of which nothing is configured."""
