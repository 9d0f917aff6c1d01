"""The audit trail out of the store: exported with its own verifier, and archived: sealed, verified, then pruned."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from gateway.contract.payloads.audit_head import audit_head_payload
from gateway.database.file_permissions import make_file, make_new_folder
from gateway.database.opening import one_state
from gateway.errors import LablineError, why_unread
from gateway.records.acts import ArchiveAudit
from gateway.records.outgoing import Head, SignedHead
from gateway.store.audit import trail as audit
from gateway.store.audit.heads import HeadSigner, keys_of_heads
from gateway.store.audit.reconciling import Reconciliation
from gateway.store.audit.verify_export import objects_in, problems
from gateway.store.care.opening import sync_folder
from gateway.store.statements import SQL

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
    make_new_folder(folder)
    for name in (LINES, HEADS, ABOUT, VERIFIER):
        make_file(folder / name)
    exported = _write_lines(connection, folder / LINES, last_seq, on_progress)
    last = exported.last
    heads = [head for head in _heads(connection, line) if last is not None and head.head.seq <= last.seq]
    if seal is not None and last is not None:
        heads.append(seal.sign(Head(seq=last.seq, hash=last.hash), at_ns))
    _write_heads(folder / HEADS, heads)
    about = {"line": line, "first_seq": last.seq - exported.count + 1 if last else None,
             "last_seq": last.seq if last else None, "previous": exported.previous,
             "exported_ns": at_ns}  # fmt: skip
    (folder / ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    (folder / VERIFIER).write_text(
        files("gateway.store.audit").joinpath("verify_export.py").read_text(), encoding="utf-8"
    )
    for path in (*folder.iterdir(), folder, folder.parent):  # on the disk before anything may be taken out
        sync_folder(path)
    _lines, wrong = problems(folder, [])
    if wrong:
        raise LablineError(f"what was exported does not hold: {wrong[0]}", hint="run labline audit verify")
    return exported.count


@dataclass(frozen=True, kw_only=True, slots=True)
class _Exported:
    """How many lines were written, the last of them, and the hash of the line before the first."""

    count: int
    last: audit.Line | None
    previous: str


def _write_lines(
    connection: sqlite3.Connection, path: Path, last_seq: int | None, on_progress: Callable[[int], None]
) -> _Exported:
    """Write the lines to the end, or up to a line, as JSON, one on each row of the file."""
    previous, last, count = audit.GENESIS, None, 0
    with path.open("w", encoding="utf-8") as file:
        for number, line in enumerate(audit.lines_from(connection, 0)):
            if last_seq is not None and line.seq > last_seq:
                break
            previous = line.previous if number == 0 else previous
            file.write(json.dumps(asdict(line)) + "\n")
            last, count = line, number + 1
            on_progress(count)
    return _Exported(count=count, last=last, previous=previous)


def _heads(connection: sqlite3.Connection, line: str) -> Iterable[SignedHead]:
    for row in connection.execute(SQL["signed_heads"]):
        head = Head(seq=row["seq"], hash=row["hash"])
        yield SignedHead(
            head=head, line=row["line"] or line, at_ns=row["at_ns"], public_key=row["public_key"],
            signature=row["signature"],
        )  # fmt: skip


def _write_heads(path: Path, heads: Iterable[SignedHead]) -> None:
    lines = (audit_head_payload(head).encoded().decode() for head in heads)
    path.write_text("".join(f"{text}\n" for text in lines), encoding="utf-8")


def archived_lines(folder: Path) -> list[dict[str, Any]]:
    """Return the lines in an archive or export; raises LablineError where what is there does not hold."""
    try:
        _lines, wrong = problems(folder, [])
        lines = [
            {**line, "seq": int(line["seq"]), "hash": str(line["hash"]), "body": str(line["body"])}
            for line in objects_in(folder / LINES)
        ]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        hint = "name a folder that was archived into"
        raise LablineError(f"{folder} is no archive: {why_unread(error)}", hint=hint) from error
    if wrong:
        raise LablineError(f"{folder} does not hold: {wrong[0]}", hint="use the copy that is kept elsewhere")
    return lines


def archive_problem(connection: sqlite3.Connection) -> str | None:
    """Return what is wrong with the newest archive's record, or None: a line of the trail must vouch for it."""
    archives = connection.execute(SQL["archives"]).fetchall()
    if not archives:
        return None
    newest = archives[-1]
    line = connection.execute(SQL["archived_line"], {"subject": newest["file_sha256"]}).fetchone()
    audited = json.loads(line["body"]) if line is not None else {}
    names = ("first_seq", "last_seq", "last_hash", "file_sha256")
    if all(audited.get(name) == newest[name] for name in names):
        return None
    return f"the lines until {newest['last_seq']} are said to be archived, but no line of the trail says so"


def export_to_archive(
    connection: sqlite3.Connection, folder: Path, *, line: str, before_ns: int, signer: HeadSigner, at_ns: int
) -> ArchiveAudit:
    """Export older lines, sealed by a signature, and verify them; return the act that takes them out of the store.

    Raises LablineError where there are none, where they or the records that they vouch for do not hold, or where the
    key is not one that has signed the line's heads.
    """
    with one_state(connection):  # a gateway may write meanwhile
        return _exported(connection, folder, line=line, before_ns=before_ns, signer=signer, at_ns=at_ns)


def _exported(
    connection: sqlite3.Connection, folder: Path, *, line: str, before_ns: int, signer: HeadSigner, at_ns: int
) -> ArchiveAudit:
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
    (last_hash,) = connection.execute(SQL["audit_hash"], {"seq": last_seq}).fetchone()
    return ArchiveAudit(
        first_seq=last_seq - count + 1,
        last_seq=last_seq,
        last_hash=last_hash,
        file_sha256=hashlib.sha256((folder / LINES).read_bytes()).hexdigest(),
        file=f"{folder.name}/{LINES}",
        public_key=signer.public_key,
        rows=known_then,
    )


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
        return {table: asdict(archived) for table, archived in rows.known_until(last_seq).items()}
