"""``labline setpoint``: what may be written and what was; stop all writing, and allow it again."""

import asyncio
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from gateway.cli.acts import person_option, reason_option, sign_in_of
from gateway.cli.options import CONFIG, JSON
from gateway.cli.output import out, show_json, show_table
from gateway.config.reading import read
from gateway.contract.times import rfc3339
from gateway.records.acts import Act, Answer, ResumeWrites, StopWrites
from gateway.records.setpoints import IntentMoved
from gateway.runtime.act_requests import perform
from gateway.store.database import read_state
from gateway.store.queries.setpoints import WriteShown, newest_writes, stop_of

app = typer.Typer(help="Look at setpoints written to PLCs; stop and resume writing.", no_args_is_help=True)
_REASON = reason_option("--reason", "Why; it goes into the audit trail.")
_PERSON = person_option()


@app.callback()
def _group() -> None:
    """Look at setpoints written to PLCs; stop and resume writing."""


@app.command(name="list")
def list_writes(
    config: Path = CONFIG,
    most: int = typer.Option(20, "--most", min=1, max=10_000, metavar="N", help="At most so many, the newest first."),
    as_json: bool = JSON,
) -> None:
    """List the newest approved moves: what was written and read back, and what came of each."""
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        stop, writes = stop_of(connection), newest_writes(connection, most=most)
    if as_json:
        stopped = None if stop is None else {"person": stop.person, "reason": stop.reason, "at": rfc3339(stop.at_ns)}
        show_json({"stopped": stopped, "writes": [_document(write) for write in writes]})
        return
    if stop is not None:
        out.print(f"writing is stopped since {rfc3339(stop.at_ns)} by {stop.person}: {stop.reason}", soft_wrap=True)
    show_table(
        "setpoints",
        (
            "at",
            "tag",
            "from",
            "to",
            "state",
            "approved by",
            "read back",
            "expected",
            "predicted",
            "measured",
            "why",
        ),
        [_row(write) for write in writes],
    )


@app.command()
def check(config: Path = CONFIG, as_json: bool = JSON) -> None:
    """Try every node, type, right and range of what may be written, and where feedbacks stand; nothing is written."""
    from gateway.cli.write_probes import probe_writes  # noqa: PLC0415 - needs the library of OPC UA
    from gateway.config.line_definition import define_line  # noqa: PLC0415 - reads the models

    settings, _sha256 = read(config)
    findings = asyncio.run(probe_writes(settings, define_line(settings, path=config.resolve())))
    ok = all(finding.ok for finding in findings)
    if as_json:
        show_json({"ok": ok, "findings": [asdict(finding) for finding in findings]})
    elif findings:
        show_table("setpoints", ("", "what", "found"),
                   [("ok" if item.ok else "FAILED", item.subject, item.found) for item in findings])  # fmt: skip
    else:
        out.print("no tag has a write table: nothing is ever written")
    raise typer.Exit(0 if ok else 1)


@app.command()
def stop(config: Path = CONFIG, reason: str = _REASON, person: str | None = _PERSON) -> None:
    """Stop all writing to PLCs at once. Advice goes on; what waits to be written is closed."""
    answer = _done(StopWrites(), config, person, reason)
    out.print("writing was stopped already" if answer.details.get("already") else "writing is stopped")


@app.command()
def resume(config: Path = CONFIG, reason: str = _REASON, person: str | None = _PERSON) -> None:
    """Allow writing again; a supervisor or an engineer does. What was closed meanwhile stays closed."""
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        stop = stop_of(connection)
    if stop is not None:
        out.print(f"stopped since {rfc3339(stop.at_ns)} by {stop.person}: {stop.reason}", soft_wrap=True)
    _done(ResumeWrites(stopped_at="" if stop is None else rfc3339(stop.at_ns)), config, person, reason)
    out.print("writing is allowed again")


def _done(act: Act, config: Path, person: str | None, reason: str) -> Answer:
    settings, _sha256 = read(config)
    return perform(settings, act, path=config.resolve(), sign_in=sign_in_of(person), reason=reason)


def _document(write: WriteShown) -> dict[str, Any]:
    intent, last = write.intent, write.last
    return {
        "id": intent.intent_id,
        "at": rfc3339(intent.issued_ns),
        "guidance": intent.guidance_id,
        "tag": intent.tag,
        "unit": intent.unit,
        "from": intent.from_value,
        "to": intent.to_value,
        "approved_by": intent.approved_by,
        "state": write.state.value,
        "written": last.written,
        "read_back": last.read_back,
        "feedback": last.feedback,
        "reason": None if last.reason is None else last.reason.text,
        "expected": {"value": intent.expected_value, "low": intent.expected_low, "high": intent.expected_high},
        "outcomes": {
            name: {"value": outcome.value, "as_expected": outcome.as_expected, "by": outcome.by}
            for name, outcome in write.outcomes.items()
        },
        "holds": write.holds,
    }


def _row(write: WriteShown) -> tuple[str, ...]:
    intent, last = write.intent, write.last

    def shown(name: str) -> str:
        outcome = write.outcomes.get(name)
        if outcome is None:
            return ""
        return f"{outcome.value:.6g}" if outcome.as_expected else f"{outcome.value:.6g} (not as expected)"

    return (
        rfc3339(intent.issued_ns),
        intent.tag,
        f"{intent.from_value:.6g}",
        f"{intent.to_value:.6g} {intent.unit}",
        write.state.value if write.holds else "DAMAGED",
        intent.approved_by,
        _read_back(last),
        f"{intent.expected_value:.6g}",
        shown("predicted"),
        shown("measured"),
        "" if last.reason is None else last.reason.text,
    )


def _read_back(last: IntentMoved) -> str:
    shown = "" if last.read_back is None else f"{last.read_back:.6g}"
    return shown if last.feedback is None else f"{shown} (feedback {last.feedback:.6g})"
