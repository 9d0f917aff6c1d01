"""People's decisions on lots, and the facts of a lot on which one rests, as they stand."""

import sqlite3
from typing import NamedTuple

from pydantic import ValidationError

from gateway.contract.identity import sha256_hex
from gateway.contract.signed_records import canonical
from gateway.lab.disposition import worse
from gateway.lab.release.assessment import Subject
from gateway.records.laboratory import Recommendation
from gateway.records.lot_decisions import LotBasis, LotDecided
from gateway.store.codec import decode
from gateway.store.queries.lots import LotOnRecord, part_in
from gateway.store.queries.signatures import is_signed_by, signed_record_of
from gateway.store.statements import SQL, value_of


class DecisionOnRecord(NamedTuple):
    """The newest decision on a lot, None where there is none that holds; ``damaged``: records that do not hold."""

    decision: LotDecided | None
    damaged: tuple[str, ...]


def decision_of_lot(connection: sqlite3.Connection, lot: str) -> DecisionOnRecord:
    """Return the newest decision on a lot, if it is as it was written and signed."""
    row = connection.execute(SQL["newest_decision_of_lot"], {"material_lot_id": lot}).fetchone()
    if row is None:
        missing = value_of(connection, "decision_of_lot_is_missing", material_lot_id=lot)
        return DecisionOnRecord(None, (f"lot_decision {lot}",) if missing else ())
    try:
        decision = decode(LotDecided, row["body"]) if row["holds"] else None
    except ValidationError:
        decision = None
    if decision is None:
        return DecisionOnRecord(None, (row["record"],))
    signed = signed_record_of(connection, decision.record_id)
    if not is_signed_by(signed, decision.signed_by, signature_id=decision.signature_id):
        return DecisionOnRecord(None, (f"signed_record {decision.record_id}",))
    return DecisionOnRecord(decision, ())


def basis_of(connection: sqlite3.Connection, known: LotOnRecord) -> LotBasis | None:
    """Return what a decision on a lot would rest on now; None where nothing of it has been judged.

    What the decision that stands asks for is no part of it: what it recommends is what all else asks for. That there is
    one is, so that nobody replaces a decision that they have not seen.
    """
    disposition = known.disposition
    if disposition is None:
        return None
    rows = connection.execute(SQL["assessments_by_hash"], {"material_lot_id": known.material_lot_id}).fetchall()
    others = [row for row in rows if row["kind"] != Subject.DECISION.value]
    recommendation, provisional = known.recommendation, disposition.provisional
    if len(others) < len(rows):
        recommendation = Recommendation.PENDING
        for row in others:
            recommendation = worse(recommendation, Recommendation(row["asks"]))
        if recommendation is Recommendation.RELEASE and disposition.missing_tests:
            recommendation = Recommendation.PENDING
        # what a model holds is not called provisional while a person holds it, too: it goes on without the person
        held = {"material_lot_id": known.material_lot_id}
        if provisional or connection.execute(SQL["held_by_a_model"], held).fetchone() is not None:
            recommendation, provisional = Recommendation.HOLD, True
    decided = decision_of_lot(connection, known.material_lot_id).decision
    hashes = {row["subject"]: row["hash"] for row in others}
    return LotBasis(
        recommendation=recommendation,
        latched=known.latched,
        provisional=provisional,
        missing_tests=disposition.missing_tests,
        assessments=len(others),
        assessments_sha256=sha256_hex(canonical(hashes).encode()),
        decided=None if decided is None else decided.record_id,
        parts=_names_of_parts(connection, known),
    )


def _names_of_parts(connection: sqlite3.Connection, known: LotOnRecord) -> tuple[str, ...]:
    if known.part is not None:
        return ()
    rows = connection.execute(SQL["parts_of_lot"], {"material_lot_id": known.material_lot_id}).fetchall()
    parts = [part_in(row) for row in rows if not row["set_back"]]
    return tuple(part.name for part in parts if part is not None)
