"""From the tables: what certificates of a lot stand on. Runs inside the writer's transaction."""

from dataclasses import replace

from gateway.events import ActRequested, CertificateMailed, CertificatePrinted, FollowUpDue
from gateway.facts.certificates import (
    CertificateActFacts,
    CertificateDueFacts,
    CertificateIssuedFacts,
    LotCertificates,
)
from gateway.lab.certificates.draft import CertifiedLot
from gateway.lab.disposition import LotState
from gateway.latches import in_doubt
from gateway.records.certificate_acts import CertificateAct, DraftCertificate
from gateway.records.certificates import CertificateOnRecord, Part
from gateway.records.lot_parts import LotDivided
from gateway.records.scope import OF_THE_PLANT, Scope
from gateway.store.facts.acts import act_base
from gateway.store.facts.investigation import uses_of_lot
from gateway.store.facts.loaders import loader
from gateway.store.facts.lot.facts import facts_of_lots
from gateway.store.facts.reading import Reading
from gateway.store.queries.certificates import certificate_version, certificates_of_lot
from gateway.store.queries.deviation_states import closing_of
from gateway.store.queries.lot_parts import parts_of_lot
from gateway.store.queries.lots import lot_on_record
from gateway.store.statements import value_of


@loader
def certificate_due_facts(reading: Reading, event: FollowUpDue) -> CertificateDueFacts:
    """Return a lot with its certificates."""
    known = _of_lot(reading, event.follow_up.subject, at_ns=event.at_ns)
    return CertificateDueFacts(**reading.base(), known=known)


@loader
def certificate_act_facts(reading: Reading, event: ActRequested) -> CertificateActFacts:
    """Return the lot that an act on a certificate is about, with its certificates."""
    lot = _lot_of(reading, event.act)  # type: ignore[arg-type]
    asked = event.act.part.strip() if isinstance(event.act, DraftCertificate) else ""
    known = _of_lot(reading, lot, at_ns=event.at_ns, asked=asked)
    return CertificateActFacts(**act_base(reading, event), known=known)


@loader
def certificate_issued_facts(reading: Reading, event: CertificatePrinted | CertificateMailed) -> CertificateIssuedFacts:
    """Return the version that was signed, as it stands."""
    issued = certificate_version(reading.connection, event.certificate_id, event.version)
    return CertificateIssuedFacts(**reading.base(), issued=issued)


def _lot_of(reading: Reading, act: CertificateAct) -> str:
    if isinstance(act, DraftCertificate):
        return act.material_lot_id
    return value_of(reading.connection, "lot_of_certificate", certificate_id=act.certificate_id) or ""


def _of_lot(reading: Reading, lot: str, *, at_ns: int, asked: str = "") -> LotCertificates:
    """Return a lot as it is known now; what is damaged of it is a gap of each of its certificates.

    ``asked``: the part of it that a first certificate is asked for.
    """
    on_record, damaged = certificates_of_lot(reading.connection, lot)
    whole = _known(reading, lot, None, on_record, damaged, at_ns=at_ns)
    if whole.lot is None:
        return whole
    of_lot = parts_of_lot(reading.connection, lot)
    whole = replace(whole, lot=replace(
        whole.lot,
        unreleased_parts=tuple(item.part.name for item in of_lot.parts if not item.released_by_person),
        damaged=tuple(dict.fromkeys((*whole.lot.damaged, *of_lot.damaged))),
    ))  # fmt: skip
    certified = {item.drafted.content.part_name for item in on_record} | {asked}
    parts = {
        item.part.name: _of_part(reading, whole, item.part, on_record, damaged, at_ns=at_ns)
        for item in of_lot.parts
        if item.part.name in certified
    }
    return replace(whole, parts=parts)


def _of_part(
    reading: Reading,
    whole: LotCertificates,
    part: LotDivided,
    on_record: tuple[CertificateOnRecord, ...],
    damaged: tuple[str, ...],
    *,
    at_ns: int,
) -> LotCertificates:
    """Return a part as it is certified: by the results of its lot and its own, and by the decision on the part."""
    own = _known(reading, part.part_id, part, on_record, damaged, at_ns=at_ns)
    if own.lot is None or whole.lot is None:
        return own
    of_lot, of_part = whole.lot.knowledge, own.lot.knowledge
    knowledge = replace(
        of_lot, results=(*of_lot.results, *of_part.results), left_out=of_lot.left_out + of_part.left_out
    )
    return replace(own, lot=replace(
        own.lot,
        knowledge=knowledge,
        uses=tuple(dict.fromkeys((*whole.lot.uses, *own.lot.uses))),
        unreleased_parts=(),
        damaged=tuple(dict.fromkeys((*whole.lot.damaged, *own.lot.damaged))),
        part=Part(name=part.name, quantity=part.amount),
        open_deviations=whole.lot.open_deviations + own.lot.open_deviations,
    ))  # fmt: skip


def _known(
    reading: Reading,
    lot: str,
    part: LotDivided | None,
    on_record: tuple[CertificateOnRecord, ...],
    damaged: tuple[str, ...],
    *,
    at_ns: int,
) -> LotCertificates:
    known = lot_on_record(reading.connection, lot)
    if known is None:
        return LotCertificates(lot=None, on_record=on_record, waits=False, specifications=reading.specifications(),
                               disposition=None, state=LotState(), scope=OF_THE_PLANT, part=part, parts={})  # fmt: skip
    (facts,) = facts_of_lots(reading, [lot], at_ns=at_ns)
    products = (*facts.knowledge.context.products, *(item.drafted.content.product for item in on_record))
    doubts = ("alarms stand that put the records in doubt",) if in_doubt(reading.base()["latches"]) else ()
    whole_lot = lot if part is None else part.material_lot_id
    goes_on = bool(value_of(reading.connection, "lot_begun_again", material_lot_id=whole_lot))
    certified = CertifiedLot(
        knowledge=facts.knowledge,
        started_ns=facts.started_ns,
        ended_ns=None if goes_on else facts.ended_ns,
        closed=facts.closed and not goes_on,
        uses=uses_of_lot(reading, lot),
        unreleased_parts=(),
        decision=facts.decision,
        open_points=tuple(item.point.reason.text for item in known.against_release),
        damaged=tuple(dict.fromkeys((*reading.damaged, *known.damaged, *damaged, *doubts))),
        time_zone=reading.line.time_zone.key,
        open_deviations=sum(
            closing_of(reading.connection, key) is None for key in reading.values("deviations_of_lot", lot=lot)
        ),
    )
    return LotCertificates(
        lot=certified,
        on_record=on_record,
        waits=known.waits_to_be_judged,
        specifications=reading.specifications(*products),
        disposition=known.disposition,
        state=facts.before,
        scope=Scope(client_id=facts.knowledge.context.client_id),
        part=part,
        parts={},
    )
