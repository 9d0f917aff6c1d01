"""``labline buffer``: messages that wait, that were refused or not understood; and what a damaged store still holds."""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import typer
from rich.text import Text

from gateway.cli.acts import person_option, sign_in_of
from gateway.cli.options import CONFIG, JSON
from gateway.cli.output import out, safe_text, show_json, show_table, show_wrapped
from gateway.config.reading import read
from gateway.contract.times import rfc3339
from gateway.database.file_permissions import making_files_closed_to_others
from gateway.errors import LablineError
from gateway.facts.acts import MessageState
from gateway.records.acts import RetryMessages
from gateway.records.outgoing import Lane
from gateway.records.sink_deliveries import DeliveryState
from gateway.runtime.act_requests import perform
from gateway.store.audit.evidence import must_hold
from gateway.store.care.salvage import Salvaged, quarantined, why
from gateway.store.care.salvage import salvage as salvage_file
from gateway.store.database import locked, open_state, read_state
from gateway.store.queries.readers import depths
from gateway.store.statements import SQL

app = typer.Typer(
    help="Show what waits to be sent and what went wrong; try messages again; salvage a damaged store.",
    no_args_is_help=True,
)

_MOST = typer.Option(100, "--most", min=1, help="Show at most that many, the newest first.")


@app.callback()
def _group() -> None:
    """Show what waits to be sent and what went wrong; try messages again; salvage a damaged store."""


@app.command()
def status(config: Path = CONFIG, as_json: bool = JSON) -> None:
    """Show how many messages wait in each lane, are parked or were dropped, and which alarms stand.

    Lanes are guidance, evidence (results, dispositions, audit) and telemetry. Parked: the broker refused the message.
    deliveries_...: what waits for a system that is told over HTTP, and what it has refused.
    latched: the alarms that stand until a person takes them down. left_...: messages that left without being sent.
    """
    settings, _sha256 = read(config)
    directory = settings.store.directory
    with closing(read_state(directory)) as connection:
        waiting = depths([tuple(row) for row in connection.execute(SQL["depths"])])
        departures = {reason: count for reason, count in connection.execute(SQL["departures"])}  # noqa: C416
        (dead_letters,) = connection.execute(SQL["dead_letter_count"]).fetchone()
        gaps = {kind: count for kind, count in connection.execute(SQL["gap_counts"])}  # noqa: C416
        latches = [code for (code,) in connection.execute(SQL["latches"])]
        deliveries = {
            f"deliveries_{sink}_{state}": count
            for sink, state, count, _oldest in connection.execute(SQL["delivery_counts"])
        }
    figures = {
        **{lane.name.lower(): waiting.messages.get(lane, 0) for lane in Lane},
        "parked": waiting.parked,
        "bytes": waiting.bytes,
        "oldest_seconds": round(waiting.oldest_seconds(time.time_ns()), 1),
        **{f"left_{reason}": count for reason, count in departures.items()},
        "dead_letters": dead_letters,
        **deliveries,
        **{f"gaps_{kind}": count for kind, count in gaps.items()},
        "quarantined": len(quarantined(directory)),
        "latched": ", ".join(latches),
    }
    if as_json:
        show_json(figures)
    else:
        show_table("buffer", ("what", "how much"), list(figures.items()))


@app.command()
def export(
    config: Path = CONFIG,
    to: Path = typer.Option(
        ..., "--to", metavar="<file>", help="A new file; it gets one JSON object for each message, one a line."
    ),
) -> None:
    """Write all messages that wait, also the parked ones, to a file; the store keeps them."""
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection, _new_file(to) as file:
        count = 0
        for row in _messages(connection.execute(SQL["whole_outbox"])):
            file.write(json.dumps(row) + "\n")
            count += 1
    out.print(f"{count} messages written to {to}", soft_wrap=True)


def _new_file(path: Path) -> Any:
    try:
        with making_files_closed_to_others():
            return path.open("x", encoding="utf-8")
    except OSError as error:
        raise LablineError(
            f"{path} cannot be written: {error.strerror}", hint="name a new file in a folder that you may write to"
        ) from error


def _messages(rows: Any) -> Iterator[dict[str, Any]]:
    for row in rows:
        payload, encoding = _text(row["payload"])
        yield {
            "message_id": row["message_id"],
            "lane": Lane(row["lane"]).name.lower(),
            "topic": row["topic"],
            "payload": payload,
            "encoding": encoding,
            "retain": bool(row["retain"]),
            "created_at": rfc3339(row["created_ns"]),
            "expires_at": None if row["expires_ns"] is None else rfc3339(row["expires_ns"]),
            "parked": row["parked"],
            "holds": bool(row["holds"]),
        }


def _text(payload: bytes) -> tuple[str, str]:
    try:
        return payload.decode(), "utf-8"
    except UnicodeDecodeError:
        return base64.b64encode(payload).decode(), "base64"


@app.command()
def parked(config: Path = CONFIG, most: int = _MOST, as_json: bool = JSON) -> None:
    """List the messages that the broker refused, with the reason; send them again with labline buffer retry."""
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        rows = connection.execute(SQL["parked"], {"most": most}).fetchall()
    messages = [
        {"message_id": row["message_id"], "lane": Lane(row["lane"]).name.lower(), "topic": row["topic"],
         "bytes": row["bytes"], "created_at": rfc3339(row["created_ns"]), "why": row["parked"]}
        for row in rows
    ]  # fmt: skip
    _show("parked", messages, as_json=as_json)


@app.command()
def deliveries(
    config: Path = CONFIG,
    state: DeliveryState | None = typer.Option(None, "--state", help="Only those in this state."),
    most: int = _MOST,
    as_json: bool = JSON,
) -> None:
    """List what systems were told over HTTP: its state, the attempts, and what the system answered last.

    Refused ones are sent again with labline buffer retry. Superseded: the facts had changed before it was sent.
    """
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        wanted = {"state": "" if state is None else state.value, "most": most}
        rows = connection.execute(SQL["delivery_log"], wanted).fetchall()
    told = [
        {"id": row["delivery_id"], "sink": row["sink"], "kind": row["kind"], "lot": row["material_lot_id"] or "",
         "state": row["state"], "attempts": row["attempts"], "created_at": rfc3339(row["created_ns"]),
         "answered_at": "" if row["answered_ns"] is None else rfc3339(row["answered_ns"]), "answer": row["answer"]}
        for row in rows
    ]  # fmt: skip
    _show("deliveries", told, as_json=as_json)


@app.command(name="dead-letters")
def dead_letters(
    config: Path = CONFIG,
    identity: str | None = typer.Option(
        None, "--id", metavar="<id>", help="Show only this one, with the message itself and the lots that it concerns."
    ),
    most: int = _MOST,
    as_json: bool = JSON,
) -> None:
    """List the messages that were not understood, with the reason; try them again with labline buffer retry."""
    settings, _sha256 = read(config)
    if identity is not None:
        _show_letter(settings.store.directory, identity, as_json=as_json)
        return
    with closing(read_state(settings.store.directory)) as connection:
        rows = connection.execute(SQL["dead_letters"], {"most": most}).fetchall()
    letters = [
        {"id": row["dead_letter_id"], "at": rfc3339(row["at_ns"]), "first_at": rfc3339(row["first_ns"]),
         "times": row["times"], "topic": row["topic"], "bytes": row["bytes"],
         "why": _why(row), "state": _state_of(row)}
        for row in rows
    ]  # fmt: skip
    _show("dead letters", letters, as_json=as_json)


def _why(row: Any) -> str:
    return " ".join(reason["text"] for reason in json.loads(row["reasons"]))


def _show_letter(directory: Path, identity: str, *, as_json: bool) -> None:
    """Show a dead letter, the lots that it speaks against, and its message; raises LablineError if there is none."""
    with closing(read_state(directory)) as connection:
        row = connection.execute(SQL["dead_letter"], {"dead_letter_id": identity}).fetchone()
        if row is None:
            raise LablineError(f"there is no dead letter {identity}", hint="labline buffer dead-letters lists them")
        must_hold(row["holds"], table="dead_letter", key=identity)
        lots = [lot for (lot,) in connection.execute(SQL["lots_of_dead_letter"], {"dead_letter_id": identity})]
    text, encoding = (None, None) if row["payload"] is None else _text(row["payload"])
    letter = {"id": identity, "at": rfc3339(row["at_ns"]), "topic": row["topic"], "why": _why(row), "lots": lots,
             "payload": text, "encoding": encoding}  # fmt: skip
    if as_json:
        show_json(letter)
        return
    for name in ("id", "at", "topic", "why"):
        show_wrapped(f"{name:<6} {letter[name]}", hanging=7)
    show_wrapped(f"lots   {', '.join(lots) or '-'}", hanging=7)
    out.print("message:" if text is not None else "message: deleted, as newer messages needed the room (store.quota)")
    for line in (text or "").splitlines():
        out.print(Text(safe_text(line)))


def _state_of(row: Any) -> str:
    if not row["holds"]:
        return "damaged"
    if row["bytes"] is None:
        return "payload dropped"  # beyond the quota
    if row["waits"]:
        return "to be tried again"
    return "" if row["tried_ns"] is None else "tried again"


def _show(title: str, rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        show_json({title.replace(" ", "_"): rows})
    else:
        columns = tuple(rows[0]) if rows else ()
        show_table(title, columns, [tuple(row.values()) for row in rows])


@app.command()
def retry(
    identities: list[str] = typer.Argument(
        None, metavar="ID...", help="Ids of dead letters, parked messages or deliveries."
    ),
    config: Path = CONFIG,
    person: str | None = person_option(),
    all_parked: bool = typer.Option(
        False, "--parked", help="All parked messages and refused deliveries, the oldest first."
    ),
) -> None:
    """Read dead letters again, or send parked messages and refused deliveries again; a running gateway does it at once.

    If one of the ids is not known, nothing is done.
    """
    settings, _sha256 = read(config)
    if not identities and not all_parked:
        hint = "give ids from labline buffer parked or labline buffer dead-letters, or --parked for all parked messages"
        raise LablineError("no message is named", hint=hint)
    act = RetryMessages(message_ids=tuple(dict.fromkeys(identities or ())), all_parked=all_parked)
    messages = perform(settings, act, path=config.resolve(), sign_in=sign_in_of(person), reason="").details["messages"]
    for identity, state in messages.items():
        how = "tried" if state == MessageState.DEAD_LETTER else "sent"
        out.print(f"{identity} will be {how} again", soft_wrap=True)
    if not messages:
        out.print("no message is parked")


@app.command()
def salvage(
    config: Path = CONFIG,
    file: Path = typer.Option(
        None,
        "--file",
        metavar="<file>",
        help="The damaged state.db. Without it: the newest that the gateway has put into quarantine.",
    ),
    apply: bool = typer.Option(False, "--apply", help="Copy the intact records that the present store lacks into it."),
    as_json: bool = JSON,
) -> None:
    """Count the intact and the damaged records of a damaged store; with --apply put missing ones back.

    Stop the gateway before --apply; either all missing records are put back, or none. A record that the present store
    has under the same key with other content ("differ here") is not changed: look at both. Exit 1 if any is damaged.
    """
    settings, _sha256 = read(config)
    files = quarantined(settings.store.directory)
    chosen = file or (files[-1] if files else None)
    if chosen is None:
        raise LablineError("no store is in quarantine", hint="name a damaged state.db with --file")
    if apply:
        with locked(settings.store.directory), closing(open_state(settings.store.directory)) as connection:
            salvaged = salvage_file(chosen, into=connection, at_ns=time.time_ns())
    else:
        salvaged = salvage_file(chosen, into=None, at_ns=time.time_ns())
    if as_json:
        show_json({"file": str(chosen), "why": why(chosen), **salvaged.document()})
    else:
        _show_salvaged(chosen, salvaged)
    raise typer.Exit(1 if any(salvaged.damaged.values()) or salvaged.cut else 0)


def _show_salvaged(file: Path, salvaged: Salvaged) -> None:
    rows = [
        (
            table,
            count,
            salvaged.damaged[table],
            salvaged.put_back.get(table, 0),
            salvaged.differing.get(table, 0),
            "no" if table in salvaged.cut else "yes",
        )
        for table, count in salvaged.holding.items()
    ]
    columns = ("table", "intact", "damaged", "put back", "differ here", "read to the end")
    show_table(f"{file}: {why(file)}", columns, rows)
    left = [(table, "not readable" if count is None else count) for table, count in salvaged.left_behind.items()]
    show_table("work that waited; it has no hash and is not put back", ("table", "how many"), left)
