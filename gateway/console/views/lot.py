"""One lot: what is recommended, what speaks against it, and what has happened."""

import sqlite3
from urllib.parse import quote

from pydantic import Field

from gateway.console.snapshot import Snapshot
from gateway.console.views.certificates import CertificateLineView, lines_of_lot
from gateway.console.views.deviations import DeviationView, deviations_of
from gateway.console.views.guidance import guidance_views
from gateway.console.views.lot_parts import PartOfView, PartView, RestView, part_of, parts_view, rest_view
from gateway.console.views.parts import GuidanceView, OpenPointView, SignaturePart, View, instant
from gateway.console.views.results import ResultView, results_of
from gateway.console.views.signatures import PendingActView, waiting_for_signatures
from gateway.console.views.signed import signatures_on
from gateway.console.views.timeline import TimelineView, timeline_of
from gateway.contract.lot_decisions import basis_sha256
from gateway.contract.payloads.parts import ReasonPart
from gateway.contract.times import rfc3339
from gateway.contract.words import RecommendationWord
from gateway.facts.acts import PointOnRecord
from gateway.facts.lot import is_of_rest
from gateway.lab.release.lot_knowledge import Parent
from gateway.records.act_kinds import ActKind
from gateway.records.lot_decisions import DecisionState, LotDecided
from gateway.records.scope import Scope
from gateway.store.facts.reading import Reading
from gateway.store.queries.awaited_certificates import awaits_certificate
from gateway.store.queries.lot_decisions import basis_of, decision_of_lot
from gateway.store.queries.lot_parts import PartsOfLot, parts_of_lot
from gateway.store.queries.lots import LotOnRecord, as_shown, lot_on_record
from gateway.store.queries.seen import Seen
from gateway.store.statements import SQL

_MOST = 300  # of a kind


class SettledView(View):
    """A point that a person has settled."""

    point_id: str
    text: str
    person: str
    reason: str
    at: str


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
    of_rest_alone: bool = Field(
        description="a release of what is left beside parts that are not released: not of the lot"
    )
    awaits_certificate: bool = Field(description="a release that waits for a certificate, so nobody is told of it")


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
    against_release: int = Field(
        description="how many open points a release would be over; the act decide_lot states it"
    )
    decision: DecisionView | None
    signatures: list[SignaturePart] = Field(description="of decisions on it and of points that were settled")
    waiting: list[PendingActView] = Field(description="acts about it that wait for another person's signature")
    open_points: list[OpenPointView] = Field(description="what is still missing or against a release, worst first")
    settled: list[SettledView]
    results: list[ResultView]
    charts: list[ChartLink]
    guidance: list[GuidanceView]
    deviations: list[DeviationView]
    certificates: list[CertificateLineView] = Field(description="the newest version of each")
    timeline: list[TimelineView]
    parents: list[RelatedLotView]
    children: list[RelatedLotView]
    part_of: PartOfView | None = Field(description="of which lot it is a part; null: it is a lot")
    parts: list[PartView] = Field(description="parts that are set apart from it, each decided on by itself")
    rest: RestView | None = Field(description="what is left beside the parts; null: it is not divided")
    damaged: list[str]


def lot_view(connection: sqlite3.Connection, snapshot: Snapshot, lot: str) -> LotView | None:
    """Return what is on record of a lot; None where nothing is."""
    known = lot_on_record(connection, lot)
    return None if known is None else _view_of(connection, snapshot, known)


def _view_of(connection: sqlite3.Connection, snapshot: Snapshot, known: LotOnRecord) -> LotView:
    lot = known.material_lot_id
    basis, decided = basis_of(connection, known), decision_of_lot(connection, lot)
    seen = snapshot.seen(connection)
    reading = Reading(connection, snapshot.line, {})
    of_lot = {"material_lot_id": lot, "most": _MOST}
    results = results_of(reading, known, seen)
    guidance = guidance_views(connection, reading.guidance("console_guidance_of_lot", **of_lot), snapshot)
    deviations = deviations_of(connection, reading.rows("console_deviations_of_lot", of_lot), seen)
    signatures = signatures_on(connection, lot, ActKind.DECIDE_LOT, ActKind.SETTLE_POINT, ActKind.SIGN_REVIEW)
    divided = parts_of_lot(connection, lot)
    damaged = [*dict.fromkeys([*known.damaged, *reading.damaged, *decided.damaged, *divided.damaged])]
    return LotView(
        material_lot_id=lot,
        recommendation=as_shown(known.recommendation, damaged=bool(damaged)),
        reasons=[] if known.disposition is None else ReasonPart.of(seen.reasons(known.disposition.reasons)),
        since_at=instant(known.since_ns),
        latched=known.latched,
        waits_to_be_judged=known.waits_to_be_judged,
        products=list(known.products),
        job_order_id=known.job_order_id,
        equipment_id=known.equipment_id,
        client_id=known.client_id,
        **_times(known),
        missing_tests=[] if basis is None else list(basis.missing_tests),
        basis_sha256=None if basis is None else basis_sha256(basis),
        against_release=len(known.against_release),
        decision=_decision(connection, known, decided.decision, divided),
        signatures=signatures,
        waiting=waiting_for_signatures(connection, snapshot, subject=lot),
        open_points=[_open_point(item) for item in known.open_points if _is_seen(item, seen)],
        settled=[_settled(item) for item in known.settled if _is_seen(item, seen)],
        results=results,
        charts=_charts(connection, known, seen),
        guidance=guidance,
        deviations=deviations,
        certificates=lines_of_lot(connection, lot, known.part, seen=seen),
        timeline=timeline_of(connection, known, results, guidance, deviations, signatures),
        parents=[_related(item) for item in known.parents if seen.lot(item.material_lot_id)],
        children=[_related(item) for item in known.children if seen.lot(item.material_lot_id)],
        part_of=part_of(known.part),
        parts=parts_view(divided),
        rest=rest_view(connection, lot, divided),
        damaged=damaged,
    )


def _times(known: LotOnRecord) -> dict[str, str | None]:
    instants = {"started_at": known.started_ns, "ended_at": known.ended_ns, "closed_at": known.closed_ns}
    return {name: instant(at_ns) for name, at_ns in instants.items()}


def _is_seen(item: PointOnRecord, seen: Seen) -> bool:
    return seen.names_nobody_hidden(item.point.reason.parameters)


def _open_point(item: PointOnRecord) -> OpenPointView:
    point = item.point
    return OpenPointView(
        point_id=point.point_id,
        asks=point.asks,
        code=point.code,
        text=point.reason.text,
        how=point.how,
        can_be_settled=item.can_be_settled,
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


def _decision(
    connection: sqlite3.Connection, known: LotOnRecord, decision: LotDecided | None, divided: PartsOfLot
) -> DecisionView | None:
    if decision is None:
        return None
    return DecisionView(
        decision=decision.verdict,
        full_name=decision.printed_name,
        role=decision.role.value,
        at=rfc3339(decision.at_ns),
        meaning=decision.meaning,
        reason=decision.reason,
        on_other_facts=decision.state is DecisionState.LAPSED,
        of_rest_alone=is_of_rest(decision, divided.parts),
        awaits_certificate=awaits_certificate(connection, decision, known.part),
    )


def _related(item: Parent) -> RelatedLotView:
    return RelatedLotView(material_lot_id=item.material_lot_id, recommendation=item.asks)


def _charts(connection: sqlite3.Connection, known: LotOnRecord, seen: Seen) -> list[ChartLink]:
    lot = quote(known.material_lot_id, safe="")
    analytes = dict.fromkeys(
        row["analyte"]
        for product in known.products
        for row in connection.execute(SQL["console_series_of_product"], {"product": product})
        if seen.sight.sees(Scope(client_id=row["client_id"] or None, study_id=row["study_id"] or None))
    )
    return [ChartLink(analyte=name, path=f"/api/charts/{lot}/{quote(name, safe='')}") for name in analytes]
