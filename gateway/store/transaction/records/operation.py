"""What the gateway notes of its own operation, into its tables: alarms, gaps, refused messages, signed heads."""

import json
import sqlite3
from dataclasses import asdict

from gateway.decision import EpochBegun, Latched, Unlatched
from gateway.events import Event
from gateway.records.outgoing import DeadLetter, SignedHead
from gateway.records.phrasing import Phrasing
from gateway.records.process import Gap
from gateway.store import dead_letters
from gateway.store.codec import encode
from gateway.store.statements import SQL


def latched(connection: sqlite3.Connection, event: Event, latched: Latched) -> None:
    """Let an alarm stand."""
    row = {"code": latched.code, "at_ns": event.at_ns, "body": json.dumps(dict(latched.details))}
    connection.execute(SQL["latch"], row)


def unlatched(connection: sqlite3.Connection, _event: Event, unlatched: Unlatched) -> None:
    """Take an alarm down."""
    connection.execute(SQL["unlatch"], {"code": unlatched.code})


def gap_recorded(connection: sqlite3.Connection, event: Event, gap: Gap) -> None:
    """Write a gap in what is known."""
    body = encode(gap)
    connection.execute(
        SQL["insert_gap"],
        {
            "gap_id": gap.gap_id,
            "kind": gap.kind.value,
            "subject": gap.subject,
            "from_ns": gap.from_ns,
            "until_ns": gap.until_ns,
            "at_ns": event.at_ns,
            "body": body,
        },
    )


def dead_letter(connection: sqlite3.Connection, event: Event, letter: DeadLetter) -> None:
    """Write a message that could not be understood; its payload is kept once."""
    connection.execute(
        SQL["insert_dead_letter"],
        {
            "dead_letter_id": letter.dead_letter_id,
            "at_ns": event.at_ns,
            "topic": letter.topic,
            "reasons": json.dumps([asdict(reason) for reason in letter.reasons]),
            "payload": dead_letters.keep(connection, letter.payload),
        },
    )


def head_signed(connection: sqlite3.Connection, _event: Event, signed: SignedHead) -> None:
    """Write a signed head of the audit trail."""
    connection.execute(
        SQL["insert_signed_head"],
        {
            "seq": signed.head.seq,
            "hash": signed.head.hash,
            "at_ns": signed.at_ns,
            "public_key": signed.public_key,
            "signature": signed.signature,
            "line": signed.line,
        },
    )


def phrased(connection: sqlite3.Connection, event: Event, record: Phrasing) -> None:
    """Write what a language model was asked to phrase."""
    connection.execute(SQL["insert_phrasing"], {"event_id": event.event_id, "at_ns": event.at_ns, **asdict(record)})


def epoch_begun(connection: sqlite3.Connection, _event: Event, begun: EpochBegun) -> None:
    """Begin an epoch."""
    connection.execute(SQL["new_epoch"], {"epoch": begun.epoch})
