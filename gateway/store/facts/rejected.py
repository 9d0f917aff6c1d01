"""What people have rejected of a model's advice while its condition stands. Runs inside the writer's transaction."""

import sqlite3

from gateway.advice.rejection import rejection_name
from gateway.records.guidance import GuidanceState, RejectedAdvice
from gateway.store.facts.reading import Reading
from gateway.store.statements import SQL


def rejected_of_model(reading: Reading, model: str) -> dict[str, tuple[RejectedAdvice, ...]]:
    """Return by analyte the rejected advice of a model; what does not hold, or is not rejected, keeps nothing back."""
    rejected: dict[str, list[RejectedAdvice]] = {}
    for row in reading.connection.execute(SQL["rejections_of_model"], {"model": model}):
        for guidance in reading.guidance("guidance_by_id", guidance_id=row["guidance_id"]):
            if guidance.state is GuidanceState.REJECTED and rejection_name(guidance) == row["name"]:
                person, reason = rejection_of(reading.connection, guidance.guidance_id)
                item = RejectedAdvice(guidance=guidance, at_ns=row["at_ns"], person=person, reason=reason)
                rejected.setdefault(guidance.analyte or "", []).append(item)
    return {analyte: tuple(items) for analyte, items in rejected.items()}


def rejection_of(connection: sqlite3.Connection, guidance_id: str) -> tuple[str, str]:
    """Return (who has rejected a guidance, why); empty where no answer says so."""
    row = connection.execute(SQL["rejection_of_guidance"], {"guidance_id": guidance_id}).fetchone()
    return ("", "") if row is None else (row["person"] or "", row["reason"] or "")
