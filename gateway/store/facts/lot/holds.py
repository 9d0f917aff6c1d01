"""Earlier holds of a lot: provisional ones after a prediction, and the last hold that was published."""

from dataclasses import fields

from pydantic import TypeAdapter

from gateway.lab.release.recommendation import EarlierHold
from gateway.records.laboratory import LabResult, ProvisionalHold, ResultStatus
from gateway.records.verdicts import Reason
from gateway.store.codec import decode
from gateway.store.facts.reading import Reading

FINAL = frozenset({ResultStatus.VALIDATED, ResultStatus.APPROVED})
_REASONS = TypeAdapter(tuple[Reason, ...])
_PROVISIONAL = tuple(field.name for field in fields(ProvisionalHold))


def provisional_holds(reading: Reading, lot: str) -> tuple[ProvisionalHold, ...]:
    """Return the provisional holds of a lot, the settled ones, too."""
    rows = reading.rows("provisional_holds", {"material_lot_id": lot})
    return tuple(ProvisionalHold(**{name: row[name] for name in _PROVISIONAL}) for row in rows)


def final_results(reading: Reading, provisional: tuple[ProvisionalHold, ...]) -> frozenset[str]:
    """Return which of the results that have settled provisional holds still count."""
    settling = [hold.settled_by for hold in provisional if hold.settled_by is not None]
    rows = [row for result_id in settling for row in reading.rows("result_if_current", {"result_id": result_id})]
    results = (decode(LabResult, row["body"]) for row in rows)
    return frozenset(result.result_id for result in results if result.status in FINAL)


def earlier_hold(reading: Reading, lot: str) -> EarlierHold | None:
    """Return the last hold of a lot that was published, without provisional ones."""
    row = reading.row("last_hold_of_lot", material_lot_id=lot)
    return None if row is None else EarlierHold(at_ns=row["at_ns"], reasons=_REASONS.validate_json(row["reasons"]))
