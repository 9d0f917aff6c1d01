"""``labline audit``: the audit trail, the record of everything that was decided, advised and done."""

import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import typer

from gateway.cli.acts import person_option, reason_option, sign_in_of
from gateway.cli.options import CONFIG, JSON
from gateway.cli.output import err, out, progress_of, show_json, show_wrapped
from gateway.cli.trace_lines import trace_lines
from gateway.config.credentials import credential
from gateway.config.reading import read
from gateway.config.tables import Settings
from gateway.errors import LablineError
from gateway.records.acts import AcknowledgeAlarm
from gateway.runtime.act_requests import perform
from gateway.store.audit.archive import export as export_trail
from gateway.store.audit.archive import export_to_archive
from gateway.store.audit.heads import HeadSigner, load_signer
from gateway.store.audit.verifying import verify as verify_store
from gateway.store.database import read_state
from gateway.store.queries.tracing import trace as trace_of

app = typer.Typer(help="Verify, export and search the audit trail; take down alarms.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Verify, export and search the audit trail; take down alarms."""


@app.command()
def verify(
    config: Path = CONFIG,
    witness: Path = typer.Option(
        None,
        "--witness",
        metavar="<file>",
        help="Signed heads that you keep elsewhere: messages of audit/head, one a line.",
    ),
    archives: list[Path] = typer.Option(
        [],
        "--archive",
        metavar="<folder>",
        help="A folder of labline audit archive, needed for heads of lines that were archived. May be repeated.",
    ),
    as_json: bool = JSON,
) -> None:
    """Verify the audit trail, and every record against its hash and against the trail.

    With --witness also that nobody has rewritten the trail since those heads were published. Exit 1 if any check fails.
    """
    settings, _sha256 = read(config)
    outcome = verify_store(
        settings.store.directory, line=settings.line_path, own_key=_own_key(settings), witness=witness,
        archives=archives,
    )  # fmt: skip
    verdict, findings = outcome.wrong[0] if outcome.wrong else "ok", outcome.findings
    if as_json:
        show_json({"audit": verdict, "lines": findings.audit_lines, "records": findings.rows,
                   "signed_heads": outcome.heads, "witnesses": outcome.witnesses, "wrong": outcome.wrong,
                   "notes": outcome.notes})  # fmt: skip
    else:
        for problem in outcome.wrong:
            out.print(problem, style="red", soft_wrap=True)
        for note in outcome.notes:
            out.print(f"note: {note}", style="yellow", soft_wrap=True)
        out.print(f"audit: {'ok' if not outcome.wrong else 'not ok'} ({findings.audit_lines} lines, {findings.rows} "
                  f"records, {outcome.heads} signed heads, {outcome.witnesses} witnesses)", soft_wrap=True)  # fmt: skip
    raise typer.Exit(1 if outcome.wrong else 0)


def _own_key(settings: Settings) -> str | None:
    """Return the public key that signs this line's heads, or None if this user cannot read it."""
    try:
        signer = _signer(settings)
    except LablineError:
        return None
    return signer.public_key


def _signer(settings: Settings) -> HeadSigner:
    return load_signer(
        line=settings.line_path, directory=settings.store.directory, credential=credential("audit_key"), make_key=False
    )


@app.command()
def export(
    config: Path = CONFIG,
    to: Path = typer.Option(..., "--to", metavar="<folder>", help="A new folder; it must not exist yet."),
) -> None:
    """Write the whole trail into a folder, with a script that verifies it and needs only Python."""
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection, progress_of("exporting") as report_progress:
        count = export_trail(
            connection, to, line=settings.line_path, at_ns=time.time_ns(),
            on_progress=lambda lines: report_progress("lines", lines, lines),
        )  # fmt: skip
    out.print(f"{count} lines exported and verified; verify them again with: python {to / 'verify.py'}",
              markup=False, soft_wrap=True)  # fmt: skip


@app.command()
def archive(
    config: Path = CONFIG,
    to: Path = typer.Option(..., "--to", metavar="<folder>", help="A new folder. Keep it, and a copy elsewhere."),
    before: datetime = typer.Option(
        ..., "--before", formats=["%Y-%m-%d"], metavar="<YYYY-MM-DD>", help="Archive the lines before this day (UTC)."
    ),
    person: str | None = person_option(),
) -> None:
    """Move the oldest lines of the trail into a folder: sign, export and verify them, then delete them in the store."""
    settings, _sha256 = read(config)
    directory = settings.store.directory
    read_state(directory).close()
    signer = _signer(settings)
    before_ns = min(max(int(before.replace(tzinfo=UTC).timestamp()), 0) * 1_000_000_000, time.time_ns())
    with closing(read_state(directory)) as connection:
        act = export_to_archive(
            connection, to, line=settings.line_path, before_ns=before_ns, signer=signer, at_ns=time.time_ns()
        )
    perform(settings, act, path=config.resolve(), sign_in=sign_in_of(person), reason="")
    count = act.last_seq - act.first_seq + 1
    out.print(f"{count} lines archived in {to} and taken out of the store", soft_wrap=True)


@app.command()
def trace(
    identity: str = typer.Argument(
        ..., metavar="ID", help="The id of a sample, lot, result, guidance, deviation or any other record."
    ),
    config: Path = CONFIG,
    whole: bool = typer.Option(False, "--all", help="Show every detail, with hashes, and repeat what was shown above."),
    as_json: bool = JSON,
) -> None:
    """Show everything on record that is connected with an id, and the reasons.

    Exit 1 if nothing is. labline lot shows why a lot is not released.
    """
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        nodes = trace_of(connection, identity)
    if as_json:
        show_json({"id": identity, "found": [node.document() for node in nodes]})
    elif not nodes:
        err.print(f"nothing is on record with the id {identity}", style="red", soft_wrap=True)
        err.print("  -> write it as the messages do; ids are compared letter by letter", soft_wrap=True)
    for line in [] if as_json else trace_lines(nodes, whole=whole):
        show_wrapped(line.indented(), hanging=2 * line.depth + 4)
    raise typer.Exit(0 if nodes else 1)


@app.command()
def acknowledge(
    code: str = typer.Argument(
        ..., help="The alarm's code, such as STORE_QUARANTINED; labline buffer status lists the alarms that stand."
    ),
    config: Path = CONFIG,
    person: str | None = person_option(),
    reason: str = reason_option("--reason", "What you found and did; it goes into the audit trail."),
) -> None:
    """Take down an alarm that stands; once none stands, models are used again up to their stage."""
    settings, _sha256 = read(config)
    perform(settings, AcknowledgeAlarm(code=code), path=config.resolve(), sign_in=sign_in_of(person), reason=reason)
    out.print(f"{code} is taken down")
