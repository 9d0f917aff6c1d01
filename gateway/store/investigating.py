"""What is on record around a lot that has ended, and around a result that failed."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from gateway.contract.times import rfc3339
from gateway.events import Earlier, FollowUp, Investigation
from gateway.lab.deviations import Drafted, Fingerprint, Happening, MaterialUse
from gateway.records import ContextChange, Disposition, Guidance, GuidanceKind, GuidanceState, LabResult
from gateway.store.codec import decode

Kind = TypeVar("Kind")
MOST_REFERENCES, MOST_ALIKE, MOST_EARLIER, MOST_POINTS = 60, 5, 20, 30
_ALIKE_WITHIN_NS = 14 * 86_400 * 10**9
_DONE = {GuidanceState.APPLIED: False, GuidanceState.RESOLVED: True}  # a move that was made -> whether it helped


class Records(Protocol):
    """Reads rows, and notes those that do not hold."""

    def rows(self, statement: str, parameters: Mapping[str, Any]) -> list[sqlite3.Row]:
        """Return the rows that hold."""
        ...

    def decoded(self, kind: type[Kind], rows: Iterable[sqlite3.Row]) -> tuple[Kind, ...]:
        """Return the records in rows."""
        ...


def around_lot(records: Records, lot: str) -> Investigation:
    """Return which materials went into a lot."""
    return Investigation(uses=_uses(records.rows("uses_of_lot", {"material_lot_id": lot})))


def around_result(records: Records, follow_up: FollowUp, *, at_ns: int) -> Investigation:
    """Return what a draft of a deviation is made of; without a result where that is not on record any more."""
    wanted = {"result_id": follow_up.subject}
    result = next(iter(records.decoded(LabResult, records.rows("result_by_id", wanted))), None)
    if result is None:
        return Investigation()
    lot, product, analyte = result.material_lot_id, result.material_definition_id, result.analyte
    said = next(iter(records.decoded(Disposition, records.rows("disposition_of_event", wanted))), None)
    guidance = _guidance(records, lot, until_ns=at_ns)
    of_product = {"product": product, "besides": lot}
    points = records.rows(
        "newest_points", {"product": product, "analyte": analyte, "besides": None, "most": MOST_POINTS}
    )
    alike = {**of_product, "analyte": analyte, "after_ns": at_ns - _ALIKE_WITHIN_NS, "most": MOST_ALIKE}
    if records.rows(
        "drafted_already", {"sample_id": result.sample_id, "analyte": analyte, "value_text": result.value_text}
    ):
        return Investigation()  # as it was entered, or validated: the same failure
    earlier = {"product": product, "analyte": analyte, "before_ns": at_ns, "most": MOST_EARLIER,
               "besides": result.sample_id}  # fmt: skip
    return Investigation(
        uses=() if lot is None else _uses(records.rows("genealogy", {"material_lot_id": lot})),
        result=result,
        reasons=() if said is None else said.reasons,
        timeline=_timeline(records, lot, guidance, until_ns=at_ns),
        history=tuple((row["at_ns"], row["value"]) for row in reversed(points)),
        references=records.decoded(
            Fingerprint, records.rows("fingerprints_in_control", {**of_product, "most": MOST_REFERENCES})
        ),
        alike=records.decoded(Fingerprint, records.rows("fingerprints_alike", alike)),
        earlier=tuple(
            _earlier(records, each) for each in records.decoded(Drafted, records.rows("earlier_deviations", earlier))
        ),
        sensitivities=_sensitivities(guidance, analyte),
    )


def _uses(rows: Iterable[sqlite3.Row]) -> tuple[MaterialUse, ...]:
    return tuple(
        MaterialUse(
            material_lot_id=row["material_lot_id"],
            consumed_lot_id=row["consumed_lot_id"],
            consumed_definition_id=row["consumed_definition_id"],
            supplier=row["supplier"],
        )
        for row in rows
    )


def _guidance(records: Records, lot: str | None, *, until_ns: int) -> tuple[Guidance, ...]:
    if lot is None:
        return ()
    times = {"material_lot_id": lot, "from_ns": until_ns - _ALIKE_WITHIN_NS, "until_ns": until_ns}
    return records.decoded(Guidance, records.rows("guidance_of_lot", times))


def _timeline(
    records: Records, lot: str | None, guidance: Sequence[Guidance], *, until_ns: int
) -> tuple[Happening, ...]:
    """Return what happened to a lot, in its order."""
    if lot is None:
        return ()
    found = [
        Happening(at_ns=row["at_ns"], what=row["kind"], subject=_subject(decode(ContextChange, row["body"])))
        for row in records.rows("changes_of_lot", {"material_lot_id": lot})
    ]
    for result in records.decoded(LabResult, records.rows("results_of_lot", {"material_lot_id": lot})):
        told = f"{result.test_id} {result.value_text}{f' {result.unit}' if result.unit else ''} ({result.sample_id})"
        if result.sampled_ns is not None:
            found.append(Happening(at_ns=result.sampled_ns, what="sample_drawn", subject=result.sample_id))
        result_ns = result.approved_ns or result.analysed_ns or result.received_ns
        found.append(Happening(at_ns=result_ns or until_ns, what=f"result_{result.status}", subject=told))
    found += [Happening(at_ns=each.issued_ns, what=f"guidance_{each.kind}", subject=each.title) for each in guidance]
    return tuple(sorted(found, key=lambda each: (each.at_ns, each.what, each.subject)))


def _subject(change: ContextChange) -> str:
    if change.consumed_lot_id is not None:
        return f"{change.consumed_lot_id} ({change.consumed_definition_id or '-'} of {change.supplier or '-'})"
    return change.equipment_id or change.job_order_id or change.material_lot_id or rfc3339(change.at_ns)


def _earlier(records: Records, deviation: Drafted) -> Earlier:
    """Return what was done about an earlier deviation: the moves that were made, and whether one brought it back."""
    lot = deviation.result.material_lot_id
    guidance = _guidance(records, lot, until_ns=deviation.at_ns + _ALIKE_WITHIN_NS)
    moves = [each for each in guidance if each.kind is GuidanceKind.SETPOINT and each.state in _DONE]
    helped = None if not moves else any(_DONE[each.state] for each in moves)
    return Earlier(deviation=deviation, done=tuple(each.title for each in moves), helped=helped)


def _sensitivities(guidance: Sequence[Guidance], analyte: str) -> dict[str, float]:
    """Return by how much the analyte changes per unit of a tag, as a model last said of the lot."""
    newest = next((each for each in reversed(guidance) if each.analyte == analyte and each.sensitivities), None)
    return {} if newest is None else {each.tag: each.per_unit for each in newest.sensitivities}
