"""``labline audit``: the trail of what was decided, advised and done."""

import json
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from rich.text import Text
from rich.tree import Tree

from gateway.cli.presentation import err, out, progress_of, show_json
from gateway.errors import LablineError
from gateway.records import AuditEntry
from gateway.settings import credential, read
from gateway.store import audit
from gateway.store.archive import archive as archive_trail
from gateway.store.archive import archive_problem, archived_hashes
from gateway.store.archive import export as export_trail
from gateway.store.checking import check
from gateway.store.database import changed_by_person, read_state
from gateway.store.heads import contains, load_signer, read_head_file
from gateway.store.statements import SQL
from gateway.store.tracing import Node
from gateway.store.tracing import trace as trace_of
from gateway.store.verify_export import head_problem

app = typer.Typer(help="The audit trail.", no_args_is_help=True)

_CONFIG = typer.Option(..., "--config", "-c", help="The configuration file.")
_JSON = typer.Option(False, "--json", help="One JSON object.")


@app.callback()
def _group() -> None:
    """The audit trail."""


@app.command()
def verify(
    config: Path = _CONFIG,
    witness: Path = typer.Option(None, "--witness", help="Heads kept elsewhere: published messages, one a line."),
    archives: list[Path] = typer.Option(
        [], "--archive", help="A folder that lines were archived into, for witnesses of them; may be given again."
    ),
    as_json: bool = _JSON,
) -> None:
    """Verify the trail, the records it vouches for, and every evidence row against its hash.

    With heads kept elsewhere, also that nobody has rewritten the trail since they were published.
    """
    settings, _sha256 = read(config)
    beside = read_head_file(settings.store.directory)  # before the trail is read: the gateway may be writing
    findings = check(settings.store.directory, gently=False)
    wrong = [*findings.wrong]
    with closing(read_state(settings.store.directory)) as connection:
        (until,) = connection.execute(SQL["archived_until"]).fetchone()
        heads = [  # those of archived lines are in the archive
            _published(row, settings.line_path)
            for row in connection.execute(SQL["signed_heads"])
            if row["seq"] > (until or 0)
        ]
        keys = {head["public_key"] for head in heads}
        witnesses = [] if witness is None else _witnesses(witness)
        last = connection.execute(SQL["last_audit"]).fetchone()
        wrong += [found] if (found := archive_problem(connection)) else []
        archived = {seq: digest for folder in archives for seq, digest in archived_hashes(folder).items()}
        wrong += _unlike_the_record(connection, archived)
        for head in [*heads, *witnesses]:
            row = connection.execute(SQL["audit_hash"], {"seq": head["seq"]}).fetchone()
            hashes = archived if row is None else {head["seq"]: row["hash"]}
            wrong += [found] if (found := head_problem(head, hashes, last["seq"] if last else 0)) else []
            wrong += [f"head {head['seq']} is signed with another key"] if keys - {head["public_key"]} == keys else []
        if beside is not None and not contains(connection, beside):
            wrong.append(
                f"line {beside.seq} was committed as it is not in the trail, which ends at {last['seq'] if last else 0}"
            )
    told = wrong[0] if wrong else "ok"
    if as_json:
        show_json({"audit": told, "lines": findings.audit_lines, "records": findings.rows, "signed_heads": len(heads),
                   "witnesses": len(witnesses), "wrong": wrong})  # fmt: skip
    else:
        for each in wrong:
            out.print(each, style="red", soft_wrap=True)
        out.print(f"audit: {'ok' if not wrong else 'not ok'} ({findings.audit_lines} lines, {findings.rows} records, "
                  f"{len(heads)} signed heads, {len(witnesses)} witnesses)", soft_wrap=True)  # fmt: skip
    raise typer.Exit(1 if wrong else 0)


def _unlike_the_record(connection: sqlite3.Connection, archived: dict[int, str]) -> list[str]:
    """Return where archives that were named do not end as the store has it on record."""
    return [
        f"the archive of the lines until {each['last_seq']} ends otherwise than is on record"
        for each in connection.execute(SQL["archives"])
        if archived.get(each["last_seq"], each["last_hash"]) != each["last_hash"]
    ]


def _published(row: Any, line: str) -> dict[str, Any]:
    return {"line": line, "seq": row["seq"], "hash": row["hash"], "public_key": row["public_key"],
            "signature": row["signature"]}  # fmt: skip


def _witnesses(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8").strip()
        found = json.loads(text) if text.startswith("[") else [json.loads(each) for each in text.splitlines() if each]
        texts = ("hash", "line", "public_key", "signature")
        return [{"seq": int(head["seq"]), **{name: str(head[name]) for name in texts}} for head in found]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LablineError(
            f"{path} holds no witnesses: {error!r}", hint="messages of audit/head as published, one JSON object a line"
        ) from error


@app.command()
def export(
    config: Path = _CONFIG,
    to: Path = typer.Option(..., "--to", help="The folder to make; it must not be there yet."),
) -> None:
    """Write the whole trail into a folder, with a verifier that needs nothing but Python."""
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection, progress_of("exporting") as told:
        count = export_trail(
            connection, to, line=settings.line_path, at_ns=time.time_ns(),
            on_progress=lambda lines: told("lines", lines, lines),
        )  # fmt: skip
    out.print(f"{count} lines exported and verified; anyone verifies them with: python {to / 'verify.py'}",
              markup=False, soft_wrap=True)  # fmt: skip


@app.command()
def archive(
    config: Path = _CONFIG,
    to: Path = typer.Option(..., "--to", help="The folder to make; keep it, and a copy elsewhere."),
    before: datetime = typer.Option(..., "--before", formats=["%Y-%m-%d"], help="Lines older than this day (UTC)."),
) -> None:
    """Seal and export the oldest lines, verify them there, and only then take them out of the store."""
    settings, _sha256 = read(config)
    directory = settings.store.directory
    signer = load_signer(line=settings.line_path, directory=directory, credential=credential("audit_key"))
    before_ns = min(int(before.replace(tzinfo=UTC).timestamp()) * 1_000_000_000, time.time_ns())
    with changed_by_person(directory) as connection:
        count = archive_trail(
            connection, to, line=settings.line_path, before_ns=before_ns, signer=signer, at_ns=time.time_ns()
        )
    out.print(f"{count} lines archived in {to} and taken out of the store", soft_wrap=True)


@app.command()
def trace(
    identity: str = typer.Argument(
        ..., metavar="ID", help="A sample, lot, result, guidance, deviation or any other id."
    ),
    config: Path = _CONFIG,
    as_json: bool = _JSON,
) -> None:
    """Show everything that is connected with an id, as a tree. Exit 1 where nothing on record has it."""
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        found = trace_of(connection, identity)
    if as_json:
        show_json({"id": identity, "found": [each.document() for each in found]})
    elif not found:
        err.print(f"nothing on record has the id {identity}", style="red", soft_wrap=True)
    for node in [] if as_json else found:
        out.print(_branch(node), soft_wrap=True)
    raise typer.Exit(0 if found else 1)


def _branch(node: Node) -> Tree:
    told = ", ".join(f"{name} {_short(value)}" for name, value in node.told.items())
    marks = f"{' (shown above)' if node.again else ''}{'' if node.holds else ' DAMAGED'}"
    tree = Tree(Text(f"{node.kind} {node.id}{marks}: {told}"))
    for each in node.children:
        tree.children.append(_branch(each))
    return tree


def _short(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "; ".join(str(each.get("text") or each.get("tag") or each) for each in value)
    return str(value)


@app.command()
def acknowledge(
    code: str = typer.Argument(..., help="The alarm that stands, such as STORE_QUARANTINED."),
    config: Path = _CONFIG,
    person: str = typer.Option(..., "--person", help="Who takes it down."),
    reason: str = typer.Option(..., "--reason", help="What was found and done."),
) -> None:
    """Take down an alarm that stands; the models leave shadow once none stands. It goes into the audit trail."""
    settings, _sha256 = read(config)
    with changed_by_person(settings.store.directory) as connection:
        connection.execute("BEGIN IMMEDIATE")
        if not connection.execute(SQL["unlatch"], {"code": code}).rowcount:
            standing = ", ".join(found for (found,) in connection.execute(SQL["latches"])) or "none"
            raise LablineError(f"no alarm {code} stands", hint=f"standing: {standing}")
        entry = AuditEntry(kind="alarm_acknowledged", subject=code, body={"person": person, "reason": reason})
        audit.append(connection, (entry,), at_ns=time.time_ns())
        connection.execute("COMMIT")
    out.print(f"{code} is taken down")
