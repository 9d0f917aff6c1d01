"""What has happened to a lot, in the order of time."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pydantic import Field

from gateway.console.views.deviations import DeviationView
from gateway.console.views.parts import GuidanceView, SignaturePart, View
from gateway.console.views.results import ResultView
from gateway.contract.times import rfc3339
from gateway.records.guidance import GuidanceState
from gateway.store.queries.lots import LotOnRecord
from gateway.store.statements import SQL

_MOST = 300  # of a kind
_SEVERITY_OF: Mapping[str, str] = {"hold": "critical", "review": "warning"}


class TimelineView(View):
    """Something that happened to the lot; the newest last."""

    at: str
    kind: str = Field(description="context, result, disposition, guidance, response, settlement, deviation, signature")
    text: str
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
        *map(_entry_of_signature, signatures),
    ]
    return sorted(entries, key=lambda entry: entry.at)


def _said(connection: sqlite3.Connection, known: LotOnRecord) -> Iterator[TimelineView]:
    """Yield what production and the gateway have said of the lot."""
    of_lot = {"material_lot_id": known.material_lot_id, "most": _MOST}
    for row in connection.execute(SQL["console_context_of_lot"], of_lot):
        yield TimelineView(
            at=rfc3339(row["at_ns"]), kind="context", text=row["kind"].replace("_", " "), id=row["event_id"],
            severity=None,
        )  # fmt: skip
    for row in connection.execute(SQL["console_dispositions_of_lot"], of_lot):
        yield TimelineView(
            at=rfc3339(row["at_ns"]), kind="disposition", text=row["recommendation"], id=row["disposition_id"],
            severity=_SEVERITY_OF.get(row["recommendation"]),
        )  # fmt: skip
    for item in known.settled:
        if item.settlement is not None:
            yield TimelineView(
                at=rfc3339(item.settlement.at_ns), kind="settlement", id=item.point.point_id, severity=None,
                text=f"{item.settlement.person}: {item.settlement.reason}",
            )  # fmt: skip


def _entry_of_result(item: ResultView) -> TimelineView:
    shown = f"{item.analyte} {item.value_text} {item.unit or ''}".strip()
    return TimelineView(at=item.received_at or "", kind="result", text=shown, id=item.result_id, severity=None)


def _entry_of_guidance(item: GuidanceView) -> TimelineView:
    return TimelineView(
        at=item.issued_at, kind="guidance", text=f"{item.title} ({item.state})", id=item.guidance_id,
        severity=item.severity,
    )  # fmt: skip


def _answers(connection: sqlite3.Connection, guidance: Iterable[GuidanceView]) -> Iterator[TimelineView]:
    """Yield what has become of the guidance about the lot."""
    for item in guidance:
        for row in connection.execute(SQL["console_guidance_states"], {"guidance_id": item.guidance_id}):
            if row["state"] != GuidanceState.PROPOSED:
                yield TimelineView(
                    at=rfc3339(row["at_ns"]), kind="response", text=f"{item.title}: {row['state']}",
                    id=item.guidance_id, severity=None,
                )  # fmt: skip


def _entry_of_signature(item: SignaturePart) -> TimelineView:
    return TimelineView(
        at=item.signed_at, kind="signature", text=f"{item.full_name} ({item.role}): {item.meaning}",
        id=item.signature_id, severity=None,
    )  # fmt: skip


def _entry_of_deviation(item: DeviationView) -> TimelineView:
    return TimelineView(at=item.at, kind="deviation", text=item.title, id=item.deviation_id, severity="warning")
