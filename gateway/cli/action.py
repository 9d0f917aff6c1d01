"""``labline action``: corrective and preventive actions against deviations, and whether they helped."""

from contextlib import closing
from pathlib import Path
from typing import Any

import typer

from gateway.cli.acts import person_option, reason_option, show_waiting, sign_in_of
from gateway.cli.options import CONFIG, JSON
from gateway.cli.output import out, show_json, show_table
from gateway.config.reading import read
from gateway.contract.times import rfc3339
from gateway.lab.effectiveness import ActionOnRecord, Recurrence
from gateway.records.acts import ActOutcome, CompleteAction, RecordAction
from gateway.records.corrective_actions import ActionKind
from gateway.runtime.act_requests import perform
from gateway.store.database import read_state
from gateway.store.queries.corrective_actions import all_actions

app = typer.Typer(help="Record corrective and preventive actions, and show whether they helped.", no_args_is_help=True)
_PERSON = person_option()


@app.callback()
def _group() -> None:
    """Record corrective and preventive actions, and show whether they helped."""


@app.command(name="list")
def list_actions(config: Path = CONFIG, as_json: bool = JSON) -> None:
    """List the newest actions, each with whether the same failure came back since it was done."""
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        actions = all_actions(connection)
    if as_json:
        show_json({"actions": [_document(item) for item in actions]})
        return
    cells = [
        (item.action.action, item.action.kind.value, item.action.owner, item.action.due or "-",
         item.effect.effectiveness.value.replace("_", " "),
         counted(item.effect.since), counted(item.effect.before), item.action.material_lot_id or "-",
         item.action.action_id)
        for item in actions
    ]  # fmt: skip
    columns = ("action", "kind", "owner", "due", "effect", "lots since", "before", "lot", "id")
    show_table("corrective and preventive actions", columns, cells)


def counted(recurrence: Recurrence) -> str:
    """Return in how many lots a failure came, of how many."""
    return f"{recurrence.failed_lots} of {recurrence.lots}"


def _counts(recurrence: Recurrence) -> dict[str, int]:
    return {"lots": recurrence.lots, "failed_lots": recurrence.failed_lots, "samples": recurrence.samples,
            "failed": recurrence.failed}  # fmt: skip


def _document(item: ActionOnRecord) -> dict[str, Any]:
    low, high = item.effect.since.interval
    return {
        "id": item.action.action_id,
        "deviation": item.action.deviation_id,
        "kind": item.action.kind.value,
        "action": item.action.action,
        "owner": item.action.owner,
        "due": item.action.due,
        "recorded_at": rfc3339(item.action.at_ns),
        "recorded_by": item.action.person,
        "done_at": None if item.done_ns is None else rfc3339(item.done_ns),
        "done_by": item.done_by,
        "analyte": item.action.analyte,
        "lot": item.action.material_lot_id,
        "client_id": item.action.client_id,
        "study_id": item.action.study_id,
        "effect": item.effect.effectiveness.value,
        "since": {**_counts(item.effect.since), "low": low, "high": high},
        "before": _counts(item.effect.before),
    }


@app.command()
def record(
    deviation: str = typer.Argument(
        ..., metavar="DEVIATION", help="The deviation's id; labline deviation list shows it."
    ),
    action: str = typer.Option(..., "--action", help="What is to be done."),
    owner: str = typer.Option(..., "--owner", help="Who does it."),
    config: Path = CONFIG,
    preventive: bool = typer.Option(False, "--preventive", help="It is preventive, not corrective."),
    due: str | None = typer.Option(None, "--due", metavar="<day>", help="Until when, such as 2026-12-24."),
    person: str | None = _PERSON,
) -> None:
    """Put an action against a deviation on record."""
    settings, _sha256 = read(config)
    kind = ActionKind.PREVENTIVE if preventive else ActionKind.CORRECTIVE
    act = RecordAction(deviation_id=deviation, action=action, action_kind=kind, owner=owner, due=due)
    answer = perform(settings, act, path=config.resolve(), sign_in=sign_in_of(person), reason="")
    out.print(f"on record as {answer.details['action_id']}", markup=False, soft_wrap=True)


@app.command()
def done(
    action: str = typer.Argument(..., metavar="ACTION", help="The action's id; labline action list shows it."),
    config: Path = CONFIG,
    reason: str = reason_option("--reason", "What was done; it goes into the audit trail."),
    person: str | None = _PERSON,
) -> None:
    """Note that an action was done; from then on it is judged whether the same failure comes back."""
    settings, _sha256 = read(config)
    act = CompleteAction(action_id=action)
    answer = perform(settings, act, path=config.resolve(), sign_in=sign_in_of(person), reason=reason)
    if answer.outcome is ActOutcome.PENDING:
        show_waiting(answer)
        return
    out.print(f"{action} is done", markup=False, soft_wrap=True)
