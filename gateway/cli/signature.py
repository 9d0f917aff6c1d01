"""``labline signature``: what waits to be signed, a second person's signature, and the export of a record."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import typer

from gateway.advice.signed_documents import documents_of
from gateway.cli.acts import person_option, reason_option, show_waiting, sign_in_of
from gateway.cli.options import CONFIG, JSON
from gateway.cli.output import out, show_json, show_table, show_wrapped
from gateway.config.credentials import credential
from gateway.config.reading import read
from gateway.config.signature_table import policies
from gateway.config.tables import Settings
from gateway.contract.signed_bundle import bundle_files, signature_document
from gateway.contract.times import rfc3339
from gateway.errors import LablineError
from gateway.people.signing import policy_of
from gateway.records.act_kinds import ActKind
from gateway.records.acts import ActOutcome, SignPending, WithdrawPending
from gateway.records.signatures import SignedOnRecord, SigningState
from gateway.runtime.act_requests import perform
from gateway.store.audit.heads import load_signer
from gateway.store.database import read_state
from gateway.store.queries.signatures import newest, signed_record_of, waiting

app = typer.Typer(help="Electronic signatures: what waits for them, signing, and export.", no_args_is_help=True)
_RECORD = typer.Argument(..., metavar="ID", help="The record's id, as labline signature list shows it.")
_PERSON = person_option()
_SHOWN = 50


@app.callback()
def _group() -> None:
    """Sign what other people have asked for, and export what was signed."""


@app.command(name="list")
def list_signatures(
    config: Path = CONFIG,
    show_all: bool = typer.Option(False, "--all", help="Also what is signed, withdrawn or refused."),
    as_json: bool = JSON,
) -> None:
    """Show what waits for signatures: who has signed, who may sign, and until when."""
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        items = list(newest(connection, most=_SHOWN) if show_all else waiting(connection, most=_SHOWN))
    documents = [document_of(item, settings) for item in items]
    if as_json:
        show_json({"records": documents})
        return
    rows = [
        (item["record_id"], item["act"], item["subject"], item["state"], item["author"],
         ", ".join(f"{signed['printed_name']} ({signed['signed_at']})" for signed in item["signatures"]),
         f"{item['signatures_missing']} of {', '.join(item['of_roles'])} until {item['expires_at']}"
         if item["state"] == SigningState.WAITING.value else "")
        for item in documents
    ]  # fmt: skip
    show_table("signed records" if show_all else "waiting for signatures",
               ("id", "act", "of", "state", "asked by", "signed by", "waits for"), rows)  # fmt: skip


def document_of(item: SignedOnRecord, settings: Settings) -> dict[str, Any]:
    """Return a signed record as JSON, with who may still sign it."""
    record, content = item.record, json.loads(item.record.body)
    policy = policy_of(ActKind(record.kind), policies(settings.signatures))
    return {
        "record_id": record.record_id,
        "act": record.kind,
        "subject": record.subject,
        "version": record.version,
        "sha256": record.sha256,
        "parameters": content.get("act"),
        "reason": content.get("reason"),
        "author": record.author.printed_name,
        "made_at": rfc3339(record.made_ns),
        "state": item.state.value,
        "why": item.why,
        "holds": item.holds,
        "expires_at": rfc3339(record.expires.wall_ns),
        "signatures": [signature_document(signature) for signature in item.signatures],
        "signatures_missing": max(0, policy.count - len(item.signatures)),
        "of_roles": [role.value for role in policy.roles],
    }


@app.command()
def sign(record: str = _RECORD, config: Path = CONFIG, person: str | None = _PERSON, as_json: bool = JSON) -> None:
    """Sign what another person has asked for, with your own user and password: give --person USER."""
    settings, _sha256 = read(config)
    with closing(read_state(settings.store.directory)) as connection:
        item = _known(connection, record)
    if not as_json:
        _show(item)
    act = SignPending(record_id=item.record.record_id, sha256=item.record.sha256)
    answer = perform(settings, act, path=config.resolve(), sign_in=sign_in_of(person), reason="")
    if answer.outcome is ActOutcome.PENDING:
        show_waiting(answer, as_json=as_json)
    elif as_json:
        show_json({"outcome": answer.outcome.value, **answer.details})
    else:
        show_wrapped(f"signed by {answer.details['person']}, and done", hanging=2)


@app.command()
def withdraw(
    record: str = _RECORD,
    config: Path = CONFIG,
    person: str | None = _PERSON,
    reason: str = reason_option("--reason", "Why; goes into the audit trail."),
) -> None:
    """Withdraw what you have asked for, or reject what waits for your signature, before everybody has signed."""
    settings, _sha256 = read(config)
    perform(settings, WithdrawPending(record_id=record), path=config.resolve(), sign_in=sign_in_of(person),
            reason=reason)  # fmt: skip
    out.print(f"{record} is ended: nothing is done", soft_wrap=True)


@app.command()
def export(
    record: str = _RECORD,
    to: Path = typer.Option(..., "--to", metavar="FOLDER", help="A new folder for the files."),
    config: Path = CONFIG,
) -> None:
    """Export a signed record so that anybody can verify it without Labline: minisign, or the script beside it."""
    settings, _sha256 = read(config)
    directory = settings.store.directory
    with closing(read_state(directory)) as connection:
        item = _known(connection, record)
    if not item.holds:
        raise LablineError(
            f"{record} does not match its hash: it is not exported", hint="labline audit verify says why"
        )
    if item.state is not SigningState.DONE:
        raise LablineError(
            f"{record} is {item.state.value}, not done", hint="labline signature list shows what it needs"
        )
    signer = load_signer(
        line=settings.line_path, directory=directory, credential=credential("audit_key"), make_key=False
    )
    files = bundle_files(
        item,
        signer.private_key.sign,
        line=settings.line_path,
        public_key=bytes.fromhex(signer.public_key),
        documents=documents_of(item, line=settings.line_path),
    )
    if to.exists():
        raise LablineError(f"{to} is there already", hint="name a new folder")
    to.mkdir(parents=True)
    for name, content in files.items():
        (to / name).write_bytes(content)
    show_wrapped(
        f"{item.record.kind} of {item.record.subject} is in {to}; VERIFY.md says how it is verified", hanging=2
    )


def _known(connection: sqlite3.Connection, record: str) -> SignedOnRecord:
    item = signed_record_of(connection, record)
    if item is None:
        raise LablineError(f"there is no record {record} to sign", hint="labline signature list --all shows them")
    return item


def _show(item: SignedOnRecord) -> None:
    """Show what is signed, before it is."""
    content = json.loads(item.record.body)
    record = item.record
    asked = f"{record.kind} of {record.subject}, asked by {record.author.printed_name}, {rfc3339(record.made_ns)}"
    show_wrapped(f"{asked}: {content.get('reason') or 'no reason given'}", hanging=2)
    for name, value in (content.get("act") or {}).items():
        show_wrapped(f"{name}: {value}", hanging=4)
    for signature in item.signatures:
        when = rfc3339(signature.signed_ns)
        show_wrapped(f"signed by {signature.printed_name} ({signature.role.value}), {when}: {signature.meaning}",
                     hanging=2)  # fmt: skip
