"""Guidance and the answers to it, into their tables."""

import sqlite3

from gateway.advice.lifecycle import OPEN
from gateway.decision import ResponseRecorded
from gateway.events import Event
from gateway.records.guidance import Guidance
from gateway.store.codec import encode
from gateway.store.statements import SQL


def guidance_changed(connection: sqlite3.Connection, event: Event, guidance: Guidance) -> None:
    """Write guidance as it stands now, and its state as one of its history."""
    row = {
        "guidance_id": guidance.guidance_id,
        "kind": guidance.kind.value,
        "state": guidance.state.value,
        "open": guidance.state in OPEN,
        "moved_tag": guidance.suggestion.tag if guidance.suggestion else None,
        "at_ns": event.at_ns,
        "issued_ns": guidance.issued_ns,
        "body": encode(guidance),
        "event_id": event.event_id,
    }
    connection.execute(SQL["upsert_guidance"], row)
    connection.execute(SQL["insert_guidance_state"], row)


def response_recorded(connection: sqlite3.Connection, event: Event, record: ResponseRecorded) -> None:
    """Write what a person has answered."""
    connection.execute(
        SQL["insert_response"],
        {
            "event_id": event.event_id,
            "guidance_id": record.response.guidance_id,
            "act": record.response.act.value,
            "person": record.response.person,
            "outcome": record.outcome,
            "body": encode(record.response),
        },
    )
