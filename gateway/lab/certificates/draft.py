"""From what is known of a lot and what a customer requires to the content of a certificate, with its gaps. Pure.

The same facts give the same content. Whatever is missing or speaks against the lot is a gap: it is never left out so
that a certificate looks complete.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.lab.certificates.gaps import Gap, gap
from gateway.lab.certificates.rows import JudgedRow, certificate_row
from gateway.lab.disposition import WITHDRAWN
from gateway.lab.fingerprints import MaterialUse
from gateway.lab.release.basis import InForce
from gateway.lab.release.lot_knowledge import LotKnowledge, Relation
from gateway.line.certificates import CertificateRules, Requirement
from gateway.records.certificates import CertificateContent, CertifiedDecision, Component, Part
from gateway.records.lot_decisions import DecisionState, LotDecided, Verdict
from gateway.records.verdicts import Reason

_MOST_NAMED = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class CertifiedLot:
    """What a certificate is drafted from. ``decision``: on the lot, or on the ``part`` that is certified by itself.

    ``open_points``: what speaks against a release, in sentences; ``damaged``: records behind the lot that do not match
    their hash, or are in doubt; ``open_deviations``: how many of the lot nobody has closed; ``unreleased_parts``: what
    is set apart from the lot and not released, so that no paper may be of the whole.
    """

    knowledge: LotKnowledge
    started_ns: int | None
    ended_ns: int | None
    closed: bool
    uses: tuple[MaterialUse, ...]
    decision: LotDecided | None
    open_points: tuple[str, ...]
    damaged: tuple[str, ...]
    time_zone: str
    unreleased_parts: tuple[str, ...]
    open_deviations: int
    part: Part | None = None


def certificate_content(
    lot: CertifiedLot,
    requirement: Requirement,
    rules: CertificateRules,
    in_force: InForce,
) -> CertificateContent:
    """Return what a certificate says of a lot, with every gap."""
    context = lot.knowledge.context
    at_ns = lot.ended_ns or lot.started_ns or 0
    rows = tuple(
        certificate_row(test, requirement, lot.knowledge.results, in_force, at_ns) for test in requirement.tests
    )
    return CertificateContent(
        material_lot_id=lot.knowledge.lot,
        product=next(iter(context.products), None),
        product_name=requirement.product_name,
        client_id=context.client_id,
        job_order_id=context.job_order_id,
        equipment_id=context.equipment_id,
        started_ns=lot.started_ns,
        ended_ns=lot.ended_ns,
        components=components_of(lot.uses),
        customer=requirement.customer,
        customer_name=requirement.customer_name,
        address=requirement.address,
        requirement=requirement.key,
        requirement_sha256=requirement.sha256,
        specification=requirement.specification,
        specification_version=requirement.version,
        language=requirement.language,
        template=requirement.template,
        plant_name=rules.plant_name,
        plant_address=rules.plant_address,
        rows=tuple(item.row for item in rows),
        decision=None if lot.decision is None else _certified(lot.decision),
        gaps=tuple(_gaps(lot, requirement, rows)),
        part=lot.part,
        released_over=len(lot.open_points),
        email=requirement.email,
        gates_release=requirement.release_needs_certificate,
        time_zone=lot.time_zone,
    )


def components_of(uses: tuple[MaterialUse, ...]) -> tuple[Component, ...]:
    """Return the lots that went into a lot, each once."""
    components = (
        Component(material_lot_id=use.consumed_lot_id, product=use.consumed_definition_id, supplier=use.supplier)
        for use in uses
    )
    return tuple(dict.fromkeys(components))


def _certified(decision: LotDecided) -> CertifiedDecision:
    return CertifiedDecision(
        verdict=decision.verdict.value,
        by=decision.printed_name,
        role=decision.role.value,
        at_ns=decision.at_ns,
        record_id=decision.record_id,
        stands=decision.state is DecisionState.STANDS,
    )


def _gaps(lot: CertifiedLot, requirement: Requirement, rows: tuple[JudgedRow, ...]) -> Iterator[Reason]:
    yield from _of_records(lot)
    yield from _of_product(lot, requirement)
    for row in rows:
        yield from row.gaps
    if lot.ended_ns is None and not lot.closed:
        yield gap(Gap.NOT_COMPLETE)
    yield from _of_decision(lot, requirement)


def _of_records(lot: CertifiedLot) -> Iterator[Reason]:
    for record in lot.damaged[:_MOST_NAMED]:
        yield gap(Gap.RECORD_DAMAGED, record=record)
    if lot.knowledge.left_out:
        yield gap(Gap.RESULTS_LEFT_OUT, count=lot.knowledge.left_out)


def _of_product(lot: CertifiedLot, requirement: Requirement) -> Iterator[Reason]:
    """Yield where the lot, or one of its results, is of another product or of another client."""
    context = lot.knowledge.context
    results = [
        record.result
        for record in lot.knowledge.results
        if record.current and record.relation is not Relation.POSSIBLE and record.result.status not in WITHDRAWN
    ]
    stated = dict(context.stated)  # of what is contradicted: all that was ever stated
    products = dict.fromkeys(
        (*context.products, *stated.get("product", ()), *(item.material_definition_id for item in results))
    )
    others = [name for name in products if name is not None and name != requirement.product]
    if others or not any(name is not None for name in products):
        yield gap(Gap.OTHER_PRODUCT, product=requirement.product, others=", ".join(others[:_MOST_NAMED]) or "-")
    clients = dict.fromkeys((context.client_id, *stated.get("client", ()), *(item.client_id for item in results)))
    foreign = [name for name in clients if name is not None and name != requirement.customer]
    if foreign:
        yield gap(Gap.OTHER_CLIENT, customer=requirement.customer, others=", ".join(foreign[:_MOST_NAMED]))


def _of_decision(lot: CertifiedLot, requirement: Requirement) -> Iterator[Reason]:
    decision = lot.decision
    if decision is None:
        yield gap(Gap.NOT_RELEASED)
    elif decision.verdict is not Verdict.RELEASE:
        yield gap(Gap.DECIDED_OTHERWISE, decision=decision.verdict.value, person=decision.printed_name)
    elif decision.state is not DecisionState.STANDS:
        yield gap(Gap.DECISION_LAPSED, person=decision.printed_name)
    if lot.open_deviations and not requirement.over_open_points:
        yield gap(Gap.DEVIATION_OPEN, count=lot.open_deviations)
    if lot.unreleased_parts:
        yield gap(Gap.PART_NOT_RELEASED, parts=", ".join(lot.unreleased_parts[:_MOST_NAMED]))
    if lot.open_points and not requirement.over_open_points:
        yield gap(Gap.OPEN_POINTS, count=len(lot.open_points), points=" ".join(lot.open_points[:_MOST_NAMED]))
