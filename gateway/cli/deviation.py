"""``labline deviation``: lists drafts of deviations and shows them as documents."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import typer

from gateway.advice.documents import html, markdown, title_of
from gateway.advice.plant_times import day_of
from gateway.cli.acts import person_option, reason_option, show_waiting, sign_in_of
from gateway.cli.options import CONFIG, JSON
from gateway.cli.output import out, show_json, show_table
from gateway.cli.search import searched
from gateway.clock import SystemClock
from gateway.config.reading import read
from gateway.contract.lims.names import normalised
from gateway.contract.times import rfc3339
from gateway.database.file_permissions import making_files_closed_to_others
from gateway.errors import LablineError
from gateway.knowledge.similar import SimilarEvent, knowledge_of
from gateway.lab.deviations import Deviation, DeviationInShort, DeviationScope
from gateway.lab.effectiveness import ActionOnRecord
from gateway.records.acts import ActOutcome, CloseDeviation
from gateway.records.deviation_states import DeviationClosed
from gateway.records.sight import EVERYTHING
from gateway.runtime.act_requests import perform
from gateway.store.codec import decode, encode
from gateway.store.database import read_state
from gateway.store.queries.closings_to_check import ClosingToCheck, closings_to_check
from gateway.store.queries.corrective_actions import actions_of
from gateway.store.queries.deviation_states import closing_of
from gateway.store.statements import SQL
from gateway.texts.catalogue import speak

app = typer.Typer(help="List and show drafts of deviations.", no_args_is_help=True)

_MOST = 200


def _document(
    deviation: Deviation, form: str, *, actions: Sequence[ActionOnRecord], closed: DeviationClosed | None
) -> str:
    """Return the document; JSON in ASCII, so that no control character reaches a terminal."""
    if form == "json":
        state = None if closed is None else json.loads(encode(closed))
        return json.dumps({**json.loads(encode(deviation)), "closed": state})
    make = html if form == "html" else markdown
    return make(deviation, actions=actions, closed=closed)


_FORMS = ("md", "html", "json")


@app.callback()
def _group() -> None:
    """List and show drafts of deviations."""


@app.command(name="list")
def list_deviations(
    config: Path = CONFIG,
    as_json: bool = JSON,
) -> None:
    """List the newest drafts, one for each lot or episode out of control; first what is to be looked at today."""
    settings, _sha256 = read(config)
    today = day_of(SystemClock().now_ns(), ZoneInfo(settings.site.time_zone))
    with closing(read_state(settings.store.directory)) as connection:
        rows = connection.execute(SQL["all_deviations"], {"most": _MOST}).fetchall()
        deviations = [_row(row, closing_of(connection, row["deviation_id"])) for row in rows]
        to_check = [_to_check(item) for item in closings_to_check(connection, today)]
    if as_json:
        show_json({"to_check": to_check, "deviations": deviations})
        return
    if to_check:
        show_table("closed, effect to be checked now", ("by", "effect", "action", "lot", "id"),
                   [(item["check_by"], item["effect"], item["action"], item["lot"] or "-", item["id"])
                    for item in to_check])  # fmt: skip
    columns = (
        "id",
        "about",
        "state",
        "results",
        "first result",
        "analyte",
        "product",
        "opened",
        "last result",
        "version",
    )
    cells = [
        (row["id"], _about(row), row["state"], row["results"], row["first_result"], row["analyte"],
         row["product"] or "-", row["opened_at"], row["at"], row["version"])
        for row in deviations
    ]  # fmt: skip
    show_table("deviations", columns, cells)


def _of_lot(connection: sqlite3.Connection, lot: str) -> str | None:
    """Return the id of the newest deviation of a lot, or None if it has none."""
    rows = connection.execute(SQL["all_deviations"], {"most": _MOST}).fetchall()
    return next((row["deviation_id"] for row in rows if row["material_lot_id"] == normalised(lot)), None)


def _row(row: sqlite3.Row, closed: DeviationClosed | None) -> dict[str, Any]:
    """Return a deviation's row in the list, with the figures of its newest version."""
    first = " ".join(str(row[name]) for name in ("first_test", "first_value") if row[name] is not None)
    return {
        "id": row["deviation_id"],
        "at": rfc3339(row["at_ns"]),
        "opened_at": rfc3339(row["opened_ns"]),
        "version": row["version"],
        "state": "open" if closed is None else "closed",
        "closed_by": None if closed is None else list(closed.signed_by),
        "check_by": None if closed is None else closed.check_by,
        "scope": row["scope"],
        "results": row["results"],
        "first_result": first or "-",
        "lot": row["material_lot_id"],
        "sample": row["sample_id"],
        "analyte": row["analyte"],
        "product": row["product"],
    }


def _to_check(item: ClosingToCheck) -> dict[str, Any]:
    """Return a closing whose day has come."""
    since = item.last.effect.since
    return {
        "id": item.closed.deviation_id,
        "lot": item.closed.material_lot_id,
        "check_by": item.check_by,
        "action": item.last.action.action,
        "effect": item.last.effect.effectiveness.value.replace("_", " "),
        "lots": since.lots,
        "failed_lots": since.failed_lots,
    }


def _about(deviation: dict[str, Any]) -> str:
    return (
        f"lot {deviation['lot']}"
        if deviation["scope"] == DeviationScope.LOT
        else f"series, last lot {deviation['lot'] or '-'}"
    )


@app.command()
def show(
    deviation: str = typer.Argument(..., help="The deviation's id, or the lot that it is about."),
    config: Path = CONFIG,
    form: str = typer.Option("md", "--format", help="md (Markdown), html (with charts) or json."),
    to: Path | None = typer.Option(None, "--out", metavar="<file>", help="Write to this file, not to the screen."),
) -> None:
    """Show the newest version of a draft as a document."""
    if form not in _FORMS:
        raise LablineError(f"--format {form} is not known", hint=f"formats are: {', '.join(_FORMS)}")
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        row = connection.execute(SQL["deviation"], {"deviation_id": deviation}).fetchone()
        if row is None and (of_lot := _of_lot(connection, deviation)) is not None:
            row = connection.execute(SQL["deviation"], {"deviation_id": of_lot}).fetchone()
        key = deviation if row is None else decode(DeviationInShort, row["body"]).deviation_id
        actions, closed = actions_of(connection, key), closing_of(connection, key)
    if row is None:
        raise LablineError(f"no deviation {deviation} is on record", hint="labline deviation list shows them")
    if not row["holds"]:
        raise LablineError(
            f"deviation {deviation} does not match its hash", hint="labline audit verify says what is damaged"
        )
    draft = decode(Deviation, row["body"])
    speak(settings.texts.language, settings.texts.units)
    text = _document(draft, form, actions=actions, closed=closed)
    if to is None:
        print(text)
        return
    try:
        with making_files_closed_to_others():
            to.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LablineError(f"{to} cannot be written: {error.strerror}", hint="name another file: --out") from error
    out.print(f"{title_of(draft)}: written to {to}", markup=False, soft_wrap=True)


@app.command()
def close(
    deviation: str = typer.Argument(..., help="The deviation's id, or the lot that it is about."),
    config: Path = CONFIG,
    reason: str = reason_option("--reason", "The conclusion: the cause, and why nothing is left to do."),
    no_action: str = typer.Option("", "--no-action", help="Why no action is needed, where none is on record."),
    check_by: str | None = typer.Option(
        None, "--check-by", metavar="<day>", help="The day on which it is looked at whether the actions helped."
    ),
    person: str | None = person_option(),
) -> None:
    """Close a deviation with a signature of quality: its actions are done, or none is needed."""
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        key = _of_lot(connection, deviation) or deviation
        row = connection.execute(SQL["deviation"], {"deviation_id": key}).fetchone()
    version = 0 if row is None or not row["holds"] else decode(DeviationInShort, row["body"]).version
    act = CloseDeviation(deviation_id=key, version=version, no_action=no_action, check_by=check_by)
    answer = perform(settings, act, path=config.resolve(), sign_in=sign_in_of(person), reason=reason)
    if answer.outcome is ActOutcome.PENDING:
        show_waiting(answer)
        return
    out.print(f"deviation {key} is closed", markup=False, soft_wrap=True)


@app.command()
def similar(
    deviation: str = typer.Argument(..., help="The deviation's id, or the lot that it is about."),
    config: Path = CONFIG,
    as_json: bool = JSON,
) -> None:
    """Show earlier deviations like one, by process and words: what was done, and whether the failure came back."""
    settings, _sha256 = read(config)
    speak(settings.texts.language, settings.texts.units)
    with searched(settings, config) as where:
        key = _of_lot(where.state, deviation) or deviation
        known = knowledge_of(where, key, EVERYTHING)
    if known is None:
        raise LablineError(f"no deviation {deviation} is on record", hint="labline deviation list shows them")
    if as_json:
        show_json({"deviation": key, "similar": [_similar_document(item) for item in known.similar],
                   "suggested": [item.action.action for item in known.suggested]})  # fmt: skip
        return
    cells = [
        (item.document.title, f"{item.nearness:.0%}", _done_text(item),
         f"{item.since.failed_lots} of {item.since.lots}", item.document.key)
        for item in known.similar
    ]  # fmt: skip
    show_table("events like it", ("event", "alike", "done", "came back", "id"), cells)
    rows = [(item.action.action, item.effect.effectiveness.value.replace("_", " ")) for item in known.suggested]
    show_table("done against the same failure before", ("action", "effect"), rows)


def _done_text(item: SimilarEvent) -> str:
    return "; ".join((*item.moves, *(one.action.action for one in item.actions))) or "-"


def _similar_document(item: SimilarEvent) -> dict[str, Any]:
    return {
        "id": item.document.key,
        "title": item.document.title,
        "at": rfc3339(item.document.at_ns),
        "nearness": item.nearness,
        "by_process": item.by_process,
        "by_words": item.by_words,
        "causes": list(item.causes),
        "moves": list(item.moves),
        "moves_helped": item.moves_helped,
        "actions": [{"action": one.action.action, "effect": one.effect.effectiveness.value} for one in item.actions],
        "came_back": {
            "failed": item.since.failed,
            "samples": item.since.samples,
            "lots": item.since.lots,
            "failed_lots": item.since.failed_lots,
        },
    }
