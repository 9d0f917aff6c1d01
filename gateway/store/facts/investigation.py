"""What is on record around a lot that has ended, and around a result that failed."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from gateway.contract.times import rfc3339
from gateway.facts.deviation import Earlier, Investigation
from gateway.lab.cause_names import shown_name, stored_material
from gateway.lab.deviations import Drafted, TimelineEntry
from gateway.lab.disposition import WITHDRAWN
from gateway.lab.episodes import EPISODE_ENDS_AFTER_NS, Standing
from gateway.lab.fingerprints import Fingerprint, MaterialUse
from gateway.records.deviation_states import DeviationState
from gateway.records.follow_ups import FollowUp
from gateway.records.guidance import Guidance, GuidanceKind, GuidanceState
from gateway.records.laboratory import Disposition, LabResult
from gateway.records.production import ContextChange
from gateway.store.codec import decode
from gateway.texts.catalogue import number_in_text

Kind = TypeVar("Kind")
MOST_REFERENCES, MOST_ALIKE, MOST_EARLIER, MOST_POINTS = 60, 5, 20, 30
_ALIKE_WITHIN_NS = 14 * 86_400 * 10**9
_DONE = {GuidanceState.APPLIED: False, GuidanceState.RESOLVED: True}  # a move that was made -> whether it helped


class Records(Protocol):
    """Reads rows, and notes those that do not hold."""

    def rows(self, statement: str, parameters: Mapping[str, Any]) -> list[sqlite3.Row]:
        """Return the rows that hold."""
        ...

    def that_hold(self, rows: Sequence[sqlite3.Row]) -> list[sqlite3.Row]:
        """Return those of the rows that hold."""
        ...

    def decoded(self, kind: type[Kind], rows: Iterable[sqlite3.Row]) -> tuple[Kind, ...]:
        """Return the records in rows."""
        ...


def uses_of_lot(records: Records, lot: str) -> tuple[MaterialUse, ...]:
    """Return which materials went into a lot."""
    return _uses(records.rows("uses_of_lot", {"material_lot_id": lot}))


def around_result(records: Records, follow_up: FollowUp, *, at_ns: int) -> Investigation:
    """Return what a draft of a deviation is made of; without a result where that is not on record any more."""
    of_follow_up = {"result_id": follow_up.subject}
    result = next(iter(records.decoded(LabResult, records.rows("result_by_id", of_follow_up))), None)
    if result is None:
        return Investigation()
    if follow_up.material_lot_id is not None:
        result = _of_that_lot(records, result, follow_up.material_lot_id)
    same = {"sample_id": result.sample_id, "analyte": result.analyte, "replicate": result.replicate,
            "material_lot_id": result.material_lot_id}  # fmt: skip
    withdrawn = result.status in WITHDRAWN
    if not withdrawn and any(row["value_text"] == result.value_text for row in records.rows("drafted_already", same)):
        return Investigation()  # as it was entered, or validated: the same failure
    known = _of_product(records, _of_lot(records, result, at_ns=at_ns), result, at_ns=at_ns)
    return replace(known, result=result, closed=_closed(records, known))


def _of_that_lot(records: Records, result: LabResult, lot: str) -> LabResult:
    """Return a result as it counts for a lot: of the lot's product and client where its own words name none."""
    context = records.rows("context_of_lot", {"material_lot_id": lot})
    product = context[0]["material_definition_id"] if context else None
    client = context[0]["client_id"] if context else None
    return replace(
        result,
        material_lot_id=lot,
        material_definition_id=result.material_definition_id or product,
        client_id=result.client_id or client,
    )


def _of_lot(records: Records, result: LabResult, *, at_ns: int) -> Investigation:
    """Return what is on record of a result's lot."""
    lot = result.material_lot_id
    guidance = _guidance(records, lot, until_ns=at_ns)
    dispositions = records.rows("disposition_of_event", {"result_id": result.result_id})
    disposition = next(iter(records.decoded(Disposition, dispositions)), None)
    return Investigation(
        uses=() if lot is None else _uses(records.rows("genealogy", {"material_lot_id": lot})),
        reasons=() if disposition is None else disposition.reasons,
        timeline=_timeline(records, lot, guidance, until_ns=at_ns),
        sensitivities=_sensitivities(guidance, result.analyte),
        of_lot=None if lot is None else _standing(records, "standing_of_lot", {"material_lot_id": lot}),
    )


def _of_product(records: Records, known: Investigation, result: LabResult, *, at_ns: int) -> Investigation:
    """Return, with what is known of its lot, what is on record of its scope, product and analyte."""
    lot, product, analyte = result.material_lot_id, result.material_definition_id, result.analyte
    scope = result.scope.columns()
    of_series = {**scope, "product": product, "analyte": analyte}
    of_client = {"client_id": scope["client_id"], "product": product, "besides": lot, "most": MOST_REFERENCES}
    alike = {**of_series, "besides": lot, "after_ns": at_ns - _ALIKE_WITHIN_NS, "most": MOST_ALIKE}
    earlier = {**of_series, "before_ns": at_ns, "besides": result.sample_id, "besides_lot": lot or "",
               "most": MOST_EARLIER}  # fmt: skip
    points = records.rows("newest_numbers", {**of_series, "besides": None, "most": MOST_POINTS})
    episode = _standing(records, "standing_of_series", {**of_series, "after_ns": at_ns - EPISODE_ENDS_AFTER_NS})
    return replace(
        known,
        history=tuple((row["at_ns"], row["value"]) for row in reversed(points)),
        references=records.decoded(Fingerprint, records.rows("fingerprints_in_control", of_client)),
        alike=records.decoded(Fingerprint, records.rows("fingerprints_alike", alike)),
        earlier=tuple(
            earlier_case(records, draft)
            for draft in records.decoded(Drafted, records.rows("earlier_deviations", earlier))
        ),
        of_series=episode,
        in_line_since=0 if episode is None else _in_line_since(records, episode, result, at_ns=at_ns),
    )


def _standing(records: Records, statement: str, parameters: Mapping[str, Any]) -> Standing | None:
    return next(iter(records.decoded(Standing, records.rows(statement, parameters))), None)


def _closed(records: Records, known: Investigation) -> frozenset[str]:
    """Return which of the deviations that a result may join were closed."""
    standing = [item.deviation_id for item in (known.of_lot, known.of_series) if item is not None]
    rows = [row for key in standing for row in records.rows("newest_deviation_state", {"deviation_id": key})]
    return frozenset(row["deviation_id"] for row in rows if row["state"] == DeviationState.CLOSED)


def _in_line_since(records: Records, episode: Standing, result: LabResult, *, at_ns: int) -> int:
    """Return how many results of a series lie between the last that joined its episode and another one."""
    last = episode.results[-1] if episode.results else None
    last_ns = None if last is None else last.sampled_ns
    between = {
        **result.scope.columns(),
        "product": result.material_definition_id,
        "analyte": result.analyte,
        "after_ns": episode.at_ns if last_ns is None else last_ns,
        "before_ns": at_ns if result.sampled_ns is None else result.sampled_ns,
    }
    return int(records.rows("results_of_series_between", between)[0]["results"])


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
) -> tuple[TimelineEntry, ...]:
    """Return what happened to a lot, in its order."""
    if lot is None:
        return ()
    entries = [
        TimelineEntry(at_ns=row["at_ns"], what=row["kind"], subject=_subject(decode(ContextChange, row["body"])))
        for row in records.rows("changes_of_lot", {"material_lot_id": lot})
    ]
    for result in records.decoded(LabResult, records.rows("results_of_lot", {"material_lot_id": lot})):
        written = result.value_text if result.value is None else number_in_text(result.value_text)
        subject = f"{result.test_id} {written}{f' {result.unit}' if result.unit else ''} ({result.sample_id})"
        if result.sampled_ns is not None:
            entries.append(TimelineEntry(at_ns=result.sampled_ns, what="sample_drawn", subject=result.sample_id))
        result_ns = result.approved_ns or result.analysed_ns or result.received_ns
        entries.append(TimelineEntry(at_ns=result_ns or until_ns, what=f"result_{result.status}", subject=subject))
    entries += [
        TimelineEntry(at_ns=item.issued_ns, what=f"guidance_{item.kind}", subject=item.title) for item in guidance
    ]
    return tuple(
        sorted(
            dict.fromkeys(entries),
            key=lambda entry: (entry.at_ns, entry.what.startswith("guidance"), entry.what, entry.subject),
        )
    )


def _subject(change: ContextChange) -> str:
    if change.consumed_lot_id is not None:
        made_by = shown_name(stored_material(change.consumed_definition_id or "-", change.supplier or "-"))
        return f"{change.consumed_lot_id} ({made_by})"
    return change.equipment_id or change.job_order_id or change.material_lot_id or rfc3339(change.at_ns)


def earlier_case(records: Records, deviation: Drafted) -> Earlier:
    """Return what was done about an earlier deviation: the moves that were made, and whether one brought it back."""
    lot = deviation.result.material_lot_id
    guidance = _guidance(records, lot, until_ns=deviation.at_ns + _ALIKE_WITHIN_NS)
    moves = [item for item in guidance if item.kind is GuidanceKind.SETPOINT and item.state in _DONE]
    helped = None if not moves else any(has_helped(records, move) for move in moves)
    return Earlier(deviation=deviation, done=tuple(move.title for move in moves), helped=helped)


def has_helped(records: Records, move: Guidance) -> bool:
    """Return whether a move that was made did what was expected of it.

    Where the gateway wrote it, by what came of it: the laboratory's result counts more than the prediction. Else by
    whether the prediction came back.
    """
    outcomes = records.rows("outcomes_of_move", {"guidance_id": move.guidance_id})
    return bool(outcomes[0]["as_expected"]) if outcomes else _DONE.get(move.state, False)


def _sensitivities(guidance: Sequence[Guidance], analyte: str) -> dict[str, float]:
    """Return by how much the analyte changes per unit of a tag, by the newest prediction for the lot."""
    newest = next((item for item in reversed(guidance) if item.analyte == analyte and item.sensitivities), None)
    return {} if newest is None else {sensitivity.tag: sensitivity.per_unit for sensitivity in newest.sensitivities}
