"""Up to which entry of ``alarm_event`` each target of notifications has come, what is put off, what it has refused."""

import sqlite3

from gateway.store.statements import SQL

MOST_PARKED = 1000  # of a target; the oldest go first


def first_place(connection: sqlite3.Connection, target: str) -> None:
    """Let a target that is new begin behind what is on record: it is told what happens from now on."""
    connection.execute(SQL["first_notified"], {"target": target})


def come_to(connection: sqlite3.Connection, target: str, seq: int) -> None:
    """Note up to which entry a target has come."""
    connection.execute(SQL["notified"], {"target": target, "seq": seq})


def park(connection: sqlite3.Connection, target: str, seq: int, *, at_ns: int, why: str) -> None:
    """Keep what a target has refused; at most so many of it."""
    connection.execute(SQL["park_notice"], {"target": target, "seq": seq, "at_ns": at_ns, "why": why})
    connection.execute(SQL["prune_parked_notices"], {"target": target, "most": MOST_PARKED})


def put_off(connection: sqlite3.Connection, target: str, seq: int) -> None:
    """Keep what a target is told of after its quiet hours, and note that it has come so far."""
    connection.execute(SQL["put_off_notice"], {"target": target, "seq": seq})
    come_to(connection, target, seq)


def told_of(connection: sqlite3.Connection, target: str, upto: int) -> None:
    """Note that a target has been told of what was put off, up to an entry."""
    connection.execute(SQL["told_of_put_off"], {"target": target, "upto": upto})
