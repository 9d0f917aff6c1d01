"""The signed stages of models, and how a model did beside the laboratory, as they stand."""

import sqlite3
from contextlib import closing
from pathlib import Path

from pydantic import ValidationError

from gateway.facts.model_stage import StageEvidence
from gateway.inference.signed_stages import SignedStages, StageThen
from gateway.records.people import StageChanged
from gateway.store.codec import decode
from gateway.store.database import read_state
from gateway.store.queries.signatures import is_signed_by, signed_record_of
from gateway.store.statements import SQL


def signed_stages(connection: sqlite3.Connection) -> SignedStages:
    """Return the newest signed stage of each model; one that does not hold, or is not signed, is unknown."""
    by_model, unknown = dict[str, StageChanged](), set[str]()
    for row in connection.execute(SQL["newest_stage_changes"]).fetchall():
        change = _change(row)
        if change is None or not _is_signed(connection, change):
            unknown.add(str(row["model"]))
        else:
            by_model[change.model] = change
    unknown |= {str(model) for (model,) in connection.execute(SQL["models_without_their_stage"])}
    return SignedStages(by_model=by_model, unknown=frozenset(unknown))


def stages_on_record(connection: sqlite3.Connection) -> tuple[StageThen, ...]:
    """Return every signed stage with the instant from which it counted, in their order."""
    rows = connection.execute(SQL["stage_changes_on_record"]).fetchall()
    changes = ((row, _change(row)) for row in rows)
    return tuple(
        StageThen(
            model=row["model"],
            at_ns=row["at_ns"],
            change=change if change is not None and _is_signed(connection, change) else None,
        )
        for row, change in changes
    )


def signed_stages_in(directory: Path) -> SignedStages:
    """Return the newest signed stages in a store."""
    with closing(read_state(directory)) as connection:
        return signed_stages(connection)


def _change(row: sqlite3.Row) -> StageChanged | None:
    try:
        return decode(StageChanged, row["body"]) if row["holds"] else None
    except ValidationError:
        return None


def _is_signed(connection: sqlite3.Connection, change: StageChanged) -> bool:
    return bool(change.signed_by) and is_signed_by(signed_record_of(connection, change.record_id), change.signed_by)


def stage_evidence(connection: sqlite3.Connection, *, model: str, bundle_sha256: str) -> StageEvidence:
    """Return how a version of a model did beside the laboratory, by all of its samples."""
    of_version = {"model": model, "bundle_sha256": bundle_sha256}
    abstained = {str(code): int(count) for code, count in connection.execute(SQL["abstained_at_samples"], of_version)}
    samples, from_ns = connection.execute(SQL["predicted_at_samples"], of_version).fetchone()
    results, inside, mean_error = connection.execute(SQL["beside_the_laboratory"], of_version).fetchone()
    return StageEvidence(
        samples=samples,
        from_ns=from_ns,
        abstained=abstained,
        results=results,
        inside=inside or 0,
        outside=results - (inside or 0),
        coverage=None if not results else round((inside or 0) / results, 4),
        mean_error=None if mean_error is None else round(mean_error, 6),
    )
