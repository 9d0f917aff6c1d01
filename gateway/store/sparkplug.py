"""What an edge node of Sparkplug reports: written with its cause, kept until it is sent (on the writing thread)."""

import json
import sqlite3
from collections.abc import Callable, Sequence

from gateway.contract.sparkplug.reports import Report
from gateway.store.statements import SQL


def insert(connection: sqlite3.Connection, report: Report, *, at_ns: int) -> None:
    """Write a report within the transaction of its cause; one that says what the newest says only holds longer."""
    expires = report.expires
    row = {
        "device": report.device,
        "subject": report.subject,
        "at_ns": at_ns,
        "body": json.dumps(report.values),
        "expires_ns": expires.wall_ns if expires else None,
        "expires_boot_ns": expires.boot_ns if expires else None,
        "boot_id": expires.boot_id if expires else None,
    }
    newest = connection.execute(SQL["newest_sparkplug_report"], row).fetchone()
    if newest is not None and newest["body"] == row["body"]:
        connection.execute(SQL["sparkplug_report_holds_longer"], {**row, "seq": newest["seq"]})
        return
    inserted = connection.execute(SQL["insert_sparkplug_report"], row)
    connection.execute(SQL["drop_sent_sparkplug_reports"], {**row, "seq": inserted.lastrowid})


def sent(seqs: Sequence[int]) -> Callable[[sqlite3.Connection], None]:
    """Return the work that notes what was sent; of each subject the newest stays, for the next birth."""
    row = {"seqs": json.dumps(seqs)}

    def work(connection: sqlite3.Connection) -> None:
        connection.execute(SQL["sparkplug_reports_sent"], row)
        connection.execute(SQL["drop_followed_sparkplug_reports"], row)

    return work


def drop_oldest(*, before_ns: int, most: int) -> Callable[[sqlite3.Connection], int]:
    """Return the work that drops what has waited too long or is too much, the oldest first; it returns how many."""

    def work(connection: sqlite3.Connection) -> int:
        return connection.execute(SQL["drop_oldest_sparkplug_reports"], {"before_ns": before_ns, "most": most}).rowcount

    return work


def next_bd_seq(connection: sqlite3.Connection) -> int:
    """Return the number of the next connection: 0 to 255, then 0 again; it goes on over a restart."""
    return int(connection.execute(SQL["next_bd_seq"]).fetchone()[0])
