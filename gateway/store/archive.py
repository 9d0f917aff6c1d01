"""The audit trail out of the store: exported with its own verifier, and archived: sealed, verified, then pruned."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from gateway.contract.payloads import audit_head_payload
from gateway.database.files import make_file, make_folder
from gateway.errors import LablineError, why_unread
from gateway.records import AuditEntry, Head, SignedHead
from gateway.store import audit
from gateway.store.heads import HeadSigner, keys_of_heads
from gateway.store.opening import sync_folder
from gateway.store.reconciling import Reconciliation
from gateway.store.statements import SQL
from gateway.store.verify_export import objects_in, problems

LINES, HEADS, ABOUT, VERIFIER = "lines.jsonl", "heads.jsonl", "about.json", "verify.py"


def export(
    connection: sqlite3.Connection,
    folder: Path,
    *,
    line: str,
    last_seq: int | None = None,
    seal: HeadSigner | None = None,
    at_ns: int,
    on_progress: Callable[[int], None] = lambda _lines: None,
) -> int:
    """Write the trail (to its end, or to a line) into a new folder and verify it there; return how many lines.

    Raises LablineError where the folder is there already, or where what was written does not hold.
    """
    try:
        make_folder(folder)
    except FileExistsError as error:
        raise LablineError(f"{folder} is there already", hint="name a folder that is to be made") from error
    except OSError as error:
        raise LablineError(
            f"{folder} cannot be made: {error.strerror}", hint="name a place that you may write to"
        ) from error
    for name in (LINES, HEADS, ABOUT, VERIFIER):
        make_file(folder / name)
    previous, last, count = audit.GENESIS, None, 0
    with (folder / LINES).open("w", encoding="utf-8") as file:
        for number, each in enumerate(audit.lines_from(connection, 0)):
            if last_seq is not None and each.seq > last_seq:
                break
            previous = each.previous if number == 0 else previous
            file.write(json.dumps(asdict(each)) + "\n")
            last, count = each, number + 1
            on_progress(count)
    heads = [head for head in _heads(connection, line) if last is not None and head.head.seq <= last.seq]
    if seal is not None and last is not None:
        heads.append(seal.sign(Head(seq=last.seq, hash=last.hash), at_ns))
    _write_heads(folder / HEADS, heads)
    about = {"line": line, "first_seq": last.seq - count + 1 if last else None, "last_seq": last.seq if last else None,
             "previous": previous, "exported_ns": at_ns}  # fmt: skip
    (folder / ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    (folder / VERIFIER).write_text(files("gateway.store").joinpath("verify_export.py").read_text(), encoding="utf-8")
    for each_path in (*folder.iterdir(), folder, folder.parent):  # on the disk before anything may be taken out
        sync_folder(each_path)
    _lines, wrong = problems(folder, [])
    if wrong:
        raise LablineError(f"what was exported does not hold: {wrong[0]}", hint="run labline audit verify")
    return count


def _heads(connection: sqlite3.Connection, line: str) -> Iterable[SignedHead]:
    for row in connection.execute(SQL["signed_heads"]):
        head = Head(seq=row["seq"], hash=row["hash"])
        yield SignedHead(
            head=head, line=row["line"] or line, at_ns=row["at_ns"], public_key=row["public_key"],
            signature=row["signature"],
        )  # fmt: skip


def _write_heads(path: Path, heads: Iterable[SignedHead]) -> None:
    lines = (audit_head_payload(head).encoded().decode() for head in heads)
    path.write_text("".join(f"{each}\n" for each in lines), encoding="utf-8")


def archived_lines(folder: Path) -> list[dict[str, Any]]:
    """Return the lines in an archive or export; raises LablineError where what is there does not hold."""
    try:
        _lines, wrong = problems(folder, [])
        found = [
            {**each, "seq": int(each["seq"]), "hash": str(each["hash"]), "body": str(each["body"])}
            for each in objects_in(folder / LINES)
        ]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        hint = "name a folder that was archived into"
        raise LablineError(f"{folder} is no archive: {why_unread(error)}", hint=hint) from error
    if wrong:
        raise LablineError(f"{folder} does not hold: {wrong[0]}", hint="use the copy that is kept elsewhere")
    return found


def archive_problem(connection: sqlite3.Connection) -> str | None:
    """Return what is wrong with the newest archive's record, or None: a line of the trail must vouch for it."""
    archives = connection.execute(SQL["archives"]).fetchall()
    if not archives:
        return None
    newest = archives[-1]
    line = connection.execute(SQL["archived_line"], {"subject": newest["file_sha256"]}).fetchone()
    told = json.loads(line["body"]) if line is not None else {}
    names = ("first_seq", "last_seq", "last_hash", "file_sha256")
    if all(told.get(name) == newest[name] for name in names):
        return None
    return f"the lines until {newest['last_seq']} are said to be archived, but no line of the trail says so"


def archive(
    connection: sqlite3.Connection, folder: Path, *, line: str, before_ns: int, signer: HeadSigner, at_ns: int
) -> int:
    """Export older lines, sealed by a signature, verify them, and only then take them out; return how many.

    Raises LablineError where there are none, where they or the records that they vouch for do not hold, or where the
    key is not one that has signed the line's heads; then nothing is taken out.
    """
    known = keys_of_heads(connection)
    if known and signer.public_key not in known:
        raise LablineError(
            f"the audit key {signer.public_key[:16]} has signed no head of this line: nothing was archived",
            hint="give the command the service's credential: CREDENTIALS_DIRECTORY with a file audit_key",
        )
    (last_seq,) = connection.execute(SQL["audit_before"], {"before_ns": before_ns}).fetchone()
    if last_seq is None:
        raise LablineError("there is no line that old", hint="name a later day with --before")
    _lines, wrong = audit.verify(connection)
    if wrong is not None:
        raise LablineError(f"the trail does not hold: {wrong}", hint="nothing was taken out; see operations.md")
    known_then = _vouched_for(connection, last_seq)
    count = export(connection, folder, line=line, last_seq=last_seq, seal=signer, at_ns=at_ns)
    sha256 = hashlib.sha256((folder / LINES).read_bytes()).hexdigest()
    (last_hash,) = connection.execute(SQL["audit_hash"], {"seq": last_seq}).fetchone()
    row = {"first_seq": last_seq - count + 1, "last_seq": last_seq, "last_hash": last_hash, "file_sha256": sha256}
    body = {**row, "file": f"{folder.name}/{LINES}", "rows": known_then}
    entry = AuditEntry(kind="audit_archived", subject=sha256, body=body)
    _prune(connection, row, entry, at_ns)
    return count


def _vouched_for(connection: sqlite3.Connection, last_seq: int) -> dict[str, Any]:
    """Return by table how many rows the archived lines alone will vouch for; raises LablineError where they do not."""
    with Reconciliation(connection) as rows:
        for _ in (*rows.read_lines(), *rows.compare()):
            pass
        wrong = rows.outcome().wrong
        if wrong:
            raise LablineError(
                f"the records do not hold: {wrong[0]}", hint="nothing was taken out; run labline audit verify"
            )
        return {table: asdict(each) for table, each in rows.known_until(last_seq).items()}


def _prune(connection: sqlite3.Connection, row: dict[str, Any], entry: AuditEntry, at_ns: int) -> None:
    """Take archived lines out: the only way that a line ever leaves, in one transaction with its record."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        (trigger,) = connection.execute(SQL["audit_delete_trigger"]).fetchone()
        audit.append(connection, (entry,), at_ns=at_ns)
        connection.execute(SQL["insert_archive"], row)
        connection.execute(SQL["drop_audit_delete_trigger"])
        connection.execute(SQL["prune_audit"], row)
        connection.execute(trigger)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
