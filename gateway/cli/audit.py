"""``labline audit``: the trail of what was decided, advised and done."""

import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import typer

from gateway.cli.acts import person_option, reason_option, sign_in_of
from gateway.cli.output import err, out, progress_of, show_json, show_wrapped
from gateway.cli.story import story
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
    found = verify_store(
        settings.store.directory, line=settings.line_path, own_key=_own_key(settings), witness=witness,
        archives=archives,
    )  # fmt: skip
    told, findings = found.wrong[0] if found.wrong else "ok", found.findings
    if as_json:
        show_json({"audit": told, "lines": findings.audit_lines, "records": findings.rows, "signed_heads": found.heads,
                   "witnesses": found.witnesses, "wrong": found.wrong, "notes": found.notes})  # fmt: skip
    else:
        for each in found.wrong:
            out.print(each, style="red", soft_wrap=True)
        for each in found.notes:
            out.print(f"note: {each}", style="yellow", soft_wrap=True)
        out.print(f"audit: {'ok' if not found.wrong else 'not ok'} ({findings.audit_lines} lines, {findings.rows} "
                  f"records, {found.heads} signed heads, {found.witnesses} witnesses)", soft_wrap=True)  # fmt: skip
    raise typer.Exit(1 if found.wrong else 0)


def _own_key(settings: Settings) -> str | None:
    """Return the public key that signs this line's heads, where this command has it."""
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
    person: str | None = person_option(),
) -> None:
    """Seal and export the oldest lines, verify them there, and only then take them out of the store."""
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
        ..., metavar="ID", help="A sample, lot, result, guidance, deviation or any other id."
    ),
    config: Path = _CONFIG,
    whole: bool = typer.Option(False, "--all", help="Everything that is on record, with hashes, and again each time."),
    as_json: bool = _JSON,
) -> None:
    """Show what is connected with an id, and why; exit 1 where nothing is. Why a lot is not released: labline lot."""
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        found = trace_of(connection, identity)
    if as_json:
        show_json({"id": identity, "found": [each.document() for each in found]})
    elif not found:
        err.print(f"nothing on record has the id {identity}", style="red", soft_wrap=True)
    for line in [] if as_json else story(found, whole=whole):
        show_wrapped(line.indented(), hanging=2 * line.depth + 4)
    raise typer.Exit(0 if found else 1)


@app.command()
def acknowledge(
    code: str = typer.Argument(..., help="The alarm that stands, such as STORE_QUARANTINED."),
    config: Path = _CONFIG,
    person: str | None = person_option(),
    reason: str = reason_option("--reason", "What was found and done."),
) -> None:
    """Take down an alarm that stands; the models leave shadow once none stands. It goes into the audit trail."""
    settings, _sha256 = read(config)
    perform(settings, AcknowledgeAlarm(code=code), path=config.resolve(), sign_in=sign_in_of(person), reason=reason)
    out.print(f"{code} is taken down")
