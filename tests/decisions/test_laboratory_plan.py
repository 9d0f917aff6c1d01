"""The plan of the laboratory: drafted once a day from what is on record, approved by a person, published each time."""

import json
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from gateway.contract.mes_messages import context_change
from gateway.contract.refusals import MessageRefusedError
from gateway.contract.times import rfc3339
from gateway.contract.workload import plan_sha256
from gateway.events import LaboratoryPlanned
from gateway.line.laboratory import LaboratoryCalendar, LaboratoryLoad
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import ActOutcome, ApproveLaboratoryPlan
from gateway.records.user_acts import AddUser
from gateway.records.users import Credential, CredentialKind, Role
from gateway.records.workload import LaboratoryPlan
from gateway.runtime.laboratory_planning import plan_due
from gateway.store.codec import decode
from gateway.time_units import DAY_NS
from tests.fixtures.building import NOW_NS, moment
from tests.fixtures.store_bench import Bench, viscosity

EVERY_DAY = frozenset(range(7))
HOUR_NS = DAY_NS // 24


@pytest.fixture
def bench(tmp_path):
    planning = LaboratoryLoad(
        plan=True, weeks=2, tests_per_day=2.0, calendar=LaboratoryCalendar(zone=ZoneInfo("UTC"), weekdays=EVERY_DAY)
    )
    bench = Bench(tmp_path)
    bench.line = replace(bench.line, laboratory_load=planning)
    return bench


def planned(bench, name, *, days_ahead, lots, hours=24):
    start_ns = bench.now_ns + int(days_ahead * DAY_NS)
    return bench.context(
        "order_planned", job_order_id=name, material_definition_id="FG-100", planned_lots=lots,
        planned_start_at=rfc3339(start_ns), planned_end_at=rfc3339(start_ns + hours * HOUR_NS),
    )  # fmt: skip


def newest(bench):
    return bench.sent("laboratory-plan")[-1]


def act_on(plan, *proposals, **changes):
    fields = {"plan_id": plan["plan_id"], "plan_sha256": plan["plan_sha256"], "proposals": proposals, **changes}
    return ApproveLaboratoryPlan(**fields)


def test_a_planned_order_stands_in_the_plan_of_the_day_with_its_conflict(bench):
    planned(bench, "WO-9", days_ahead=3, lots=10)
    bench.plan_laboratory()
    plan = newest(bench)
    assert plan["state"] == "proposed"
    assert plan["planned_orders"] == 1
    assert sum(day["tests"] for day in plan["days"]) == pytest.approx(20, rel=0.25)  # viscosity and pH of each lot
    assert plan["conflicts"]
    assert "tests" in plan["conflicts"][0]["proposals"][0]["text"]
    (worklist,) = bench.sent("worklist")
    assert (worklist["plan_id"], worklist["approved_by"], worklist["items"]) == (plan["plan_id"], None, [])


def test_a_cancelled_order_brings_nothing(bench):
    planned(bench, "WO-9", days_ahead=3, lots=10)
    bench.context("order_cancelled", job_order_id="WO-9")
    bench.plan_laboratory()
    assert sum(day["tests"] for day in newest(bench)["days"]) == 0


def test_lots_and_their_results_are_what_a_forecast_is_made_from(bench):
    bench.order()
    bench.result(viscosity(100.0))
    bench.context("lot_ended", material_lot_id="LOT/1")
    bench.plan_laboratory()
    assert newest(bench)["lots"] == 1


def test_a_plan_is_drafted_once_a_day_and_again_where_production_plans_otherwise(bench):
    def drafts():
        bench.plan_laboratory()
        return len(bench.sent("laboratory-plan"))

    assert drafts() == 1
    bench.now_ns += 2 * HOUR_NS
    assert drafts() == 1
    planned(bench, "WO-9", days_ahead=3, lots=4)
    bench.now_ns += HOUR_NS
    assert drafts() == 2
    bench.now_ns += DAY_NS
    assert drafts() == 3


def test_a_person_approves_the_plan_with_the_proposals_that_they_agree_to(bench):
    planned(bench, "WO-9", days_ahead=0.2, lots=30, hours=12)
    bench.plan_laboratory()
    plan = newest(bench)
    first, *others = [item["proposal_id"] for conflict in plan["conflicts"] for item in conflict["proposals"]]
    answer = bench.act(act_on(plan, first))
    assert answer.outcome is ActOutcome.DONE
    approved = newest(bench)
    assert (approved["state"], approved["plan_id"]) == ("approved", plan["plan_id"])
    accepted = [item["proposal_id"] for conflict in approved["conflicts"] for item in conflict["proposals"]
                if item["accepted"]]  # fmt: skip
    assert accepted == [first]
    assert bench.sent("worklist")[-1]["approved_by"] == approved["approved_by"]
    assert bench.act(act_on(plan, *others)).code is ActRefusal.PLAN_APPROVED_ALREADY


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"plan_id": "other"}, ActRefusal.PLAN_NOT_NEWEST),
        ({"plan_sha256": "0" * 64}, ActRefusal.PLAN_NOT_AS_SHOWN),
        ({"proposals": ("nobody",)}, ActRefusal.NO_SUCH_PROPOSAL),
    ],
)
def test_what_was_not_shown_is_not_approved(bench, changes, code):
    bench.plan_laboratory()
    assert bench.act(act_on(newest(bench), **changes)).code is code
    assert len(bench.sent("laboratory-plan")) == 1


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER, Role.ENGINEER, Role.ADMINISTRATOR])
def test_a_plan_is_approved_by_a_supervisor_or_quality_only(bench, role):
    bench.plan_laboratory()
    assert bench.act(AddUser(user_id="olga", full_name="Olga O.", roles=(role,))).outcome is not ActOutcome.REFUSED
    olga = Credential(kind=CredentialKind.PASSWORD, subject="olga")
    assert bench.act(act_on(newest(bench)), credential=olga).outcome is ActOutcome.REFUSED
    assert newest(bench)["state"] == "proposed"


def test_a_plan_that_was_changed_on_disk_is_not_approved(bench):
    bench.plan_laboratory()
    plan = newest(bench)
    bench.connection.execute("UPDATE laboratory_plan SET body = replace(body, '\"tests\"', '\"tests\" ')")
    assert bench.act(act_on(plan)).code is ActRefusal.PLAN_NOT_NEWEST


def test_without_the_table_nothing_is_planned(bench):
    bench.line = replace(bench.line, laboratory_load=replace(bench.line.laboratory_load, plan=False))
    bench.plan_laboratory()
    assert bench.sent("laboratory-plan") == []


def made_now(bench):
    plan, _damaged = plan_due(bench.directory, bench.line, at_ns=bench.now_ns)
    return plan


def committed(bench, plan, name):
    bench.commit(LaboratoryPlanned(event_id=name, at=moment(bench.now_ns), plan=plan))
    return len(bench.sent("laboratory-plan"))


def test_a_plan_made_before_production_planned_otherwise_is_not_put_on_record(bench):
    before = made_now(bench)
    bench.now_ns += HOUR_NS
    planned(bench, "WO-9", days_ahead=3, lots=10)  # said after the plan was made
    assert committed(bench, before, "late") == 0
    bench.now_ns += 2 * HOUR_NS
    assert committed(bench, made_now(bench), "next") == 1
    assert newest(bench)["planned_orders"] == 1


def test_a_plan_that_is_not_due_any_more_or_of_yesterday_is_not_put_on_record(bench):
    twice = made_now(bench)
    assert committed(bench, twice, "first") == 1
    assert made_now(bench) is None
    assert committed(bench, twice, "second") == 1
    bench.now_ns += DAY_NS
    assert committed(bench, twice, "yesterday's") == 1


def test_the_hash_of_a_plan_is_the_same_after_it_was_stored(bench):
    bench.plan_laboratory()
    ((body,),) = bench.rows("SELECT body FROM laboratory_plan")
    assert plan_sha256(decode(LaboratoryPlan, body)) == newest(bench)["plan_sha256"]


def test_a_plan_touches_no_lot_and_no_order(bench):
    bench.order()
    planned(bench, "WO-1", days_ahead=3, lots=10)
    bench.context("order_cancelled", job_order_id="WO-1")
    assert bench.rows("SELECT ended_ns, material_definition_id FROM job_order") == [(None, "FG-100")]
    assert bench.rows("SELECT count(*) FROM lot_to_judge WHERE material_lot_id = 'LOT/1'") == [(0,)]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"planned_start_at": None}, "MISSING"),
        ({"planned_end_at": "2026-03-01T00:00:00Z"}, "OUT_OF_RANGE"),
        ({"planned_lots": 0}, "OUT_OF_RANGE"),
        ({"planned_lots": 5000}, "OUT_OF_RANGE"),
        ({"planned_lots": "many"}, "WRONG_TYPE"),
        ({"job_order_id": None}, "MISSING"),
        ({"planned_start_at": "tomorrow"}, "NOT_A_TIME"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_and_puts_no_lot_in_question(changes, code):
    document = {
        "event": "order_planned", "at": rfc3339(NOW_NS), "job_order_id": "WO-9", "material_definition_id": "FG-100",
        "planned_start_at": "2026-04-02T06:00:00Z", "planned_end_at": "2026-04-03T06:00:00Z", "planned_lots": 3,
    } | changes  # fmt: skip
    with pytest.raises(MessageRefusedError) as refused:
        context_change(json.dumps(document).encode(), now_ns=NOW_NS)
    assert refused.value.reasons[0].code == code
    assert refused.value.about is None or not refused.value.about.lots
