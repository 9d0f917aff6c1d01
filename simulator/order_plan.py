"""What production plans for the coming days: orders with their lots, all in one message that the broker keeps.

One day has more lots than a laboratory of ``TESTS_PER_DAY`` can do.
"""

import json
from datetime import UTC, datetime, timedelta

from gateway.contract.times import rfc3339
from gateway.time_units import SECOND_NS
from simulator.scenarios import EQUIPMENT, PRODUCT

TOPIC = "mes/context/plan"
TESTS_PER_DAY = 20
_LOTS = (6, 8, 7, 13, 8, 6, 9, 8, 7, 6)  # of the coming working days; each lot has two tests
_FIRST_HOUR, _HOURS, _FIRST_ORDER = 5, 12, 2001
_SATURDAY = 5


def order_plan(now_ns: int) -> bytes:
    """Return the message: an order for each of the next ten working days."""
    day = datetime.fromtimestamp(now_ns // SECOND_NS, UTC).replace(hour=_FIRST_HOUR, minute=0, second=0)
    orders: list[dict[str, object]] = []
    while len(orders) < len(_LOTS):
        day += timedelta(days=1)
        if day.weekday() >= _SATURDAY:
            continue
        begin_ns = round(day.timestamp()) * SECOND_NS
        orders.append({
            "event": "order_planned", "job_order_id": f"WO-{_FIRST_ORDER + len(orders)}",
            "material_definition_id": PRODUCT, "equipment_id": EQUIPMENT, "planned_lots": _LOTS[len(orders)],
            "planned_start_at": rfc3339(begin_ns), "planned_end_at": rfc3339(begin_ns + _HOURS * 3600 * SECOND_NS),
            "at": rfc3339(now_ns),
        })  # fmt: skip
    return json.dumps(orders).encode()
