"""How the assessments of a lot stand: those that are looked at again, and a tally of the others.

Of a lot with few of them one statement reads all, and each is checked against its hash. Of a lot with many they are
counted along an index, so that a result costs the same in a lot of ten and of ten thousand; the daily check looks at
their hashes.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

from pydantic import ValidationError

from gateway.lab.release.assessment import Assessment, Tally
from gateway.lab.release.recommendation import MOST_REASONS
from gateway.records.laboratory import Recommendation
from gateway.store.codec import decode
from gateway.store.facts.investigation import Records
from gateway.store.statements import SQL

MOST_READ = 100  # assessments of a lot that are all read with each result
_ORDER = (Recommendation.HOLD, Recommendation.REVIEW, Recommendation.RELEASE, Recommendation.PENDING)
Standing = Mapping[str, Assessment]
"""Assessments by their subject."""


def all_standing(records: Records, lot: str) -> Standing:
    """Return every assessment of a lot."""
    return _by_subject(records.rows("assessments_of_lot", {"material_lot_id": lot}))


def standing_of(records: Records, lot: str, subjects: Collection[str]) -> Standing:
    """Return the assessments of a lot's subjects."""
    parameters = {"material_lot_id": lot, "subjects": json.dumps(list(subjects))}
    return _by_subject(records.rows("assessments_of_subjects", parameters) if subjects else [])


def standing_and_others(
    connection: sqlite3.Connection, records: Records, lot: str, subjects: Collection[str], *, count: int
) -> tuple[Standing, Tally]:
    """Return the assessments of a lot's subjects, and the tally of the others; ``count``: how many the lot has."""
    if count > MOST_READ:
        return counted(connection, records, lot, subjects)
    rows = connection.execute(SQL["assessments_of_lot"], {"material_lot_id": lot}).fetchall() if count else []
    holding = records.that_hold(rows)
    others = [row for row in rows if row["subject"] not in subjects]
    return _by_subject(row for row in holding if row["subject"] in subjects), _tally(others)


def _tally(others: Collection[sqlite3.Row]) -> Tally:
    """Return the tally of rows; one that does not hold is counted as it stands, and is no evidence."""
    counts = Counter(row["asks"] for row in others)
    worst = _worst(counts)
    named = [row for row in others if row["asks"] == worst][:MOST_REASONS]
    return Tally(
        asks={Recommendation(name): count for name, count in counts.items()},
        failed=sum(bool(row["failed"]) for row in others),
        approved=frozenset(row["analyte"] for row in others if row["approved"] and row["analyte"] is not None),
        worst=_assessments(row for row in named if row["holds"]),
    )


def counted(
    connection: sqlite3.Connection, records: Records, lot: str, subjects: Collection[str]
) -> tuple[Standing, Tally]:
    """Return the assessments of a lot's subjects, and the tally of the others, counted along indexes."""
    parameters = {"material_lot_id": lot, "subjects": json.dumps(list(subjects))}
    counts, failed, approved = Counter[str](), 0, set[str]()
    for row in connection.execute(SQL["tally_of_others"], parameters):
        counts[row["asks"]] += row["count"]
        failed += row["count"] if row["failed"] else 0
        approved |= set() if row["approved"] is None else {row["approved"]}
    worst = records.rows("worst_of_others", {**parameters, "asks": _worst(counts), "most": MOST_REASONS})
    asks = {Recommendation(name): count for name, count in counts.items()}
    return standing_of(records, lot, subjects), Tally(
        asks=asks, failed=failed, approved=frozenset(approved), worst=_assessments(worst)
    )


def _worst(counts: Mapping[str, int]) -> str | None:
    return next((recommendation.value for recommendation in _ORDER if counts.get(recommendation.value)), None)


def _by_subject(rows: Iterable[sqlite3.Row]) -> Standing:
    return {assessment.subject: assessment for assessment in _assessments(rows)}


def _assessments(rows: Iterable[sqlite3.Row]) -> tuple[Assessment, ...]:
    readable = []
    for row in rows:
        try:
            readable.append(_assessment(row["body"]))
        except ValidationError:  # of another version: it is assessed again with the whole lot
            continue
    return tuple(readable)


@lru_cache(maxsize=1024)
def _assessment(body: str) -> Assessment:
    return decode(Assessment, body)
