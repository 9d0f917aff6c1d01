"""Stores damaged at random places, opened again as a start does: what is served, what is noticed.

A store that a gateway left when it was killed (with its write-ahead log) is copied, damaged, opened, and asked by the
doors that the gateway itself uses. A record that is served as holding must be one that was written, a decision never
less careful than on the sound store, a window without a value that was not measured; whatever is missing must have been
noticed.
"""

import asyncio
import atexit
import os
import random
import shutil
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from gateway.errors import LablineError
from gateway.store.audit.heads import head_of, read_head_file
from gateway.store.care.checking import check
from gateway.store.care.opening import prepare
from gateway.store.database import STATE_FILE, checked_tables, read_state
from simulator.bench.load import Load, kill, lot_of
from simulator.bench.served import AT_NS, Decided, Doors, Samples, add_chunks, less_careful
from simulator.gateway_process import TOPIC_ROOT

_RESULTS, _RESULTS_IN_LOG = 400, 50
_LOTS = tuple(lot_of(number) for number in range(1, _RESULTS, 40))
_ANSWERS_SECONDS = 30.0
_NOT_COMPARED = frozenset({"row_number", "hash", "current"})  # which version is current changes with time
_WAL_HEADER_BYTES, _FRAME_HEADER_BYTES = 32, 24
# what the audit chain does not vouch for: it rolls off by itself, or is sent again
_NOT_VOUCHED = frozenset({"prediction", "outbox"})
Rows = dict[str, frozenset[tuple[object, ...]]]
# what changes with time: of these an older state, once the store is known to have gone back, is no wrong record
_CHANGING = frozenset({"lot", "job_order", "guidance", "series", "model_learned", "provisional_hold"})


class Damage(StrEnum):
    """What happens to the file."""

    GARBAGE = "garbage"
    WAL_CUT = "wal_cut"
    WAL_GARBAGE = "wal_garbage"
    SHARED_MEMORY = "shared_memory"  # the log's index, which SQLite makes anew
    HISTORY_GARBAGE = "history_garbage"


@dataclass(frozen=True, kw_only=True, slots=True)
class Truth:
    """What the sound store serves."""

    rows: Rows
    decided: Mapping[str, Decided]
    samples: Samples


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of one damaged store."""

    wrong_served: tuple[str, ...] = ()  # what it was, in words
    unnoticed: bool = False
    quarantined: bool = False
    harmless: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Base:
    """A store as a killed gateway leaves it, with the line it is of, and the stretch of time it knows."""

    store: Path
    doors: Doors
    stretch: range


@cache
def _base() -> _Base:
    folder = Path(tempfile.mkdtemp(prefix="labline-damage-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    configuration, stretch = left_by_a_kill(folder)
    return _Base(store=folder / "store", doors=Doors(configuration), stretch=stretch)


def left_by_a_kill(folder: Path, *, results: int = _RESULTS) -> tuple[Path, range]:
    """Leave in a folder the store of a gateway that was killed after so many results.

    Return its configuration and the time (ns) it knows.
    """
    begun_ns = time.time_ns()

    async def filled() -> Path:
        """Let a gateway judge results and answers, stop, judge more, and be killed; return its configuration."""
        async with Load(folder, gateway_before=False).running() as load:
            async with load.gateway():  # stops in order: all of it is in the database itself
                await _production(load)
                await load.publish(every_seconds=0.0, most=results)
                await load.until_all_back()
                await _answers(load)
            witnessed = False
            while not witnessed:
                async with load.gateway() as gateway, _reading(load.store):  # the last of it is only in the log
                    await load.publish(every_seconds=0.0, most=len(load.published) + _RESULTS_IN_LOG)
                    await load.until_all_back()
                    await _followed_up(load.store)
                    await kill(gateway)
                    # a commit that the kill cut through was told to nobody: without it nothing is lost
                    witnessed = _witnessed(load.store)
            return load.configuration

    configuration = asyncio.run(filled())
    first_ns = asyncio.run(add_chunks(folder / "store", before_ns=begun_ns))
    return configuration, range(first_ns, time.time_ns())


@asynccontextmanager
async def _reading(store: Path) -> AsyncIterator[None]:
    """Hold a reader's view of the store: what is committed meanwhile stays in the log, and in no other place."""
    with closing(read_state(store)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM event").fetchone()
        yield


async def _followed_up(store: Path) -> None:
    """Wait until all that decisions have left for later is done, and on record."""
    async with asyncio.timeout(_ANSWERS_SECONDS):
        with closing(read_state(store)) as connection:
            while connection.execute("SELECT count(*) FROM follow_up").fetchone()[0]:
                await asyncio.sleep(0.05)


def _witnessed(store: Path) -> bool:
    """Return whether the last commit has returned, so that its head stands beside the database too."""
    with closing(read_state(store)) as connection:
        return read_head_file(store) == head_of(connection)


async def _production(load: Load) -> None:
    """Tell an order and a lot of it."""
    of_lot = {"job_order_id": "WO-1", "material_definition_id": "FG-100", "equipment_id": "R-101",
              "at": "2026-01-01T00:00:00Z"}  # fmt: skip
    await load.say("mes/context/r", {"event": "order_started", **of_lot})
    await load.say("mes/context/r", {"event": "lot_started", "material_lot_id": "LOT-00001", **of_lot})


async def _answers(load: Load) -> None:
    """Acknowledge some guidance, as a terminal does."""
    answered = sorted(load.account.guidance)[:20]
    for number, identity in enumerate(answered):
        answer = {"id": f"r-{number}", "guidance_id": identity, "act": "acknowledge", "terminal": "T-1", "person": "op"}
        await load.say(f"{TOPIC_ROOT}/response/T-1", answer)
    async with asyncio.timeout(_ANSWERS_SECONDS):
        while any(load.account.guidance[identity] != "acknowledged" for identity in answered):
            await asyncio.sleep(0.05)


_SOCKETS = shutil.ignore_patterns("control.sock")  # a gateway that was killed has left it


def damaged_stores(kind: Damage, count: int, *, seed: int) -> Iterator[Outcome]:
    """Yield the outcome of each of so many damaged copies."""
    chance = random.Random(seed)
    base = _base()
    with tempfile.TemporaryDirectory(prefix="labline-damage-") as name:
        whole = Path(name) / "whole"
        shutil.copytree(base.store, whole, ignore=_SOCKETS)
        prepare(whole, at_ns=AT_NS)
        truth = Truth(
            rows=_evidence(whole),
            decided=base.doors.decided(whole, _LOTS),
            samples=asyncio.run(base.doors.samples(whole, base.stretch)),
        )
        for number in range(count):
            store = Path(name) / f"case-{number}"
            shutil.copytree(base.store, store, ignore=_SOCKETS)
            _DAMAGES[kind](store, chance)
            yield (_outcome_of_history if kind is Damage.HISTORY_GARBAGE else _outcome)(store, truth)
            shutil.rmtree(store)


@cache
def _live_bytes() -> int:
    """Return how much of the log is in use; what lies behind is left over from before it was last begun anew."""
    with tempfile.TemporaryDirectory(prefix="labline-damage-") as name:
        for suffix in ("", "-wal"):
            shutil.copy(f"{_base().store / STATE_FILE}{suffix}", f"{Path(name) / STATE_FILE}{suffix}")
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
    Damage.SHARED_MEMORY: lambda store, chance: _garbage(store / f"{STATE_FILE}-shm", chance),
    Damage.HISTORY_GARBAGE: lambda store, chance: _garbage(
        chance.choice([file for file in sorted(store.glob("history.db*")) if file.stat().st_size > 0]), chance
    ),
}


def _evidence(store: Path) -> Rows:
    """Return the rows that the store serves as holding; raises sqlite3.Error where it cannot be read to its end."""
    with closing(read_state(store)) as connection:
        return {
            table: frozenset(
                tuple(row[name] for name in row.keys() if name not in _NOT_COMPARED)  # noqa: SIM118
                for row in connection.execute(f"SELECT * FROM {table}_checked WHERE holds")
            )
            for table in checked_tables()
        }


def _outcome(store: Path, truth: Truth) -> Outcome:
    try:
        prepare(store, at_ns=AT_NS)
    except LablineError:
        return Outcome()  # refused, and says why
    if (store / "quarantine").exists():
        return Outcome(quarantined=True)
    findings = check(store, gently=False)
    with closing(read_state(store)) as connection:
        latches = {code for (code,) in connection.execute("SELECT code FROM latch")} - {"STORE_UNCHECKED"}
    noticed = bool(latches) or not findings.ok
    try:
        served, now = _evidence(store), _base().doors.decided(store, _LOTS)
    except (sqlite3.Error, LablineError):
        return Outcome(unnoticed=not noticed)
    tables = [table for table in checked_tables() if table not in _NOT_VOUCHED]
    wrong = [
        f"{table} {row[:3]}"
        for table in tables
        if table not in _CHANGING or not noticed
        for row in served[table] - truth.rows[table]
    ]
    wrong += [] if latches else [f"disposition of {lot}" for lot in less_careful(now, truth.decided)]
    missing = any(truth.rows[table] - served[table] for table in tables)
    return Outcome(
        wrong_served=tuple(wrong),
        unnoticed=missing and not noticed,
        harmless=not missing and not noticed,
    )


def _outcome_of_history(store: Path, truth: Truth) -> Outcome:
    try:
        served = asyncio.run(_base().doors.samples(store, _base().stretch))
    except LablineError:
        return Outcome(quarantined=True)  # noted for the next start
    wrong = tuple(f"sample {sample}" for sample in served.samples - truth.samples.samples)
    # what is cut off at the end is unknown at the next start: nothing was confirmed since
    missing = {sample for sample in truth.samples.samples - served.samples if sample.held_ns <= served.confirmed_ns}
    return Outcome(
        wrong_served=wrong,
        unnoticed=bool(missing) and not served.noticed,
        quarantined=served.set_aside,
        harmless=not missing and not served.noticed,
    )
