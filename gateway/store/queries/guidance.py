"""Guidance and the answers to it, as commands and the console read them."""

import sqlite3
from typing import NamedTuple

from gateway.records.guidance import Guidance
from gateway.records.people import Act, AnswerOnRecord, Outcome
from gateway.store.codec import decode
from gateway.store.statements import SQL


class AnswerKept(NamedTuple):
    """An answer with its outcome; ``user_id``: None where nobody was identified, so that the name is only stated."""

    answer: AnswerOnRecord
    outcome: Outcome
    user_id: str | None
    reason: str | None


class IdentifiedAnswer(NamedTuple):
    """An answer by an identified person that changed a guidance; a replay lets it stand and identifies nobody."""

    guidance_id: str
    act: Act
    at_ns: int
    event_id: str


def identified_answers(connection: sqlite3.Connection) -> list[IdentifiedAnswer]:
    """Return the answers of identified people that changed something, in their order."""
    rows = connection.execute(SQL["identified_answers"])
    return [IdentifiedAnswer(row["guidance_id"], Act(row["act"]), row["at_ns"], row["event_id"]) for row in rows]


def open_guidance(connection: sqlite3.Connection, *, most: int) -> tuple[Guidance, ...]:
    """Return the guidance that is open, the newest first; what does not match its hash is left out."""
    rows = connection.execute(SQL["newest_open_guidance"], {"most": most})
    return tuple(decode(Guidance, row["body"]) for row in rows if row["holds"])


def answer_that_changed(connection: sqlite3.Connection, guidance_id: str) -> AnswerOnRecord | None:
    """Return the newest answer that has changed a guidance, None where none has."""
    row = connection.execute(SQL["answer_that_changed"], {"guidance_id": guidance_id}).fetchone()
    return None if row is None else _answer(row)


def answers_to(connection: sqlite3.Connection, guidance_id: str, *, most: int = 100) -> tuple[AnswerKept, ...]:
    """Return all answers to a guidance, the newest first, refused ones too."""
    rows = connection.execute(SQL["answers_to_guidance"], {"guidance_id": guidance_id, "most": most})
    return tuple(AnswerKept(_answer(row), Outcome(row["outcome"]), row["user_id"], row["reason"]) for row in rows)


def _answer(row: sqlite3.Row) -> AnswerOnRecord:
    return AnswerOnRecord(
        act=Act(row["act"]), name=row["person"], identified=row["user_id"] is not None, at_ns=row["at_ns"]
    )
