"""The whole verification of a store: the full check, its signed heads, heads that are kept elsewhere, and archives.

What is wrong means that something was changed, invented or lost. A note is what a person has to know of it, such as
that the line was renamed, or that records are vouched for by archives that were not named.
"""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.errors import LablineError, why_unread
from gateway.store.audit.archive import archive_problem, archived_lines
from gateway.store.audit.heads import contains, keys_of_heads, read_head_file
from gateway.store.audit.verify_export import head_problem
from gateway.store.care.checking import Findings, check
from gateway.store.database import read_state
from gateway.store.statements import SQL

_TEXTS = ("hash", "line", "public_key", "signature")


_ARCHIVED_ELSEWHERE = "records are vouched for by archived lines: verify them with --archive FOLDER, each folder once"


@dataclass(slots=True)
class Verified:
    """The outcome of a verification; with nothing in ``wrong`` all of it holds."""

    findings: Findings
    heads: int = 0
    witnesses: int = 0
    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def verify(
    directory: Path,
    *,
    line: str,
    own_key: str | None,
    witness: Path | None = None,
    archives: Sequence[Path] = (),
) -> Verified:
    """Verify a store, the gateway may be writing to it; raises LablineError where something cannot be read.

    Args:
        directory: the store's.
        line: as the configuration calls it.
        own_key: the public key that signs the line's heads, where the caller has it.
        witness: a file with heads as published, kept elsewhere.
        archives: folders that lines were archived into.
    """
    head_file = read_head_file(directory)  # before the trail is read: the gateway may be writing
    lines = sorted((line for folder in archives for line in archived_lines(folder)), key=lambda line: line["seq"])
    witnesses = [] if witness is None else _witnesses(witness)
    findings = check(directory, gently=False, archived=lines)
    verified = Verified(findings=findings, wrong=[*findings.wrong], witnesses=len(witnesses))
    archived = {line["seq"]: line["hash"] for line in lines}
    with closing(read_state(directory)) as connection:
        (until,) = connection.execute(SQL["archived_until"]).fetchone()
        last = connection.execute(SQL["last_audit"]).fetchone()
        rows = [row for row in connection.execute(SQL["signed_heads"]) if row["seq"] > (until or 0)]
        heads = [_published(row, line) for row in rows]  # those of archived lines are in the archive
        verified.heads = len(heads)
        verified.wrong += _archive_problems(connection, archived)
        known = keys_of_heads(connection) | ({own_key} if own_key else set())
        ends = last["seq"] if last else 0
        for head in [*heads, *witnesses]:
            verified.wrong += _head_problems(connection, head, archived, ends=ends, known=known)
        if head_file is not None and not contains(connection, head_file):
            verified.wrong.append(f"line {head_file.seq} was committed as it is not in the trail, which ends at {ends}")
    _renamed(verified, heads, witnesses, line, unnamed={row["seq"] for row in rows if row["line"] is None})
    if findings.archived:
        verified.notes.append(f"{findings.archived} {_ARCHIVED_ELSEWHERE}")
    return verified


def _archive_problems(connection: sqlite3.Connection, archived: Mapping[int, str]) -> list[str]:
    """Return where archives do not fit together, or end otherwise than is on record; ``archived``: hashes by number."""
    problem = archive_problem(connection)
    return [
        *([] if problem is None else [problem]),
        *(
            f"the archive of the lines until {row['last_seq']} ends otherwise than is on record"
            for row in connection.execute(SQL["archives"])
            if archived.get(row["last_seq"], row["last_hash"]) != row["last_hash"]
        ),
    ]


def _head_problems(
    connection: sqlite3.Connection,
    head: Mapping[str, Any],
    archived: Mapping[int, str],
    *,
    ends: int,
    known: Collection[str],
) -> list[str]:
    """Return why a head does not hold: against the lines, which end at a number, and the keys that are known."""
    row = connection.execute(SQL["audit_hash"], {"seq": head["seq"]}).fetchone()
    hashes = archived if row is None else {head["seq"]: row["hash"]}
    problem = head_problem(head, hashes, ends)
    wrong = [] if problem is None else [problem]
    if known and head["public_key"] not in known:
        wrong.append(f"head {head['seq']} is signed with another key")
    return wrong


def _renamed(
    verified: Verified,
    heads: Sequence[Mapping[str, Any]],
    witnesses: Sequence[Mapping[str, Any]],
    line: str,
    unnamed: set[int],
) -> None:
    """Say where heads were signed for a line of another name; a wrong signature may have that reason, too."""
    for name in sorted({head["line"] for head in heads} - {line}):
        last = max(head["seq"] for head in heads if head["line"] == name)
        verified.notes.append(
            f"the heads until {last} were signed for line {name}, and the configuration says {line}: [site] was renamed"
        )
    names = {head["line"] for head in heads} | {line}
    verified.wrong += [
        f"witness {head['seq']} is a head of line {head['line']}, not of {line}"
        for head in witnesses
        if head["line"] not in names
    ]
    wrong = {f"the signature of head {seq} is wrong" for seq in unnamed}
    if any(problem in wrong for problem in verified.wrong):
        verified.notes.append(
            f"a signature is wrong for line {line}, and is right where [site] had other names when it was made: if the "
            "line was renamed, verify with a configuration that has the former names"
        )


def _published(row: Any, line: str) -> dict[str, Any]:
    return {"line": row["line"] or line, "seq": row["seq"], "hash": row["hash"], "public_key": row["public_key"],
            "signature": row["signature"]}  # fmt: skip


def _witnesses(path: Path) -> list[dict[str, Any]]:
    """Return the heads in a file; raises LablineError where there is none: then nothing would be witnessed."""
    hint = "messages of audit/head as published, one JSON object a line"
    try:
        text = path.read_text(encoding="utf-8").strip()
        objects = json.loads(text) if text.startswith("[") else [json.loads(row) for row in text.splitlines() if row]
        heads = [{"seq": int(head["seq"]), **{name: str(head[name]) for name in _TEXTS}} for head in objects]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise LablineError(f"{path} holds no witnesses: {why_unread(error)}", hint=hint) from error
    if not heads:
        raise LablineError(f"{path} holds no witnesses: it is empty", hint=hint)
    return heads
