"""Plans of the laboratory and their approvals, into their tables."""

import sqlite3

from gateway.events import Event
from gateway.records.workload import LaboratoryPlan, LaboratoryPlanApproved
from gateway.store.codec import encode
from gateway.store.statements import SQL


def plan_drafted(connection: sqlite3.Connection, _event: Event, plan: LaboratoryPlan) -> None:
    """Write a plan."""
    row = {"plan_id": plan.plan_id, "day": plan.day, "at_ns": plan.at_ns, "body": encode(plan)}
    connection.execute(SQL["insert_laboratory_plan"], row)


def plan_approved(connection: sqlite3.Connection, _event: Event, approved: LaboratoryPlanApproved) -> None:
    """Write who has approved a plan."""
    row = {"plan_id": approved.plan_id, "at_ns": approved.at_ns, "body": encode(approved)}
    connection.execute(SQL["insert_laboratory_plan_approval"], row)
