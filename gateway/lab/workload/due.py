"""Whether a plan of the laboratory is due: once a day, and again where production plans otherwise. Pure."""

from gateway.line.laboratory import LaboratoryCalendar
from gateway.records.workload import LaboratoryPlan
from gateway.time_units import SECOND_NS

AGAIN_NS = 3600 * SECOND_NS  # a plan that nobody has approved is drafted again, where production plans otherwise


def plan_is_due(
    newest: LaboratoryPlan | None, *, approved: bool, planned_ns: int, at_ns: int, calendar: LaboratoryCalendar
) -> bool:
    """Return whether there is no plan of the day yet, or production has planned otherwise since.

    ``planned_ns``: when production last planned or cancelled an order.
    """
    if newest is None or newest.day != calendar.day_of(at_ns).isoformat():
        return True
    return not approved and planned_ns > newest.at_ns and at_ns - newest.at_ns >= AGAIN_NS
