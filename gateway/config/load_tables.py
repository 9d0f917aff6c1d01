"""``[laboratory]``: what the laboratory can do, for the forecast of its load, and what the forecast makes of it."""

from datetime import date
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from gateway.config.forms import Foreign, Name, Table
from gateway.line.laboratory import LaboratoryCalendar, LaboratoryLoad, ThinningRule


class ThinningTable(Table):
    """``[[laboratory.thin]]``: a test that need not be done of every lot while its risk is low, if a person agrees."""

    product: Foreign = Field(description="material_definition_id")
    analyte: Name = Field(description="our name of the analyte")
    every_lots: int = Field(ge=2, le=20, description="of every how many lots it is done at the least")


class Weekday(StrEnum):
    """A day of the week, the first on Monday."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class LaboratoryTable(Table):
    """``[laboratory]``: how many tests the laboratory can do, for the forecast of its load and its daily plan."""

    plan: bool = Field(default=False, description="whether a plan and worklists are drafted each day")
    weeks: int = Field(default=4, ge=1, le=12, description="how many weeks the forecast looks ahead")
    tests_per_day: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="how many tests it can do on a working day"
    )
    tests_per_day_of: dict[Name, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(
        default_factory=dict, description="by analyte, where an instrument allows fewer"
    )
    working_days: list[Weekday] = Field(
        default=[Weekday.MONDAY, Weekday.TUESDAY, Weekday.WEDNESDAY, Weekday.THURSDAY, Weekday.FRIDAY],
        min_length=1,
        description="the days of the week on which it works",
    )
    closed: list[date] = Field(default_factory=list, description="days on which it does not work, as 2026-12-24")
    thin: list[ThinningTable] = Field(default_factory=list, description="tests that may be thinned out")


def load_of(table: LaboratoryTable, zone: ZoneInfo) -> LaboratoryLoad:
    """Return how the load of the laboratory is forecast; ``zone``: of the plant's days."""
    weekdays = list(Weekday)
    return LaboratoryLoad(
        plan=table.plan,
        weeks=table.weeks,
        calendar=LaboratoryCalendar(
            zone=zone,
            weekdays=frozenset(weekdays.index(day) for day in table.working_days),
            closed=frozenset(table.closed),
        ),
        tests_per_day=table.tests_per_day,
        capacity_of=table.tests_per_day_of,
        thinning=tuple(
            ThinningRule(product=rule.product, analyte=rule.analyte, every_lots=rule.every_lots) for rule in table.thin
        ),
    )
