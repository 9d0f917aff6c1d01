"""How the index follows the store: built table by table, then line by line of the audit trail, in small steps.

Every change of a record is named by a line of the trail, so nothing has to tell the index of it, and no decision waits
for it. A store that was restored, or a trail that does not go on where the index stands, has it built again.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError

from gateway.knowledge.index import KnowledgeIndex, Progress
from gateway.knowledge.kinds.kind import DamagedRecordError, Keys, Kind
from gateway.knowledge.kinds.procedures import PROCEDURE, procedure_document
from gateway.knowledge.kinds.table import KINDS
from gateway.line.procedures import Procedure
from gateway.store.statements import SQL

MOST_BYTES = 512 * 2**20
ROWS_OF_A_STEP = 200
_TABLES = tuple(kind.table for kind in KINDS.values())
_CHANGED_BY: dict[str, list[tuple[Kind, Keys]]] = {}
for _kind in KINDS.values():
    for _table, _keys in _kind.changed_by.items():
        _CHANGED_BY.setdefault(_table, []).append((_kind, _keys))


@dataclass(frozen=True, kw_only=True, slots=True)
class Behind:
    """How far the index is behind: by lines of the audit trail; ``building``: older records are still missing.

    ``dropped``: the oldest records that had no room; ``damaged``: records that do not match their hash, as last met.
    """

    lines: int
    building: bool
    dropped: int = 0
    damaged: int = 0

    @property
    def caught_up(self) -> bool:
        """Return whether all that is on record is found."""
        return self.lines == 0 and not self.building


def behind(state: sqlite3.Connection, index: KnowledgeIndex) -> Behind:
    """Return how far an index is behind a store."""
    progress = index.progress
    store = state.execute(SQL["knowledge_store"], {"seq": progress.seq}).fetchone()
    last_seq = max(store["last_seq"], store["archived_seq"])
    return Behind(
        lines=max(0, last_seq - progress.seq),
        building=not progress.built or progress.epoch != store["epoch"],
        dropped=progress.dropped,
        damaged=progress.damaged,
    )


def step(
    state: sqlite3.Connection,
    index: KnowledgeIndex,
    procedures: Sequence[Procedure] = (),
    *,
    most: int = ROWS_OF_A_STEP,
    most_bytes: int = MOST_BYTES,
) -> Behind:
    """Bring an index forward by a step; returns how far it is behind then."""
    state.execute("BEGIN")  # what is read of the records is of the instant of the line up to which they are read
    try:
        progress = index.progress
        store = state.execute(SQL["knowledge_store"], {"seq": progress.seq}).fetchone()
        with index.changing():
            progress = _with_procedures(index, progress, procedures)
            if not _goes_on(progress, store):
                progress = _begun(index, progress, store)
            elif progress.scanning:
                progress = _scanned(state, index, progress, most=most)
            else:
                progress = _followed(state, index, progress, most=most)
            if index.used_bytes() > most_bytes:
                progress = replace(progress, dropped=progress.dropped + index.drop_oldest())
            index.set_progress(progress)
        return behind(state, index)
    finally:
        state.execute("ROLLBACK")


def catch_up(
    state: sqlite3.Connection,
    index: KnowledgeIndex,
    procedures: Sequence[Procedure] = (),
    *,
    most_bytes: int = MOST_BYTES,
) -> Behind:
    """Bring an index forward until all that is on record is found."""
    while not (left := step(state, index, procedures, most=2000, most_bytes=most_bytes)).caught_up:
        pass
    return left


def _goes_on(progress: Progress, store: sqlite3.Row) -> bool:
    """Return whether the trail still has the line up to which the index has come, and what follows it."""
    if not (progress.built or progress.scanning) or progress.epoch != store["epoch"]:
        return False
    if progress.seq == 0 or store["hash_at"] == progress.hash:
        return True
    return store["hash_at"] is None and progress.seq == store["archived_seq"]


def _begun(index: KnowledgeIndex, progress: Progress, store: sqlite3.Row) -> Progress:
    """Begin to build the index: from here on the trail says what changes, and the tables what there was before."""
    for name in KINDS:
        index.take_out_kind(name)
    return Progress(
        epoch=store["epoch"], seq=store["last_seq"], hash=store["last_hash"] or "", scanning=_TABLES[0],
        procedures=progress.procedures,
    )  # fmt: skip


def _scanned(state: sqlite3.Connection, index: KnowledgeIndex, progress: Progress, *, most: int) -> Progress:
    table = progress.scanning
    rows = state.execute(SQL[f"knowledge_scan_{table}"], {"place": progress.place, "most": most}).fetchall()
    damaged = _put(state, index, _changed(state, [(table, row["name"]) for row in rows]))
    progress = replace(progress, damaged=progress.damaged + damaged)
    if len(rows) == most:
        return replace(progress, place=rows[-1]["place"])
    following = _TABLES[_TABLES.index(table) + 1 :] if table in _TABLES else ()
    return replace(progress, scanning=following[0] if following else "", place=0, built=not following)


def _followed(state: sqlite3.Connection, index: KnowledgeIndex, progress: Progress, *, most: int) -> Progress:
    lines = state.execute(SQL["knowledge_lines"], {"seq": progress.seq, "most": most}).fetchall()
    if not lines:
        return progress
    names = [name for line in lines for name in _vouched(line["body"])]
    damaged = _put(state, index, _changed(state, [(table, key) for table, _, key in (n.partition(" ") for n in names)]))
    return replace(progress, seq=lines[-1]["seq"], hash=lines[-1]["hash"], damaged=progress.damaged + damaged)


def _vouched(body: str) -> Iterable[str]:
    vouched = json.loads(body).get("vouched", {})
    return vouched if isinstance(vouched, dict) else ()


def _changed(state: sqlite3.Connection, rows: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Kind]:
    """Return the records that rows of the store change, each once."""
    changed: dict[tuple[str, str], Kind] = {}
    for table, name in dict.fromkeys(rows):
        for kind, keys in _CHANGED_BY.get(table, ()):
            changed |= dict.fromkeys(((kind.name, key) for key in keys(state, name)), kind)
    return changed


def _put(state: sqlite3.Connection, index: KnowledgeIndex, changed: dict[tuple[str, str], Kind]) -> int:
    """Put the records into the index as they are now; returns how many of them do not hold."""
    damaged = 0
    for (name, key), kind in changed.items():
        try:
            document = kind.make(state, key)
        except (DamagedRecordError, ValidationError):
            document, damaged = None, damaged + 1
        if document is None:
            index.take_out(name, key)
        else:
            index.put(document, kept=kind.kept)
    return damaged


def _with_procedures(index: KnowledgeIndex, progress: Progress, procedures: Sequence[Procedure]) -> Progress:
    digest = hashlib.sha256(repr(sorted(map(repr, procedures))).encode()).hexdigest()
    if digest == progress.procedures:
        return progress
    index.take_out_kind(PROCEDURE)
    for procedure in procedures:
        index.put(procedure_document(procedure), kept=True)
    return replace(progress, procedures=digest)
