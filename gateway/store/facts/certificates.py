"""From the tables: what certificates of a lot stand on. Runs inside the writer's transaction."""

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
from gateway.records.scope import Scope
from gateway.store.facts.acts import act_base
from gateway.store.facts.investigation import uses_of_lot
from gateway.store.facts.loaders import loader
from gateway.store.facts.lot.facts import facts_of_lots
from gateway.store.facts.reading import Reading
from gateway.store.queries.certificates import certificate_version, certificates_of_lot
from gateway.store.queries.deviation_states import closing_of
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
    return CertificateActFacts(**act_base(reading, event), known=_of_lot(reading, lot, at_ns=event.at_ns))


@loader
def certificate_issued_facts(reading: Reading, event: CertificatePrinted | CertificateMailed) -> CertificateIssuedFacts:
    """Return the version that was signed, as it stands."""
    issued = certificate_version(reading.connection, event.certificate_id, event.version)
    return CertificateIssuedFacts(**reading.base(), issued=issued)


def _lot_of(reading: Reading, act: CertificateAct) -> str:
    if isinstance(act, DraftCertificate):
        return act.material_lot_id
    return value_of(reading.connection, "lot_of_certificate", certificate_id=act.certificate_id) or ""


def _of_lot(reading: Reading, lot: str, *, at_ns: int) -> LotCertificates:
    """Return a lot as it is known now; what is damaged of it is a gap of each of its certificates."""
    known = lot_on_record(reading.connection, lot)
    on_record, damaged = certificates_of_lot(reading.connection, lot)
    if known is None:
        return LotCertificates(lot=None, on_record=on_record, waits=False, specifications=reading.specifications(),
                               disposition=None, state=LotState())  # fmt: skip
    (facts,) = facts_of_lots(reading, [lot], at_ns=at_ns)
    uses = uses_of_lot(reading, lot)
    products = (*facts.knowledge.context.products, *(item.drafted.content.product for item in on_record))
    specifications = reading.specifications(*products)
    doubts = ("alarms stand that put the records in doubt",) if in_doubt(reading.base()["latches"]) else ()
    certified = CertifiedLot(
        knowledge=facts.knowledge,
        started_ns=facts.started_ns,
        ended_ns=facts.ended_ns,
        closed=facts.closed,
        uses=uses,
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
        specifications=specifications,
        disposition=known.disposition,
        state=facts.before,
        scope=Scope(client_id=facts.knowledge.context.client_id),
    )
