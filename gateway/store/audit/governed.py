"""What a connection to the state database asks of authority: ``vouched``, ``in_force`` and other SQL functions.

``vouched(name, hash)`` says whether the trail vouches for a row as it is, ``in_force`` that none of its owner is newer,
too. Connections of a gateway that runs share what it holds; any other reads the trail when it is first asked.
"""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.store.audit.authority import NOT_OURS, Authority, authorises, named
from gateway.store.audit.trail import GENESIS, MIGRATED, VOUCHED, line_hash
from gateway.store.statements import SQL

_COMMIT_SECONDS, _LOOK_SECONDS = 0.3, 0.01  # a reader may see a commit before it is told of
_NO_HASH = ""


# --- from the trail ------------------------------------------------------------------------------------------


def from_trail(connection: sqlite3.Connection) -> Authority:
    """Return what the lines of a store vouch for.

    A line that does not match its hash, that the next one does not follow, or that ``NOT_OURS`` names vouches for none.
    """
    authority = Authority()
    lines = connection.execute(SQL["lines_that_authorise"]).fetchall()
    foreign = [
        _from_numbers(line["body"], "after", "until") for line in lines if line["kind"] == NOT_OURS and _holds(line)
    ]
    migrations = _Migrations()
    for line in lines:
        if any(after < line["seq"] <= until for after, until in foreign) or not migrations.counts(line):
            continue
        if not _holds(line):
            authority.refuse(
                f"audit {line['seq']}", f"audit line {line['seq']} has been changed: it gives no authority"
            )
            continue
        try:
            vouched = json.loads(line["body"]).get(VOUCHED, {})
            authority.take([(name, digest) for name, digest in vouched.items() if authorises(name)])
        except (ValueError, TypeError, AttributeError):  # nobody here writes such a line
            authority.refuse(f"audit {line['seq']}", f"audit line {line['seq']} cannot be read: it gives no authority")
    authority.forget_before()
    return authority


class _Migrations:
    """Which lines about a migration count: those of each that there was, none that passes off an edit as one."""

    def __init__(self) -> None:
        self._schema = 0
        self._last_seq = 0

    def counts(self, line: sqlite3.Row) -> bool:
        """Return whether a line may vouch for rows anew; any that is not about a migration may."""
        if line["kind"] != MIGRATED:
            return True
        before, after = _from_numbers(line["body"], "from_schema", "to_schema")
        goes_on = line["seq"] == self._last_seq + 1 and after == self._schema
        if 0 < before < after and (goes_on or after > self._schema):
            self._schema, self._last_seq = after, line["seq"]
            return True
        return False


def _holds(line: sqlite3.Row) -> bool:
    stated = line_hash(seq=line["seq"], at_ns=line["at_ns"], kind=line["kind"], subject=line["subject"],
                       body=line["body"], previous=line["previous"])  # fmt: skip
    return bool(stated == line["hash"] and line["following"] in {None, line["hash"]})


def _from_numbers(body: str, first: str, second: str) -> tuple[int, int]:
    try:
        stated = json.loads(body)
        return int(stated[first]), int(stated[second])
    except (ValueError, TypeError, KeyError):
        return 0, 0


def foreign_lines(connection: sqlite3.Connection, witnessed_seq: int) -> tuple[int, int] | None:
    """Return (after, until): lines behind the head that was witnessed that would give authority; None where none do."""
    last = connection.execute(SQL["last_audit"]).fetchone()
    row = connection.execute(SQL["authorises_after"], {"seq": witnessed_seq}).fetchone()
    return None if last is None or row is None else (witnessed_seq, last["seq"])


def take_written(connection: sqlite3.Connection, authority: Authority) -> bool:
    """Take what a connection has committed of rows that authorise; return whether there was something."""
    rows = connection.execute("SELECT name, hash FROM vouched_row ORDER BY seq").fetchall()
    if rows:
        authority.take((name, digest) for name, digest in rows)
        connection.execute("DELETE FROM vouched_row")
    return bool(rows)


# --- for connections -----------------------------------------------------------------------------------------

_RUNNING: dict[Path, Authority] = {}  # by the store's directory, of the gateway in this process


@contextmanager
def governing(directory: Path, authority: Authority) -> Iterator[Authority]:
    """Have every connection that is opened to a store's database go by what its running gateway holds."""
    _RUNNING[directory.resolve()] = authority
    try:
        yield authority
    finally:
        del _RUNNING[directory.resolve()]


def answer_on(connection: sqlite3.Connection, directory: Path, *, writes: bool) -> None:
    """Give a connection the functions by which statements ask; ``writes``: it is the one that writes."""
    running = _RUNNING.get(directory.resolve())
    if running is not None and writes:  # from here on nobody else adds a line
        head = connection.execute(SQL["last_audit"]).fetchone() or (0, GENESIS)
        connection.execute("INSERT INTO own_head VALUES (1, ?, ?)", tuple(head))
    asked = _Asked(connection, running, writes=writes)
    connection.create_function("vouched", 2, asked.vouched)
    connection.create_function("in_force", 2, asked.in_force)
    connection.create_function("has_rows", 1, asked.has_rows)
    connection.create_function("parts_in_trail", 1, asked.parts_in_trail)
    connection.create_function("all_parts_in_trail", 0, asked.all_parts_in_trail)


def answer_all(connection: sqlite3.Connection) -> None:
    """Give a connection the functions where there is no trail that could vouch: a replay's."""
    for name in ("vouched", "in_force"):
        connection.create_function(name, 2, lambda _name, _hash: 1)
    connection.create_function("has_rows", 1, lambda _owner: 0)
    connection.create_function("parts_in_trail", 1, lambda _lot: "[]")
    connection.create_function("all_parts_in_trail", 0, lambda: "[]")


class _Asked:
    """Answers the statements of one connection."""

    def __init__(self, connection: sqlite3.Connection, running: Authority | None, *, writes: bool) -> None:
        self._connection = connection
        self._authority = running
        self._shared = running is not None
        self._writes = writes
        self._read_until = 0

    def vouched(self, name: str, digest: str | None) -> int:
        """Return whether the trail vouches for a row."""
        return self._answer(name, digest, newest=False)

    def in_force(self, name: str, digest: str | None) -> int:
        """Return whether the trail vouches for a row, and none of its owner is newer."""
        return self._answer(name, digest, newest=True)

    def has_rows(self, owner: str) -> int:
        """Return whether the trail vouches for a row of an owner (its table and name, as in ``Named``)."""
        if self._writes:
            row = self._connection.execute("SELECT 1 FROM vouched_row WHERE owner = ?", (owner,)).fetchone()
            if row is not None:
                return 1
        if owner not in self._held().newest:
            return 0
        self._held().refuse(owner, f"{owner.strip()}: records that audit lines vouch for are missing")
        return 1

    def parts_in_trail(self, lot: str) -> str:
        """Return the parts of a lot that the trail vouches for, as JSON; what this connection writes now is there."""
        return json.dumps(self._held().parts_of(lot, lately=self._shared and not self._writes))

    def all_parts_in_trail(self) -> str:
        """Return the parts of every lot that the trail vouches for, as JSON."""
        return json.dumps(self._held().all_parts())

    def _answer(self, name: str, digest: str | None, *, newest: bool) -> int:
        authority = self._held()
        until = time.monotonic() + _COMMIT_SECONDS
        while not (holds := self._holds(authority, name, digest, newest=newest)):
            if self._writes or not self._shared or name in authority.refused or time.monotonic() > until:
                break
            time.sleep(_LOOK_SECONDS)
        if not holds:
            authority.refuse(name, _WHY.format(name=name))
        return int(holds)

    def _held(self) -> Authority:
        """Return what the running gateway holds, else what the trail says now."""
        if self._authority is None or not self._shared:
            head = self._connection.execute(SQL["last_audit"]).fetchone()
            if self._authority is None or head is None or head["seq"] != self._read_until:
                self._authority = from_trail(self._connection)
                self._read_until = 0 if head is None else head["seq"]
        return self._authority

    def _holds(self, authority: Authority, name: str, digest: str | None, *, newest: bool) -> bool:
        if self._writes:
            written = _written(self._connection, name, newest=newest)
            if written is not None:
                return written == digest
        lately = self._shared and not self._writes
        return authority.vouches(name, digest, lately=lately) and (
            not newest or authority.is_newest(name, lately=lately)
        )


_WHY = "{name}: no audit line vouches for this record, or a newer one is missing: it gives no authority"


def _written(connection: sqlite3.Connection, name: str, *, newest: bool) -> str | None:
    """Return the hash that this connection has written of a row and not told of yet, None where it has none.

    Where it has written a newer one of the same owner, that is no hash.
    """
    of = named(name) if newest else None
    if of is not None:
        row = connection.execute("SELECT max(seq) FROM vouched_row WHERE owner = ?", (of.owner,)).fetchone()
        if row[0] is not None and row[0] > of.seq:
            return _NO_HASH
    for table in ("changed_row", "vouched_row"):
        row = connection.execute(
            f"SELECT hash FROM {table} WHERE name = ? ORDER BY rowid DESC LIMIT 1", (name,)
        ).fetchone()
        if row is not None:
            return _NO_HASH if row[0] is None else str(row[0])
    return None
