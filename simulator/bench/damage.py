"""Stores damaged at random places, opened again as a start does: what is served, what is noticed.

A store that a gateway left when it was killed (with its write-ahead log) is copied, damaged, opened and read to its
end. A record that is served as holding must be one that was written; whatever is missing must have been noticed.
"""

import asyncio
import os
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from gateway.errors import LablineError
from gateway.history.sealed import Damage as HistoryDamage
from gateway.history.sealed import newest, read_journal, read_series
from gateway.store.checking import EVIDENCE, check
from gateway.store.database import STATE_FILE, read_state
from gateway.store.opening import prepare
from simulator.bench.load import Load, kill

_AT_NS = 1_900_000_000_000_000_000
_RESULTS, _RESULTS_IN_LOG = 400, 50
_WAL_HEADER_BYTES, _FRAME_HEADER_BYTES = 32, 24
# what the audit chain does not vouch for: it rolls off by itself, or is sent again
_NOT_VOUCHED = frozenset({"prediction", "outbox"})
Rows = dict[str, frozenset[tuple[object, ...]]]
Samples = Mapping[str, frozenset[tuple[int, int, int]]]  # by series: source time, time from which it counts, bits


class Damage(StrEnum):
    """What happens to the file."""

    GARBAGE = "garbage"
    WAL_CUT = "wal_cut"
    WAL_GARBAGE = "wal_garbage"
    HISTORY_GARBAGE = "history_garbage"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of one damaged store."""

    wrong_served: int
    unnoticed: bool
    quarantined: bool
    harmless: bool


@cache
def _base() -> Path:
    """Return a store as a killed gateway leaves it."""
    folder = Path(tempfile.mkdtemp(prefix="labline-damage-"))

    async def fill() -> None:
        async with Load(folder / "bench").running() as load:
            async with load.gateway():  # stops in order: all of it is in the database itself
                await load.publish(every_seconds=0.0, most=_RESULTS)
                await load.until_all_back()
            async with load.gateway() as gateway:  # is killed: the last of it is only in the log
                await load.publish(every_seconds=0.0, most=_RESULTS + _RESULTS_IN_LOG)
                await load.until_all_back()
                await kill(gateway)

    (folder / "bench").mkdir()
    asyncio.run(fill())
    return folder / "bench" / "store"


def damaged_stores(kind: Damage, count: int, *, seed: int) -> Iterator[Outcome]:
    """Yield the outcome of each of so many damaged copies."""
    chance = random.Random(seed)
    base = _base()
    with tempfile.TemporaryDirectory(prefix="labline-damage-") as name:
        whole = Path(name) / "whole"
        shutil.copytree(base, whole)
        prepare(whole, at_ns=_AT_NS)
        truth, history = _evidence(whole), _history(whole)
        for number in range(count):
            store = Path(name) / f"case-{number}"
            shutil.copytree(base, store)
            _DAMAGES[kind](store, chance)
            yield _outcome_of_history(store, history) if kind is Damage.HISTORY_GARBAGE else _outcome(store, truth)
            shutil.rmtree(store)


@cache
def _live_bytes() -> int:
    """Return how much of the log is in use; what lies behind is left over from before it was last begun anew."""
    with tempfile.TemporaryDirectory(prefix="labline-damage-") as name:
        for suffix in ("", "-wal"):
            shutil.copy(f"{_base() / STATE_FILE}{suffix}", f"{Path(name) / STATE_FILE}{suffix}")
        with closing(sqlite3.connect(Path(name) / STATE_FILE)) as connection:
            (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
            _busy, frames, _done = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return int(_WAL_HEADER_BYTES + frames * (page_bytes + _FRAME_HEADER_BYTES))


def _garbage(path: Path, chance: random.Random, *, within: int | None = None) -> None:
    length = within or path.stat().st_size
    with path.open("r+b") as file:
        file.seek(chance.randrange(length))
        file.write(chance.randbytes(min(chance.choice((1, 16, 200, 4096)), length)))


def _cut(path: Path, chance: random.Random) -> None:
    os.truncate(path, chance.randrange(_live_bytes()))


_DAMAGES: Mapping[Damage, Callable[[Path, random.Random], None]] = {
    Damage.GARBAGE: lambda store, chance: _garbage(store / STATE_FILE, chance),
    Damage.WAL_CUT: lambda store, chance: _cut(store / f"{STATE_FILE}-wal", chance),
    Damage.WAL_GARBAGE: lambda store, chance: _garbage(store / f"{STATE_FILE}-wal", chance, within=_live_bytes()),
    Damage.HISTORY_GARBAGE: lambda store, chance: _garbage(
        chance.choice([file for file in sorted(store.glob("history.db*")) if file.stat().st_size > 0]), chance
    ),
}


def _evidence(store: Path) -> Rows:
    """Return the rows that the store serves as holding; raises sqlite3.Error where it cannot be read to its end."""
    with closing(read_state(store)) as connection:
        return {
            table: frozenset(
                tuple(row[1:] if table != "guidance_state" else row)
                for row in connection.execute(f"SELECT * FROM {table}_checked WHERE holds")
            )
            for table in EVIDENCE
        }


def _outcome(store: Path, truth: Rows) -> Outcome:
    try:
        prepare(store, at_ns=_AT_NS)
    except LablineError:
        return Outcome(wrong_served=0, unnoticed=False, quarantined=False, harmless=False)  # refused, and says why
    if (store / "quarantine").exists():
        return Outcome(wrong_served=0, unnoticed=False, quarantined=True, harmless=False)
    findings = check(store, gently=False)
    with closing(read_state(store)) as connection:
        latches = {code for (code,) in connection.execute("SELECT code FROM latch")} - {"STORE_UNCHECKED"}
    noticed = bool(latches) or not findings.ok
    try:
        served = _evidence(store)
    except sqlite3.Error:
        return Outcome(wrong_served=0, unnoticed=not noticed, quarantined=False, harmless=False)
    # of the outbox an older state is no wrong data: what was acknowledged since goes again, with its id and its bytes
    wrong = sum(len(served[table] - truth[table]) for table in EVIDENCE if table not in _NOT_VOUCHED)
    missing = any(truth[table] - served[table] for table in EVIDENCE if table not in _NOT_VOUCHED)
    return Outcome(
        wrong_served=0 if noticed else wrong,
        unnoticed=missing and not noticed,
        quarantined=False,
        harmless=not missing and not noticed,
    )


def _history(store: Path) -> Samples:
    """Return every sample by series, marks of holes left out."""
    from gateway.database.opening import open_for_writing  # noqa: PLC0415
    from gateway.history.statements import HISTORY  # noqa: PLC0415

    found: dict[str, set[tuple[int, int, int]]] = {}
    with closing(open_for_writing(store / "history.db", HISTORY)) as connection:
        damage = HistoryDamage()
        parts = [(name, newest(connection, number, most=10**9, damage=damage)[0])
                 for name, number in read_series(connection).items()]  # fmt: skip
        parts += [entry for entry in read_journal(connection, damage) if entry is not None]
        for name, columns in parts:
            kept = columns.where(columns.flags & 16 == 0)
            rows = zip(kept.source_ns.tolist(), kept.held_ns.tolist(), kept.values.view("i8").tolist(), strict=True)
            found.setdefault(name, set()).update(rows)
    found["damage"] = {(0, 0, 0)} if damage else set()
    return {name: frozenset(rows) for name, rows in found.items()}


def _outcome_of_history(store: Path, truth: Samples) -> Outcome:
    try:
        served = _history(store)
    except (LablineError, sqlite3.Error):
        return Outcome(wrong_served=0, unnoticed=False, quarantined=True, harmless=False)
    noticed = bool(served["damage"])
    names = (truth.keys() | served.keys()) - {"damage"}
    wrong = sum(len(served.get(name, frozenset()) - truth.get(name, frozenset())) for name in names)
    # what is cut off at the end is noticed by the next start: since the last confirmation on disk nothing is known
    last_ns = max((held_ns for name in served if name.startswith("@") for _, held_ns, _ in served[name]), default=0)
    missing = {row for name in names for row in truth.get(name, frozenset()) - served.get(name, frozenset())}
    inside = any(held_ns <= last_ns for _, held_ns, _ in missing)
    return Outcome(wrong_served=wrong, unnoticed=inside and not noticed, quarantined=False,
                   harmless=not missing and not noticed)  # fmt: skip
