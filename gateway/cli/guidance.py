"""``labline guidance``: the guidance that is open, and a person's answer to it."""

from contextlib import closing
from pathlib import Path
from typing import Any

import typer

from gateway.cli.acts import person_option, reason_option, sign_in_of
from gateway.cli.options import CONFIG, JSON
from gateway.cli.output import out, show_json, show_table
from gateway.config.reading import read
from gateway.contract.times import rfc3339
from gateway.records.acts import ActOutcome, Answer, AnswerGuidance
from gateway.records.guidance import Guidance
from gateway.records.people import Act, AnswerOnRecord
from gateway.runtime.act_requests import perform
from gateway.store.database import read_state
from gateway.store.queries.guidance import answer_that_changed, open_guidance

app = typer.Typer(help="List open guidance; acknowledge, approve or reject it.", no_args_is_help=True)

_MOST = 200
_ID = typer.Argument(..., metavar="ID", help="The guidance, as labline guidance list shows it.")
_PERSON = person_option()
_REASON = reason_option("--reason", "Why; it goes on record with the answer.", required=False)


@app.callback()
def _group() -> None:
    """List open guidance; acknowledge, approve or reject it."""


@app.command(name="list")
def list_guidance(config: Path = CONFIG, as_json: bool = JSON) -> None:
    """List the guidance that is open, the newest first, with the answer that it has."""
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        connection.execute("BEGIN")  # one picture of it, whatever the gateway writes meanwhile
        rows = [
            (guidance, answer_that_changed(connection, guidance.guidance_id))
            for guidance in open_guidance(connection, most=_MOST)
        ]
    if as_json:
        show_json({"guidance": [_document(guidance, answer) for guidance, answer in rows]})
        return
    cells = [
        (guidance.guidance_id, guidance.state.value, guidance.kind.value, guidance.title,
         guidance.material_lot_id or guidance.equipment_id or "", _told(answer))
        for guidance, answer in rows
    ]  # fmt: skip
    show_table("open guidance", ("id", "state", "kind", "title", "of", "answered"), cells)


@app.command()
def acknowledge(
    guidance: str = _ID, config: Path = CONFIG, person: str | None = _PERSON, reason: str | None = _REASON,
    as_json: bool = JSON,
) -> None:  # fmt: skip
    """Acknowledge a guidance: you have seen it."""
    _answered(guidance, Act.ACKNOWLEDGE, config, person, reason, as_json)


@app.command()
def approve(
    guidance: str = _ID, config: Path = CONFIG, person: str | None = _PERSON, reason: str | None = _REASON,
    as_json: bool = JSON,
) -> None:  # fmt: skip
    """Approve the move of a setpoint that a guidance suggests; its model must be in stage approve or automatic."""
    _answered(guidance, Act.APPROVE, config, person, reason, as_json)


@app.command()
def reject(
    guidance: str = _ID,
    config: Path = CONFIG,
    person: str | None = _PERSON,
    reason: str = reason_option("--reason", "Why you do not follow it; it goes on record."),
    as_json: bool = JSON,
) -> None:
    """Reject a guidance: it leaves the board. A hold is not rejected: quality decides on the lot."""
    _answered(guidance, Act.REJECT, config, person, reason, as_json)


def _answered(guidance_id: str, act: Act, config: Path, person: str | None, reason: str | None, as_json: bool) -> None:
    settings, _sha256 = read(config)
    answer = perform(
        settings,
        AnswerGuidance(guidance_id=guidance_id.strip(), answer=act),
        path=config.resolve(),
        sign_in=sign_in_of(person),
        reason=reason or "",
    )
    if as_json:
        show_json({"guidance_id": guidance_id.strip(), **_plain(answer)})
        return
    out.print(answer.details.get("text", "done"), soft_wrap=True)


def _plain(answer: Answer) -> dict[str, Any]:
    return {"done": answer.outcome is ActOutcome.DONE, **answer.details}


def _document(guidance: Guidance, answer: AnswerOnRecord | None) -> dict[str, Any]:
    suggestion = guidance.suggestion
    return {
        "id": guidance.guidance_id,
        "kind": guidance.kind.value,
        "state": guidance.state.value,
        "severity": guidance.severity.value,
        "title": guidance.title,
        "lot": guidance.material_lot_id,
        "equipment": guidance.equipment_id,
        "issued_at": rfc3339(guidance.issued_ns),
        "expires_at": None if guidance.expires is None else rfc3339(guidance.expires.wall_ns),
        "requires": {"role": guidance.role, "signature": guidance.signature},
        "suggestion": None if suggestion is None else {
            "tag": suggestion.tag, "current": suggestion.current, "proposed": suggestion.proposed,
            "unit": suggestion.unit,
        },
        "answer": None if answer is None else {
            "act": answer.act.value, "person": answer.name, "identified": answer.identified,
            "at": rfc3339(answer.at_ns),
        },
    }  # fmt: skip


def _told(answer: AnswerOnRecord | None) -> str:
    if answer is None:
        return ""
    stated = "" if answer.identified else " (not proven)"
    return f"{answer.act.value}: {answer.name or 'no name'}{stated}, {rfc3339(answer.at_ns)[:19]}Z"
