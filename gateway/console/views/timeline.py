"""What has happened to a lot, in the order of time."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pydantic import Field

from gateway.console.views.deviations import DeviationView
from gateway.console.views.parts import GuidanceView, MoveView, SignaturePart, View
from gateway.console.views.results import ResultView
from gateway.contract.times import rfc3339
from gateway.records.guidance import GuidanceState
from gateway.records.setpoints import OPEN_WRITES, Followed, WriteState
from gateway.store.queries.lots import LotOnRecord
from gateway.store.queries.setpoints import WriteShown, write_of_guidance
from gateway.store.statements import SQL
from gateway.texts.catalogue import number_in_text

_MOST = 300  # of a kind
_PASSING = OPEN_WRITES - {WriteState.FOLLOWING}  # of a moment, or still waiting: the guidance says so
_AS_USUAL = frozenset({WriteState.WRITTEN, WriteState.FOLLOWING, WriteState.CAUSE_ENDED})
_SEVERITY_OF: Mapping[str, str] = {"hold": "critical", "review": "warning"}


class TimelineView(View):
    """Something that happened to the lot; the newest last."""

    at: str
    kind: str = Field(description="context, result, disposition, guidance, response, settlement, deviation, signature, "
                                  "move (of a setpoint), outcome (of one)")  # fmt: skip
    text: str
    state: str | None = Field(description="of guidance its state, of a disposition the recommendation, of production "
                              "its event, of a signature the signer's role, of a move where writing it stands, of an "
                              "outcome by what it was followed: as messages write them")  # fmt: skip
    id: str
    severity: str | None


def timeline_of(
    connection: sqlite3.Connection,
    known: LotOnRecord,
    results: Iterable[ResultView],
    guidance: Sequence[GuidanceView],
    deviations: Iterable[DeviationView],
    signatures: Iterable[SignaturePart],
) -> list[TimelineView]:
    """Return what has happened to a lot, the newest last."""
    entries = [
        *_said(connection, known),
        *map(_entry_of_result, results),
        *map(_entry_of_guidance, guidance),
        *map(_entry_of_deviation, deviations),
        *_answers(connection, guidance),
        *_moves(connection, guidance),
        *map(_entry_of_signature, signatures),
    ]
    return sorted(entries, key=lambda entry: entry.at)


def _said(connection: sqlite3.Connection, known: LotOnRecord) -> Iterator[TimelineView]:
    """Yield what production and the gateway have said of the lot."""
    of_lot = {"material_lot_id": known.material_lot_id, "most": _MOST}
    for row in connection.execute(SQL["console_context_of_lot"], of_lot):
        yield TimelineView(
            at=rfc3339(row["at_ns"]), kind="context", text="", state=row["kind"], id=row["event_id"],
            severity=None,
        )  # fmt: skip
    for row in connection.execute(SQL["console_dispositions_of_lot"], of_lot):
        yield TimelineView(
            at=rfc3339(row["at_ns"]), kind="disposition", text="", state=row["recommendation"],
            id=row["disposition_id"], severity=_SEVERITY_OF.get(row["recommendation"]),
        )  # fmt: skip
    for item in known.settled:
        if item.settlement is not None:
            yield TimelineView(
                at=rfc3339(item.settlement.at_ns), kind="settlement", id=item.point.point_id, severity=None, state=None,
                text=f"{item.settlement.person}: {item.settlement.reason}",
            )  # fmt: skip


def _entry_of_result(item: ResultView) -> TimelineView:
    unit = "" if item.unit is None or item.unit.casefold() == item.analyte.casefold() else item.unit  # pH has its name
    shown = f"{item.analyte} {number_in_text(item.value_text)} {unit}".strip()
    at = item.received_at or ""
    return TimelineView(at=at, kind="result", text=shown, state=None, id=item.result_id, severity=None)


def _entry_of_guidance(item: GuidanceView) -> TimelineView:
    return TimelineView(
        at=item.issued_at, kind="guidance", text=item.title, state=item.state, id=item.guidance_id,
        severity=item.severity,
    )  # fmt: skip


def _answers(connection: sqlite3.Connection, guidance: Iterable[GuidanceView]) -> Iterator[TimelineView]:
    """Yield what has become of the guidance about the lot."""
    for item in guidance:
        for row in connection.execute(SQL["console_guidance_states"], {"guidance_id": item.guidance_id}):
            if row["state"] != GuidanceState.PROPOSED:
                yield TimelineView(
                    at=rfc3339(row["at_ns"]), kind="response", text=item.title, state=row["state"],
                    id=item.guidance_id, severity=None,
                )  # fmt: skip


def _moves(connection: sqlite3.Connection, guidance: Iterable[GuidanceView]) -> Iterator[TimelineView]:
    """Yield what became of the moves of setpoints that were approved for the lot."""
    for item in guidance:
        write = None if item.move is None else write_of_guidance(connection, item.guidance_id)
        if write is not None:
            yield from _entries_of_move(write, item.move)


def _entries_of_move(write: WriteShown, move: MoveView | None) -> Iterator[TimelineView]:
    intent = write.intent
    values = " → ".join(number_in_text(f"{value:.6g}") for value in (intent.from_value, intent.to_value))
    for state, at_ns in write.states:
        if state not in _PASSING:
            yield TimelineView(
                at=rfc3339(at_ns), kind="move", text=f"{intent.tag.replace('_', ' ')} {values} {intent.unit}".strip(),
                state=state.value, id=f"{intent.intent_id}-{state.value}",
                severity=None if state in _AS_USUAL else "warning",
            )  # fmt: skip
    unit = "" if move is None or move.analyte_unit is None else move.analyte_unit
    for followed in Followed:
        known = write.outcomes_at.get(followed)
        if known is None:
            continue
        outcome = known.outcome
        yield TimelineView(
            at=rfc3339(known.at_ns), kind="outcome", state=followed.value, id=f"{intent.intent_id}-{followed}",
            text=f"{intent.analyte} {number_in_text(f'{outcome.value:.6g}')} {unit}".strip(),
            severity=None if outcome.as_expected else "warning",
        )  # fmt: skip


def _entry_of_signature(item: SignaturePart) -> TimelineView:
    return TimelineView(
        at=item.signed_at, kind="signature", text=f"{item.full_name}: {item.meaning}", state=item.role,
        id=item.signature_id, severity=None,
    )  # fmt: skip


def _entry_of_deviation(item: DeviationView) -> TimelineView:
    return TimelineView(
        at=item.at, kind="deviation", text=item.title, state=None, id=item.deviation_id, severity="warning"
    )
