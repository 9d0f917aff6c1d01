"""Checks of the gateway's own records, of messages, of what people signed, and of what production has told. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

from gateway.contract.certificates import number_of
from gateway.lab.review.codes import ReviewCode, ReviewGroup, ReviewSeverity
from gateway.lab.review.exceptions import Evidence, EvidenceKind, Find, Finding, checks_of, finding
from gateway.lab.review.facts import ContextRow, LotReviewFacts, SignedRow
from gateway.lab.review.process_checks import MODEL_LINES, lines_of
from gateway.lab.review.result_checks import MESSAGES_UNREAD, evidence_of_point
from gateway.records.act_kinds import ActKind
from gateway.records.certificates import CertificateState
from gateway.records.laboratory import Recommendation
from gateway.records.lot_decisions import DecisionState
from gateway.records.production import ContextKind
from gateway.records.signatures import SigningState
from gateway.records.sink_deliveries import DeliveryState
from gateway.time_units import SECOND_NS

_DAMAGE_LINES = ("evidence_damaged", "store_quarantined", "salvaged", "decision_failed", "audit_behind_witness")


def _lot(facts: LotReviewFacts) -> Evidence:
    return Evidence(EvidenceKind.LOT, facts.lot.material_lot_id)


# --- the gateway ---------------------------------------------------------------------------------------------


def _configuration_changed(facts: LotReviewFacts) -> Iterator[Finding]:
    for row in facts.lines:
        if row.kind == "configuration_reloaded" or (row.kind == "gateway_started" and row.changed):
            yield finding(row.at_ns, Evidence(EvidenceKind.LINE, str(row.seq)), sha256=row.subject[:12])


def _damaged(facts: LotReviewFacts) -> Iterator[Finding]:
    for name in facts.damaged:
        yield finding(None, Evidence(EvidenceKind.RECORD, name), subject=name)
    yield from lines_of(*_DAMAGE_LINES)(facts)


def _in_doubt(facts: LotReviewFacts) -> Iterator[Finding]:
    if facts.in_doubt:
        yield finding(None, _lot(facts), alarms=", ".join(facts.latches))


def _cut(facts: LotReviewFacts) -> Iterator[Finding]:
    for name in facts.cut:
        yield finding(None, _lot(facts), kind=name)


# --- messages ------------------------------------------------------------------------------------------------


def _not_sent(facts: LotReviewFacts) -> Iterator[Finding]:
    latest_ns = facts.at_ns - int(facts.rules.undelivered_seconds * SECOND_NS)
    for row in facts.messages:
        if row.parked is not None or row.created_ns < latest_ns:
            yield finding(row.created_ns, Evidence(EvidenceKind.MESSAGE, row.message_id), topic=row.topic,
                          variant="waits" if row.parked is None else "parked")  # fmt: skip


def _not_delivered(facts: LotReviewFacts) -> Iterator[Finding]:
    latest_ns = facts.at_ns - int(facts.rules.undelivered_seconds * SECOND_NS)
    for row in facts.deliveries:
        late = row.state == DeliveryState.WAITING and row.created_ns < latest_ns
        if late or row.state == DeliveryState.REFUSED:
            yield finding(row.created_ns, Evidence(EvidenceKind.DELIVERY, row.delivery_id), sink=row.sink,
                          kind=row.kind, variant="waits" if late else "refused")  # fmt: skip


# --- people --------------------------------------------------------------------------------------------------


def _records(facts: LotReviewFacts) -> dict[str, list[SignedRow]]:
    records: dict[str, list[SignedRow]] = {}
    for row in facts.signed:
        records.setdefault(row.record_id, []).append(row)
    return records


def _signed_by(rows: Sequence[SignedRow]) -> list[SignedRow]:
    return [row for row in rows if row.user_id is not None]


def _signed_record(rows: Sequence[SignedRow]) -> Evidence:
    return Evidence(EvidenceKind.SIGNED_RECORD, rows[0].record_id)


def _signature_missing(facts: LotReviewFacts) -> Iterator[Finding]:
    for rows in _records(facts).values():
        needed, given = facts.signatures_needed.get(rows[0].kind, 0), len(_signed_by(rows))
        if rows[0].state == SigningState.WAITING or (rows[0].state == SigningState.DONE and given < needed):
            yield finding(rows[0].made_ns, _signed_record(rows), act=rows[0].kind, given=given,
                          needed=max(needed, given + 1), count=max(needed - given, 1))  # fmt: skip


def _signature_late(facts: LotReviewFacts) -> Iterator[Finding]:
    for rows in _records(facts).values():
        for row in _signed_by(rows):
            seconds = ((row.signed_ns or row.made_ns) - row.made_ns) / SECOND_NS
            if seconds > facts.rules.signed_within_seconds:
                yield finding(row.signed_ns, _signed_record(rows), act=row.kind, person=row.printed_name,
                              hours=seconds / 3600)  # fmt: skip


def _signed_by_one(facts: LotReviewFacts) -> Iterator[Finding]:
    """Yield acts that two users have signed who have one name: one person with two accounts."""
    for rows in _records(facts).values():
        names = [" ".join((row.printed_name or "").casefold().split()) for row in _signed_by(rows)]
        twice = next((row for row, name in zip(_signed_by(rows), names, strict=True) if names.count(name) > 1), None)
        if twice is not None:
            yield finding(twice.signed_ns, _signed_record(rows), act=twice.kind, person=twice.printed_name)


def _settled_and_decided(facts: LotReviewFacts) -> Iterator[Finding]:
    """Yield decisions by a person who has also settled points against the release, where nobody else has signed."""
    for rows in _records(facts).values():
        signers = {row.printed_name for row in _signed_by(rows)}
        decided = rows[0].kind == ActKind.DECIDE_LOT and rows[0].state == SigningState.DONE
        own = [row for row in facts.settlements if {row.person} == signers]
        if decided and own:
            yield finding(rows[0].made_ns, _signed_record(rows), person=own[0].person, count=len(own))


def _lapsed(facts: LotReviewFacts) -> Iterator[Finding]:
    for row in facts.decisions:
        if row.state == DecisionState.LAPSED:
            yield finding(row.at_ns, Evidence(EvidenceKind.SIGNED_RECORD, row.record_id), verdict=row.verdict,
                          person=row.printed_name)  # fmt: skip


def _over_open_points(facts: LotReviewFacts) -> Iterator[Finding]:
    for rows in _records(facts).values():
        if rows[0].over_open_points > 0 and rows[0].state == SigningState.DONE:
            yield finding(rows[0].made_ns, _signed_record(rows), count=rows[0].over_open_points)


def _certificate_in(state: CertificateState) -> Find:
    def find(facts: LotReviewFacts) -> Iterator[Finding]:
        for row in facts.certificates:
            if row.state == state:
                number = number_of(row.certificate_id, row.version)
                yield finding(row.at_ns, Evidence(EvidenceKind.CERTIFICATE, row.certificate_id), certificate=number,
                              customer=row.customer, person=row.person, point=row.why)  # fmt: skip

    return find


# --- production ----------------------------------------------------------------------------------------------


def _contradicted(facts: LotReviewFacts) -> Iterator[Finding]:
    lot = facts.lot
    named = {
        "product": (*facts.products,),
        "order": (lot.job_order_id, *(row.job_order_id for row in facts.context)),
        "equipment": (lot.equipment_id, lot.order_equipment, *(row.equipment_id for row in facts.context)),
        "client": (lot.client_id, lot.order_client, *(row.client_id for row in facts.context)),
    }
    events = tuple(Evidence(EvidenceKind.EVENT, row.event_id) for row in facts.context[:3])
    for variant, values in named.items():
        different = list(dict.fromkeys(value for value in values if value))
        if len(different) > 1:
            yield finding(facts.from_ns, _lot(facts), *events, variant=variant, values=", ".join(different))
    for row in facts.points:
        if row.code == "CONTEXT_CONTRADICTED" and not row.settled:
            yield finding(row.at_ns, *evidence_of_point(row), variant="point", values=row.text)


def _start_unknown(facts: LotReviewFacts) -> Iterator[Finding]:
    if facts.lot.started_ns is None:
        yield finding(None, _lot(facts))


def _not_ended(facts: LotReviewFacts) -> Iterator[Finding]:
    if facts.lot.ended_ns is None:
        yield finding(None, _lot(facts))


def _consumed(facts: LotReviewFacts) -> Iterator[Finding]:
    named = set()
    for row in facts.uses:
        if row.recommendation is not None and row.recommendation != Recommendation.RELEASE:
            named.add(row.consumed_lot_id)
            yield finding(row.at_ns, Evidence(EvidenceKind.LOT, row.consumed_lot_id), consumed=row.consumed_lot_id,
                          state=row.recommendation)  # fmt: skip
    for point in facts.points:
        if point.parent is not None and point.parent not in named and not point.settled:
            yield finding(point.at_ns, Evidence(EvidenceKind.LOT, point.parent), consumed=point.parent,
                          state=point.asks)  # fmt: skip


def _supplier_unknown(facts: LotReviewFacts) -> Iterator[Finding]:
    for row in facts.uses:
        if row.recommendation is None and not (row.supplier or "").strip():
            yield finding(row.at_ns, Evidence(EvidenceKind.LOT, row.consumed_lot_id), consumed=row.consumed_lot_id)


def _phases(facts: LotReviewFacts) -> tuple[list[ContextRow], list[ContextRow]]:
    """Return (messages that contradict the ones before, starts without an end)."""
    open_phases: dict[str, ContextRow] = {}
    wrong = []
    for row in facts.phases:
        name = row.phase or ""
        if row.kind == ContextKind.PHASE_STARTED:
            if name in open_phases:
                wrong.append(row)
            open_phases[name] = row
        elif open_phases.pop(name, None) is None:
            wrong.append(row)
    return wrong, list(open_phases.values())


def _phase_finding(row: ContextRow) -> Finding:
    return finding(row.at_ns, Evidence(EvidenceKind.EVENT, row.event_id), phase=row.phase)


def _phase_order(facts: LotReviewFacts) -> Iterator[Finding]:
    yield from map(_phase_finding, _phases(facts)[0])


def _phase_end(facts: LotReviewFacts) -> Iterator[Finding]:
    if facts.lot.ended_ns is not None:
        yield from map(_phase_finding, _phases(facts)[1])


def _deviations(facts: LotReviewFacts) -> Iterator[Finding]:
    for row in facts.deviations:
        if row.closed_by is not None:
            continue
        yield finding(row.at_ns, Evidence(EvidenceKind.DEVIATION, row.deviation_id), test=row.analyte,
                      sample=row.sample_id, version=row.version)  # fmt: skip


def _gateway_lines(facts: LotReviewFacts) -> Sequence[Any]:
    return tuple(row for row in facts.lines if row.kind not in MODEL_LINES)


def _told(facts: LotReviewFacts) -> Sequence[Any]:
    return (*facts.context, *facts.phases, *facts.uses, *facts.deviations)


def _signed_and_decided(facts: LotReviewFacts) -> Sequence[Any]:
    return (*facts.signed, *facts.settlements, *facts.certificates)


_gateway = checks_of(ReviewGroup.GATEWAY, _gateway_lines)
_message = checks_of(ReviewGroup.MESSAGES, lambda facts: (*facts.messages, *facts.deliveries))
_people = checks_of(ReviewGroup.PEOPLE, _signed_and_decided)
_production = checks_of(ReviewGroup.PRODUCTION, _told)
_CRITICAL, _MAJOR, _MINOR = ReviewSeverity
RECORD_CHECKS = (
    _gateway(ReviewCode.CONFIGURATION_CHANGED, _MAJOR, _configuration_changed),
    _gateway(ReviewCode.GATEWAY_RESTARTED, _MINOR, lines_of("gateway_started")),
    _gateway(ReviewCode.GATEWAY_STOPPED, _MINOR, lines_of("gateway_stopped")),
    _gateway(ReviewCode.RECORDS_DAMAGED, _CRITICAL, _damaged),
    _gateway(ReviewCode.STORE_IN_DOUBT, _CRITICAL, _in_doubt),
    _gateway(ReviewCode.TOO_MUCH_TO_LOOK_AT, _CRITICAL, _cut),
    _message(ReviewCode.MESSAGE_REFUSED, _CRITICAL, MESSAGES_UNREAD),
    _message(ReviewCode.MESSAGE_NOT_SENT, _MAJOR, _not_sent),
    _message(ReviewCode.DELIVERY_FAILED, _MAJOR, _not_delivered),
    _people(ReviewCode.SIGNATURE_MISSING, _MAJOR, _signature_missing),
    _people(ReviewCode.SIGNATURE_LATE, _MINOR, _signature_late),
    _people(ReviewCode.SIGNED_BY_ONE_PERSON, _CRITICAL, _signed_by_one),
    _people(ReviewCode.SETTLED_AND_DECIDED_BY_ONE, _MINOR, _settled_and_decided),
    _people(ReviewCode.DECISION_LAPSED, _MAJOR, _lapsed),
    _people(ReviewCode.DECIDED_OVER_OPEN_POINTS, _MAJOR, _over_open_points),
    _people(ReviewCode.CERTIFICATE_QUESTIONED, _CRITICAL, _certificate_in(CertificateState.QUESTIONED)),
    _people(ReviewCode.CERTIFICATE_WITHDRAWN, _MAJOR, _certificate_in(CertificateState.WITHDRAWN)),
    _production(ReviewCode.CONTEXT_CONTRADICTED, _CRITICAL, _contradicted),
    _production(ReviewCode.LOT_START_UNKNOWN, _MAJOR, _start_unknown),
    _production(ReviewCode.LOT_NOT_ENDED, _MAJOR, _not_ended),
    _production(ReviewCode.CONSUMED_LOT_IN_QUESTION, _CRITICAL, _consumed),
    _production(ReviewCode.SUPPLIER_UNKNOWN, _MINOR, _supplier_unknown),
    _production(ReviewCode.PHASE_OUT_OF_ORDER, _MAJOR, _phase_order),
    _production(ReviewCode.PHASE_NOT_ENDED, _MINOR, _phase_end),
    _production(ReviewCode.DEVIATION_OPEN, _MAJOR, _deviations),
)
