"""``labline lab load`` and ``plan``: what the coming days bring to the laboratory, and the approval of its plan."""

import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import typer

from gateway.advice.laboratory_plan import conflict_parts
from gateway.cli.acts import person_option, reason_option, sign_in_of
from gateway.cli.options import CONFIG, JSON
from gateway.cli.output import out, show_json, show_table
from gateway.config.line_definition import line_of_laboratory
from gateway.config.reading import read
from gateway.contract.workload import plan_sha256
from gateway.errors import LablineError
from gateway.lab.workload.plan import plan_from
from gateway.records.acts import ApproveLaboratoryPlan
from gateway.records.workload import LaboratoryPlan, LaboratoryPlanApproved
from gateway.runtime.act_requests import perform
from gateway.store.database import read_state
from gateway.store.facts.laboratory_plan import load_history, newest_plan
from gateway.store.facts.reading import Reading

_PERSON = person_option()
_REMARK = reason_option("--reason", "A remark; it goes into the audit trail.", required=False)


def load(
    config: Path = CONFIG,
    as_json: bool = JSON,
) -> None:
    """Forecast the tests and samples of the coming weeks, from the plan of production and from history.

    Each figure has the interval that nine of ten days are within. Nothing is written.
    """
    settings, _sha256 = read(config)
    line = line_of_laboratory(settings, path=config)
    with closing(read_state(settings.store.directory)) as connection:
        known = load_history(Reading(connection, line, MappingProxyType({})), time.time_ns())
    _show(plan_from(known, line.laboratory_load), None, as_json=as_json)


def plan(
    config: Path = CONFIG,
    as_json: bool = JSON,
    approve: bool = typer.Option(False, "--approve", help="Approve the newest plan."),
    accept: list[str] = typer.Option([], "--accept", help="A proposal that is agreed to; again for each. all: every."),
    person: str | None = _PERSON,
    reason: str | None = _REMARK,
) -> None:
    """Show the newest plan of the laboratory with its proposals, or approve it."""
    settings, _sha256 = read(config)
    line = line_of_laboratory(settings, path=config)
    with closing(read_state(settings.store.directory)) as connection:
        newest, approval = newest_plan(Reading(connection, line, MappingProxyType({})))
    if newest is None:
        hint = "set plan = true in [laboratory]; a running gateway drafts one each day"
        raise LablineError("there is no plan of the laboratory yet", hint=hint)
    if not approve:
        _show(newest, approval, as_json=as_json)
        return
    known = [proposal.proposal_id for conflict in newest.conflicts for proposal in conflict.proposals]
    act = ApproveLaboratoryPlan(
        plan_id=newest.plan_id,
        plan_sha256=plan_sha256(newest),
        proposals=tuple(known if "all" in accept else _whole(accept, known)),
    )
    answer = perform(settings, act, path=config, sign_in=sign_in_of(person), reason=reason or "")
    if as_json:
        show_json({"plan_id": newest.plan_id, **answer.details})
    else:
        out.print(f"the plan of {newest.day} is approved with {len(act.proposals)} of {len(known)} proposals")


def _whole(accept: list[str], known: list[str]) -> list[str]:
    """Return the ids of which the first characters were given; what fits none or several is left to be refused."""
    fitting = [[whole for whole in known if whole.startswith(first)] for first in accept]
    return [fits[0] if len(fits) == 1 else first for first, fits in zip(accept, fitting, strict=True)]


def _show(made: LaboratoryPlan, approval: LaboratoryPlanApproved | None, *, as_json: bool) -> None:
    conflicts = conflict_parts(made, approval)
    if as_json:
        document: dict[str, Any] = asdict(made)
        document["conflicts"] = [conflict.model_dump() for conflict in conflicts]
        document["approved_by"] = None if approval is None else approval.person
        show_json(document)
        return
    rows = [(day.day, f"{day.tests:.0f}", f"{day.tests_low:.0f} to {day.tests_high:.0f}", f"{day.samples:.0f}",
             "-" if day.capacity is None else f"{day.capacity:.0f}") for day in made.days if day.works]  # fmt: skip
    show_table("load of the laboratory", ("day", "tests", "9 of 10 days", "samples", "can do"), rows)
    for conflict in conflicts:
        what = "all tests" if conflict.analyte is None else conflict.analyte
        days = conflict.day if conflict.until == conflict.day else f"{conflict.day} to {conflict.until}"
        out.print(
            f"{days}: {what}: {conflict.left:.0f} probably left over, {conflict.capacity:.0f} a day can be done",
            highlight=False,
            soft_wrap=True,
        )
        for proposal in conflict.proposals:
            mark = "x" if proposal.accepted else " "
            out.print(f"  [{mark}] {proposal.text} ({proposal.proposal_id[:8]})", markup=False, highlight=False,
                      soft_wrap=True)  # fmt: skip
    state = "not approved" if approval is None else f"approved by {approval.person}"
    out.print(
        f"{state}; from {made.history_days} days, {made.lots} lots, {made.planned_orders} planned orders",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
