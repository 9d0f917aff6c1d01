"""The outbox twice, under one door: the store's own on SQLite, and a twin in memory that is plain to read."""

import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field

from gateway.deadlines import ClockReading
from gateway.publish.order import SendingOrder
from gateway.records.outgoing import Lane
from gateway.store.outbox import Left, acknowledged, departed, enqueue, parked
from gateway.store.queries.readers import queued
from gateway.store.statements import SQL
from tests.fixtures.building import NOW_NS, new_state


class StoreOutbox:
    """The real one. A crash takes the files as they are, as a kill would leave them."""

    def __init__(self, directory):
        self._directory = directory
        self._generation = 0
        self._number = 1  # of the connection to the broker
        self._connection = new_state(self._folder())

    def _folder(self):
        folder = self._directory / f"life-{self._generation}"
        folder.mkdir(exist_ok=True)
        return folder

    @contextmanager
    def transaction(self):
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise

    def append(self, *messages):
        with self.transaction():
            for message in messages:
                enqueue(self._connection, message, at_ns=NOW_NS)

    def waiting(self, *, most=1000):
        cursors = {**SendingOrder().cursors(), "connection": self._number}
        return [queued(tuple(row)) for row in self._connection.execute(SQL["waiting"], {"most": most, **cursors})]

    def acknowledge(self, *seqs):
        with self.transaction():
            acknowledged(seqs, connection_number=self._number)(self._connection)

    def acknowledged(self):
        rows = self._connection.execute("SELECT seq FROM outbox WHERE acknowledged = ?", (self._number,))
        return [seq for (seq,) in rows]

    def forget(self, *seqs):
        with self.transaction():
            acknowledged([], connection_number=self._number, gone=seqs)(self._connection)

    def wait_again(self):
        self._number += 1

    def expire(self, now: ClockReading):
        due = [each.seq for each in self.waiting() if each.expires is not None and now.is_past(each.expires)]
        with self.transaction():
            departed(due, Left.EXPIRED, at_ns=now.wall_ns)(self._connection)

    def evict(self, lane, count):
        rows = self._connection.execute(SQL["oldest_of_lane"], {"lane": int(lane), "most": count}).fetchall()
        with self.transaction():
            departed([row["seq"] for row in rows], Left.EVICTED, at_ns=NOW_NS)(self._connection)

    def park(self, seq):
        with self.transaction():
            parked(seq, "refused")(self._connection)

    def unpark(self, message_id):
        with self.transaction():
            self._connection.execute(SQL["unpark"], {"message_id": message_id})

    def departures(self):
        return {tuple(row) for row in self._connection.execute("SELECT message_id, reason FROM departure")}

    def crash_in_the_middle_of(self, *messages):
        """Begin a transaction, write, and lose the process before the commit."""
        self._connection.execute("BEGIN IMMEDIATE")
        for message in messages:
            enqueue(self._connection, message, at_ns=NOW_NS)
        before = self._folder()
        self._generation += 1
        after = self._folder()
        for file in before.iterdir():
            shutil.copy(file, after / file.name)
        self._connection.execute("ROLLBACK")
        self._connection.close()
        self._connection = new_state(after)

    def reopen(self):
        self._connection.close()
        self._connection = new_state(self._folder())

    def close(self):
        self._connection.close()


@dataclass
class Waiting:
    seq: int
    message: object
    parked: bool = False
    acknowledged: bool = False
    again: bool = False

    @property
    def message_id(self):
        return self.message.message_id

    @property
    def payload(self):
        return self.message.payload


@dataclass
class MemoryOutbox:
    """The same in a list."""

    rows: list = field(default_factory=list)
    left: set = field(default_factory=set)
    last_seq: int = 0

    def append(self, *messages):
        for message in messages:
            replaced = [
                row
                for row in self.rows
                if message.replaces is not None and not row.parked
                and (row.message.topic, row.message.lane) == (message.topic, message.replaces)
            ]  # fmt: skip
            self._take_out(replaced, "superseded")
            if all(row.message_id != message.message_id for row in self.rows):
                self.last_seq += 1
                self.rows.append(Waiting(self.last_seq, message))

    def waiting(self, *, most=1000):
        free = (row for row in self.rows if not row.parked and not row.acknowledged)
        return sorted(free, key=lambda row: (row.message.lane, row.seq))[:most]

    def acknowledge(self, *seqs):
        for row in self.rows:
            row.acknowledged = row.acknowledged or row.seq in seqs

    def acknowledged(self):
        return [row.seq for row in self.rows if row.acknowledged]

    def forget(self, *seqs):
        self.rows = [row for row in self.rows if row.seq not in seqs]

    def wait_again(self):
        for row in self.rows:
            row.again = row.again or row.acknowledged
            row.acknowledged = False

    def expire(self, now):
        due = [row for row in self.waiting() if row.message.expires and now.is_past(row.message.expires)]
        self._take_out(due, "expired")

    def evict(self, lane, count):
        self._take_out(
            [row for row in self.rows if row.message.lane is lane and not row.acknowledged and not row.again][:count],
            "evicted",
        )

    def park(self, seq):
        for row in self.rows:
            if row.seq == seq:
                row.parked, row.acknowledged, row.again = True, False, False

    def unpark(self, message_id):
        for row in self.rows:
            row.parked = row.parked and row.message_id != message_id

    def departures(self):
        return self.left

    def crash_in_the_middle_of(self, *messages):
        pass

    def reopen(self):
        pass

    def close(self):
        pass

    def _take_out(self, rows, reason):
        self.left |= {(row.message_id, reason) for row in rows if not row.acknowledged and not row.again}
        self.forget(*(row.seq for row in rows))


LANES = tuple(Lane)
