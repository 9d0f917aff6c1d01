"""One lot: what is recommended, what speaks against it, and what has happened."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

from pydantic import Field

from gateway.advice.documents import title_of
from gateway.console.snapshot import Snapshot
from gateway.console.views.guidance import guidance_views
from gateway.console.views.parts import GuidanceView, OpenPointView, SignaturePart, View, instant
from gateway.console.views.results import ResultView, results_of
from gateway.console.views.signatures import signature_part
from gateway.contract.lot_decisions import basis_sha256
from gateway.contract.payloads.parts import ReasonPart
from gateway.contract.times import rfc3339
from gateway.contract.words import RecommendationWord
from gateway.facts.acts import PointOnRecord
from gateway.lab.deviations import Deviation
from gateway.lab.release.lot_knowledge import Parent
from gateway.records.acts import ActKind
from gateway.records.guidance import GuidanceState
from gateway.records.lot_decisions import DecisionState, LotDecided
from gateway.store.codec import decode
from gateway.store.facts.reading import Reading
from gateway.store.queries.lot_decisions import basis_of, decision_of_lot
from gateway.store.queries.lots import LotOnRecord, lot_on_record
from gateway.store.queries.signatures import signed_of
from gateway.store.statements import SQL

_MOST = 300  # of a kind
_SEVERITY_OF: Mapping[str, str] = {"hold": "critical", "review": "warning"}


class SettledView(View):
    """A point that a person has settled."""

    point_id: str
    text: str
    person: str
    reason: str
    at: str


class TimelineView(View):
    """Something that happened to the lot; the newest last."""

    at: str
    kind: str = Field(description="context, result, disposition, guidance, response, settlement, deviation, signature")
    text: str
    id: str
    severity: str | None


class DeviationView(View):
    """The draft of a deviation."""

    deviation_id: str
    at: str
    analyte: str
    version: int
    title: str
    document: str = Field(description="the path of the draft as a page")


class ChartLink(View):
    """A control chart of the lot's product."""

    analyte: str
    path: str


class RelatedLotView(View):
    """A lot that this one was made from or went into, and that is in question."""

    material_lot_id: str
    recommendation: RecommendationWord


class DecisionView(View):
    """The final word of a person on a lot."""

    decision: str
    full_name: str
    role: str
    at: str
    meaning: str
    reason: str
    on_other_facts: bool = Field(description="what it rests on has changed since; it is asked for again")


class LotView(View):
    """GET /api/lots/{lot}."""

    material_lot_id: str
    recommendation: RecommendationWord
    reasons: list[ReasonPart] = Field(description="of the last disposition")
    since_at: str | None
    latched: bool
    waits_to_be_judged: bool
    products: list[str]
    job_order_id: str | None
    equipment_id: str | None
    client_id: str | None
    started_at: str | None
    ended_at: str | None
    closed_at: str | None
    missing_tests: list[str] = Field(description="tests without a result, that a release needs")
    basis_sha256: str | None = Field(
        description="of the facts shown; the act decide_lot states it. null: not judged yet"
    )
    decision: DecisionView | None
    signatures: list[SignaturePart]
    open_points: list[OpenPointView] = Field(description="what is still missing or against a release, worst first")
    settled: list[SettledView]
    results: list[ResultView]
    charts: list[ChartLink]
    guidance: list[GuidanceView]
    deviations: list[DeviationView]
    timeline: list[TimelineView]
    parents: list[RelatedLotView]
    children: list[RelatedLotView]
    damaged: list[str]


def lot_view(connection: sqlite3.Connection, snapshot: Snapshot, lot: str) -> LotView | None:
    """Return what is on record of a lot; None where nothing is."""
    known = lot_on_record(connection, lot)
    if known is None:
        return None
    basis, decided = basis_of(connection, known), decision_of_lot(connection, lot)
    reading = Reading(connection, snapshot.line, {})
    of_lot = {"material_lot_id": lot, "most": _MOST}
    results = results_of(reading, known)
    guidance = guidance_views(reading.guidance("console_guidance_of_lot", **of_lot), snapshot)
    deviations = _deviations(reading.rows("console_deviations_of_lot", of_lot))
    signatures = _signatures(connection, lot)
    timeline = [
        *_timeline(connection, known),
        *map(_entry_of_result, results),
        *map(_entry_of_guidance, guidance),
        *map(_entry_of_deviation, deviations),
        *_answers(connection, guidance),
        *map(_entry_of_signature, signatures),
    ]
    return LotView(
        material_lot_id=lot,
        recommendation=known.recommendation,
        reasons=[] if known.disposition is None else ReasonPart.of(known.disposition.reasons),
        since_at=instant(known.since_ns),
        latched=known.latched,
        waits_to_be_judged=known.waits_to_be_judged,
        products=list(known.products),
        job_order_id=known.job_order_id,
        equipment_id=known.equipment_id,
        client_id=known.client_id,
        started_at=instant(known.started_ns),
        ended_at=instant(known.ended_ns),
        closed_at=instant(known.closed_ns),
        missing_tests=[] if basis is None else list(basis.missing_tests),
        basis_sha256=None if basis is None else basis_sha256(basis),
        decision=None if decided.decision is None else _decision(decided.decision),
        signatures=signatures,
        open_points=[_open_point(item) for item in known.open_points],
        settled=[_settled(item) for item in known.settled],
        results=results,
        charts=_charts(connection, known),
        guidance=guidance,
        deviations=deviations,
        timeline=sorted(timeline, key=lambda entry: entry.at),
        parents=[_related(item) for item in known.parents],
        children=[_related(item) for item in known.children],
        damaged=[*dict.fromkeys([*known.damaged, *reading.damaged, *decided.damaged])],
    )


def _open_point(item: PointOnRecord) -> OpenPointView:
    point = item.point
    return OpenPointView(
        point_id=point.point_id,
        asks=point.asks,
        code=point.code,
        text=point.reason.text,
        how=point.how,
        can_be_settled=point.can_be_settled,
        sample_id=item.about.sample_id,
        analyte=item.about.analyte,
    )


def _settled(item: PointOnRecord) -> SettledView:
    settlement = item.settlement
    return SettledView(
        point_id=item.point.point_id,
        text=item.point.reason.text,
        person="" if settlement is None else settlement.person,
        reason="" if settlement is None else settlement.reason,
        at=rfc3339(item.about.at_ns if settlement is None else settlement.at_ns),
    )


def _decision(decision: LotDecided) -> DecisionView:
    return DecisionView(
        decision=decision.verdict,
        full_name=decision.printed_name,
        role=decision.role.value,
        at=rfc3339(decision.at_ns),
        meaning=decision.meaning,
        reason=decision.reason,
        on_other_facts=decision.state is DecisionState.LAPSED,
    )


def _signatures(connection: sqlite3.Connection, lot: str) -> list[SignaturePart]:
    """Return the signatures of the decisions on a lot, the newest first; what does not hold is left out."""
    return [
        signature_part(signature)
        for signed in signed_of(connection, ActKind.DECIDE_LOT, lot, most=_MOST)
        if signed.holds
        for signature in signed.signatures
    ]


def _related(item: Parent) -> RelatedLotView:
    return RelatedLotView(material_lot_id=item.material_lot_id, recommendation=item.asks)


def _charts(connection: sqlite3.Connection, known: LotOnRecord) -> list[ChartLink]:
    lot = quote(known.material_lot_id, safe="")
    analytes = dict.fromkeys(
        row["analyte"]
        for product in known.products
        for row in connection.execute(SQL["console_series_of_product"], {"product": product})
    )
    return [ChartLink(analyte=name, path=f"/api/charts/{lot}/{quote(name, safe='')}") for name in analytes]


def _deviations(rows: Iterable[sqlite3.Row]) -> list[DeviationView]:
    """Return the newest version of each draft of the lot."""
    newest: dict[str, DeviationView] = {}
    for row in rows:
        draft = decode(Deviation, row["body"])
        newest[row["grown_from"]] = DeviationView(
            deviation_id=row["grown_from"],
            at=rfc3339(row["at_ns"]),
            analyte=row["analyte"],
            version=row["version"],
            title=title_of(draft),
            document=f"/api/deviations/{quote(row['grown_from'], safe='')}",
        )
    return list(newest.values())


def _timeline(connection: sqlite3.Connection, known: LotOnRecord) -> Iterator[TimelineView]:
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
