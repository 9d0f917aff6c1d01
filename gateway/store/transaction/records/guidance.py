"""Guidance and the answers to it, into their tables."""

import sqlite3
from dataclasses import asdict

from gateway.advice.lifecycle import OPEN
from gateway.advice.rejection import rejection_name
from gateway.events import Event
from gateway.records.guidance import Guidance, GuidanceState, RejectionOver
from gateway.records.people import RefusedResponses, ResponseRecorded
from gateway.store.codec import encode
from gateway.store.statements import SQL
from gateway.store.transaction.records.alarms import end_of_rejected, follow_guidance


def guidance_changed(connection: sqlite3.Connection, event: Event, guidance: Guidance) -> None:
    """Write guidance as it stands now, and its state as one of its history."""
    row = {
        "guidance_id": guidance.guidance_id,
        "kind": guidance.kind.value,
        "state": guidance.state.value,
        "open": guidance.state in OPEN,
        "moved_tag": guidance.suggestion.tag if guidance.suggestion else None,
        "at_ns": event.at_ns,
        "boot_ns": event.at.boot_ns,
        "boot_id": event.at.boot_id,
        "issued_ns": guidance.issued_ns,
        "body": encode(guidance),
        "event_id": event.event_id,
    }
    connection.execute(SQL["upsert_guidance"], row)
    connection.execute(SQL["insert_guidance_state"], row)
    follow_guidance(connection, event, guidance)
    _follow_rejection(connection, event, guidance)


def _follow_rejection(connection: sqlite3.Connection, event: Event, guidance: Guidance) -> None:
    """Note what a person has rejected; new guidance of the same cause takes its place."""
    name = rejection_name(guidance)
    if name is None or guidance.predicted is None:
        return
    if guidance.state is GuidanceState.REJECTED:
        row = {"name": name, "model": guidance.predicted.model.name, "guidance_id": guidance.guidance_id}
        connection.execute(SQL["keep_rejection"], row | {"at_ns": event.at_ns})
    elif guidance.state is GuidanceState.PROPOSED:
        connection.execute(SQL["delete_rejection"], {"name": name})


def rejection_over(connection: sqlite3.Connection, event: Event, over: RejectionOver) -> None:
    """Note that a rejection counts no longer; the alarm of a rejected warning has then returned."""
    connection.execute(SQL["delete_rejection"], {"name": over.name})
    end_of_rejected(connection, event, over.name)


def response_recorded(connection: sqlite3.Connection, event: Event, record: ResponseRecorded) -> None:
    """Write what a person has answered."""
    response, by = record.response, record.by
    connection.execute(
        SQL["insert_response"],
        {
            "event_id": event.event_id,
            "guidance_id": response.guidance_id,
            "act": response.act.value,
            "person": by.name,
            "user_id": by.user_id,
            "credential": None if by.credential is None else by.credential.value,
            "key_id": record.key_id,
            "nonce": record.nonce,
            "outcome": record.outcome.value,
            "at_ns": event.at_ns,
            "body": encode(response),
        },
    )


def refused_responses(connection: sqlite3.Connection, _event: Event, counted: RefusedResponses) -> None:
    """Write how many messages of terminals changed nothing in the present period."""
    connection.execute(SQL["count_refused_responses"], asdict(counted))
