"""From the tables: what the plan of the laboratory stands on.

The history for a forecast is read by a read connection; the rest inside the writer's transaction.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from gateway.events import ActRequested, LaboratoryPlanned
from gateway.facts.laboratory_plan import ApprovePlanFacts, LaboratoryPlanFacts, WaitingLot
from gateway.lab.sampling import Waiting
from gateway.lab.series import Series
from gateway.lab.workload.due import plan_is_due
from gateway.lab.workload.history import LoadHistory, Lot, Order, OrderStatement, TestHistory, TestOfLot
from gateway.records.production import ContextChange, ContextKind
from gateway.records.workload import LaboratoryPlan, LaboratoryPlanApproved
from gateway.store.facts.acts import act_base
from gateway.store.facts.loaders import loader
from gateway.store.facts.reading import Reading
from gateway.store.statements import value_of
from gateway.time_units import DAY_NS

_HISTORY_DAYS = 90
_MOST_LOTS, _MOST_PLANS, _MOST_ORDERS = 1500, 5000, 2000
_LATELY = 3  # values since the series signalled


@loader
def laboratory_plan_facts(reading: Reading, event: LaboratoryPlanned) -> LaboratoryPlanFacts:
    """Return whether a plan is still due, and the lots that wait."""
    due = is_due(reading, event.at_ns)
    return LaboratoryPlanFacts(
        **reading.base(), due=due, planned_ns=_planned_ns(reading), queue=waiting_lots(reading) if due else ()
    )


@loader
def approve_plan_facts(reading: Reading, event: ActRequested) -> ApprovePlanFacts:
    """Return the newest plan with its approval."""
    newest, approval = newest_plan(reading)
    return ApprovePlanFacts(**act_base(reading, event), newest=newest, approval=approval, queue=waiting_lots(reading))


def newest_plan(reading: Reading) -> tuple[LaboratoryPlan | None, LaboratoryPlanApproved | None]:
    """Return the newest plan, and its approval; None for what there is not, or does not hold."""
    plan = next(iter(reading.decoded(LaboratoryPlan, reading.rows("newest_laboratory_plan", {}))), None)
    if plan is None:
        return None, None
    rows = reading.rows("approval_of_laboratory_plan", {"plan_id": plan.plan_id})
    return plan, next(iter(reading.decoded(LaboratoryPlanApproved, rows)), None)


def is_due(reading: Reading, at_ns: int) -> bool:
    """Return whether the line has its laboratory's days planned, and a plan is due."""
    load = reading.line.laboratory_load
    if not load.plan:
        return False
    plan, approval = newest_plan(reading)
    return plan_is_due(
        plan, approved=approval is not None, planned_ns=_planned_ns(reading), at_ns=at_ns, calendar=load.calendar
    )


def _planned_ns(reading: Reading) -> int:
    return int(value_of(reading.connection, "newest_order_plan") or 0)


def waiting_lots(reading: Reading) -> tuple[WaitingLot, ...]:
    """Return the lots that the laboratory is asked to measure."""
    return tuple(
        WaitingLot(
            waiting=Waiting(
                subject=row["material_lot_id"],
                probability=row["probability"],
                since_ns=row["since_ns"],
                tests=dict.fromkeys(json.loads(row["tests"]), row["probability"]),
            ),
            product=row["product"],
        )
        for row in reading.rows("requests_with_products", {})
    )


def load_history(reading: Reading, at_ns: int) -> LoadHistory:
    """Return what a forecast of the laboratory's load is made from at an instant."""
    from_ns = at_ns - _HISTORY_DAYS * DAY_NS
    lots = _lots(reading, from_ns, at_ns)
    waiting = Counter((lot.product or "", analyte) for lot in waiting_lots(reading) for analyte in lot.waiting.tests)
    orders = _orders(reading, from_ns)
    products = {lot.product for lot in lots} | {order.product for order in orders}
    return LoadHistory(
        at_ns=at_ns,
        from_ns=min((lot.ended_ns for lot in lots), default=at_ns),
        orders=orders,
        lots=lots,
        waiting=dict(waiting),
        analytes={product: _analytes(reading, product, at_ns) for product in sorted(products)},
        tested=_tested(reading),
    )


def _lots(reading: Reading, from_ns: int, at_ns: int) -> tuple[Lot, ...]:
    between = {"from_ns": from_ns, "until_ns": at_ns, "most": _MOST_LOTS}
    rows = reading.rows("lots_ended_since", between)
    tests = _tests(reading, {row["material_lot_id"]: row["ended_ns"] for row in rows})
    return tuple(
        Lot(
            material_lot_id=row["material_lot_id"],
            product=row["product"] or "",
            job_order_id=row["job_order_id"],
            ended_ns=row["ended_ns"],
            tests=tuple(tests[row["material_lot_id"]]),
        )
        for row in rows
    )


def _tests(reading: Reading, ended_ns: Mapping[str, int]) -> Mapping[str, list[TestOfLot]]:
    tests: dict[str, list[TestOfLot]] = defaultdict(list)
    samples: dict[str, dict[str, int]] = defaultdict(dict)
    for row in reading.rows("tests_of_lots", {"lots": json.dumps(sorted(ended_ns))}):
        lot = row["material_lot_id"]
        number = samples[lot].setdefault(row["sample_id"], len(samples[lot]))
        tests[lot].append(TestOfLot(analyte=row["analyte"], sample=number, after_ns=row["at_ns"] - ended_ns[lot]))
    return tests


def _orders(reading: Reading, from_ns: int) -> tuple[Order, ...]:
    """Return the orders that were planned or run since then."""
    rows = reading.rows("order_plans", {"from_ns": from_ns, "most": _MOST_PLANS})
    plans: dict[str, list[ContextChange]] = defaultdict(list)
    for change in reading.decoded(ContextChange, rows):
        plans[change.job_order_id or ""].append(change)
    run = {row["job_order_id"]: row for row in reading.rows("orders_run", {"from_ns": from_ns, "most": _MOST_ORDERS})}
    orders = []
    for name in sorted({*plans, *run}):
        statements = _statements(plans.get(name, ()))
        row = run.get(name)
        product = row["product"] if row is not None else plans[name][-1].material_definition_id
        orders.append(
            Order(
                job_order_id=name,
                product=product or "",
                statements=statements,
                cancelled=name in plans and plans[name][-1].kind is ContextKind.ORDER_CANCELLED,
                started_ns=None if row is None else row["started_ns"],
                ended_ns=None if row is None else row["ended_ns"],
                ended_lots=0 if row is None else row["ended_lots"],
            )
        )
    return tuple(orders)


def _statements(changes: Sequence[ContextChange]) -> tuple[OrderStatement, ...]:
    return tuple(
        OrderStatement(
            stated_ns=change.at_ns, start_ns=change.plan.start_ns, end_ns=change.plan.end_ns, lots=change.plan.lots
        )
        for change in changes
        if change.plan is not None
    )


def _analytes(reading: Reading, product: str, at_ns: int) -> tuple[str, ...]:
    """Return the analytes that a product has a specification of."""
    specifications = reading.specifications(product)
    stated = (*specifications.configured, *specifications.stated)
    names = dict.fromkeys(item.analyte for item in stated if item.product == product)
    return tuple(name for name in names if specifications.in_force(name, at_ns, product, None))


def _tested(reading: Reading) -> Mapping[tuple[str, str], TestHistory]:
    failed = {(row["product"], row["analyte"]): row["failed"] for row in reading.rows("failed_by_product", {})}
    rules = {(rule.product, rule.analyte) for rule in reading.line.laboratory_load.thinning}
    return {
        key: TestHistory(
            failed=min(failed.get(key, 0), row["tested"]),
            tested=row["tested"],
            out_of_trend=key in rules and _out_of_trend(reading, *key),
        )
        for row in reading.rows("tested_by_product", {})
        for key in ((row["product"], row["analyte"]),)
    }


def _out_of_trend(reading: Reading, product: str, analyte: str) -> bool:
    """Return whether any series of a product's test has signalled lately, or cannot be read."""
    before = len(reading.damaged)
    known = reading.decoded(Series, reading.rows("series_of_product", {"product": product, "analyte": analyte}))
    return len(reading.damaged) > before or any(series.signalled_within(_LATELY) for series in known)
