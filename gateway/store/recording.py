"""A decision into its tables, within the transaction that runs. One function per kind of record.

No function here says what the audit trail vouches for: every row that is written is (``vouching``).
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from gateway.advice.lifecycle import OPEN
from gateway.contract.identity import identity_of
from gateway.errors import LablineError
from gateway.events import (
    ContextChanged,
    ControlJudged,
    Decision,
    EpochBegun,
    Event,
    FollowUpDue,
    FollowUpKind,
    GatewayStopped,
    IncomingTested,
    Latched,
    LotAssessed,
    LotJudged,
    MessageRefused,
    ModelLearned,
    OpenLotsQuestioned,
    ProvisionalHold,
    ReferenceFrozen,
    ResponseArrived,
    ResponseRecorded,
    ResultAccepted,
    ResultArrived,
    ResultRefused,
    ResultRestated,
    SampleRequested,
    SeriesCharted,
    Situation,
    SpecificationRecorded,
    SpecificationStated,
    TimerDue,
    Unlatched,
)
from gateway.lab.deviations import Deviation
from gateway.lab.fingerprints import Fingerprint
from gateway.lab.westgard import is_control
from gateway.records import (
    AuditEntry,
    ContextChange,
    ContextKind,
    DeadLetter,
    Gap,
    Guidance,
    Prediction,
    SignedHead,
    Specification,
)
from gateway.store import audit, dead_letters, lot_records, samples
from gateway.store.codec import encode
from gateway.store.evidence import Cell, with_hash
from gateway.store.outbox import Queued, enqueue
from gateway.store.statements import SQL

EVIDENCE_DAMAGED = "EVIDENCE_DAMAGED"
_ARRIVED = (ResultArrived, ContextChanged, SpecificationStated, ResponseArrived, MessageRefused)


def write(
    connection: sqlite3.Connection, event: Event, situation: Situation, decision: Decision, *, trail: bool = True
) -> tuple[Queued, ...] | None:
    """Write an event and everything decided on it; ``trail``: the audit trail, too.

    Returns its messages as they wait to be sent; None where one replaces others, so that the outbox itself tells best.
    """
    if isinstance(event, TimerDue):
        connection.execute(SQL["see_wall_time"], {"wall_ns": event.at.latest_ns})
    if isinstance(event, GatewayStopped):
        connection.execute(SQL["stopped_clean"])
    if isinstance(event, _ARRIVED):
        origin = event.origin
        arrived: dict[str, Cell] = {
            "event_id": event.event_id,
            "kind": type(event).__name__,
            "at_ns": event.at_ns,
            "session": origin.session,
            "topic": origin.topic,
            "message_number": origin.message_number,
            "payload_sha256": origin.payload_sha256,
        }
        connection.execute(SQL["insert_event"], with_hash("event", arrived))
    for record in decision.records:
        _WRITERS[type(record)](connection, event, situation, record)
    queued = [enqueue(connection, message, at_ns=event.at_ns) for message in decision.messages]
    for follow_up in decision.follow_ups:
        of_lot = () if follow_up.material_lot_id is None else (follow_up.material_lot_id,)
        event_id = identity_of("follow-up", event.event_id, follow_up.kind, follow_up.subject, *of_lot)
        row = {"event_id": event_id, "at_ns": event.at_ns, "body": encode(follow_up)}
        connection.execute(SQL["insert_follow_up"], row)
    if isinstance(event, FollowUpDue):
        done_with(connection, event)
    if trail:
        audit.append_for_changes(connection, decision.audit, subject=event.event_id, at_ns=event.at_ns)
    if any(message.replaces is not None for message in decision.messages):
        return None
    return tuple(each for each in queued if each is not None)


def done_with(connection: sqlite3.Connection, event: FollowUpDue) -> None:
    """Take a follow-up that has been decided, or cannot be, out of those that wait."""
    connection.execute(SQL["delete_follow_up"], {"event_id": event.event_id})


def note_damage(connection: sqlite3.Connection, event: Event, records: tuple[str, ...]) -> bool:
    """Put on record, and latch, that a decision met damaged records; return whether that was not known yet."""
    standing = connection.execute(SQL["latch_of_code"], {"code": EVIDENCE_DAMAGED}).fetchone()
    known = set() if standing is None else set(json.loads(standing["body"])["records"])
    if known.issuperset(records):
        return False  # said already; the trail does not grow with every event that meets it
    body = json.dumps({"records": sorted(known | set(records))})
    connection.execute(SQL["latch_anew"], {"code": EVIDENCE_DAMAGED, "at_ns": event.at_ns, "body": body})
    entry = AuditEntry(kind="evidence_damaged", subject=event.event_id, body={"left_out": list(records)})
    audit.append(connection, (entry,), at_ns=event.at_ns)
    return True


def _result(connection: sqlite3.Connection, event: Event, situation: Situation, record: ResultAccepted) -> None:
    if not isinstance(event, ResultArrived):
        raise LablineError(f"a result cannot follow from {type(event).__name__}")
    if record.supersedes is not None:
        connection.execute(SQL["retire_result"], {"result_id": record.supersedes})
    result, body = record.result, encode(record.result)
    row: dict[str, Cell] = {
        "result_id": result.result_id,
        "source": result.source,
        "sample_id": result.sample_id,
        "test_id": result.test_id,
        "replicate": result.replicate,
        "result_version": result.result_version,
        "current": record.supersedes is not None or situation.history.current is None,
        "analyte": result.analyte,
        "material_lot_id": result.material_lot_id,
        "sampled_ns": result.sampled_ns,
        "payload_sha256": event.origin.payload_sha256,
        "payload": event.payload,
        "body": body,
        "event_id": event.event_id,
    }
    connection.execute(SQL["insert_result"], with_hash("lab_result", row))
    if result.material_lot_id is not None:
        connection.execute(SQL["sample_measured"], {"material_lot_id": result.material_lot_id})
    if not is_control(event.result, situation.history.current, situation.line.control_names):
        lot_records.mark_lots_of_result(connection, event, situation, record)


def _lot_judged(connection: sqlite3.Connection, event: Event, situation: Situation, record: LotJudged) -> None:
    disposition, body = record.disposition, encode(record.disposition)
    row: dict[str, Cell] = {
        "disposition_id": disposition.disposition_id,
        "material_lot_id": disposition.material_lot_id,
        "recommendation": disposition.recommendation.value,
        "at_ns": event.at_ns,
        "event_id": event.event_id,
        "body": body,
    }
    connection.execute(SQL["insert_disposition"], with_hash("disposition", row))
    if record.material_lot_id is not None and not _stands_already(record, situation):
        connection.execute(
            SQL["lot_judged"],
            {
                "material_lot_id": record.material_lot_id,
                "recommendation": record.state.recommendation.value,
                "latched": record.state.latched,
            },
        )


def _stands_already(record: LotJudged, situation: Situation) -> bool:
    """Return whether the lot's own row says what it is judged now."""
    now = (record.state.recommendation, record.state.latched)
    return any(
        facts.on_record and (facts.before.recommendation, facts.before.latched) == now
        for facts in situation.lots
        if facts.knowledge.context.material_lot_id == record.material_lot_id
    )


_CONTEXT_STATEMENTS: Mapping[ContextKind, str] = {
    ContextKind.ORDER_STARTED: "order_started",
    ContextKind.ORDER_ENDED: "order_ended",
    ContextKind.LOT_STARTED: "lot_started",
    ContextKind.LOT_ENDED: "lot_ended",
    ContextKind.LOT_CLOSED: "lot_closed",
}


def _context(connection: sqlite3.Connection, event: Event, _situation: Situation, change: ContextChange) -> None:
    connection.execute(
        SQL["insert_context_change"],
        {
            "event_id": event.event_id,
            "kind": change.kind.value,
            "at_ns": change.at_ns,
            "equipment_id": change.equipment_id,
            "material_lot_id": change.material_lot_id,
            "body": encode(change),
        },
    )
    if change.kind is ContextKind.MATERIAL_CONSUMED:
        connection.execute(SQL["insert_material_use"], asdict(change))
    if change.kind is ContextKind.LOT_CLOSED:
        connection.execute(SQL["lot_needs_no_sample"], {"material_lot_id": change.material_lot_id})
    statement = _CONTEXT_STATEMENTS.get(change.kind)
    if statement is not None:
        connection.execute(SQL[statement], asdict(change))
    lot_records.mark_lots_of_context(connection, event, change)


def _prediction(connection: sqlite3.Connection, _event: Event, _situation: Situation, record: Prediction) -> None:
    connection.execute(
        SQL["insert_prediction"],
        {
            "prediction_id": record.prediction_id,
            "at_ns": record.at_ns,
            "model": record.model.name,
            "equipment_id": record.equipment_id,
            "analyte": record.analyte,
            "material_lot_id": record.material_lot_id,
            "sample_result_id": record.sample_result_id,
            "value": record.value,
            "low": record.low,
            "high": record.high,
            "accepted": record.verdict.accepted,
            "body": encode(record),
        },
    )


def _guidance(connection: sqlite3.Connection, event: Event, _situation: Situation, guidance: Guidance) -> None:
    row = {
        "guidance_id": guidance.guidance_id,
        "kind": guidance.kind.value,
        "state": guidance.state.value,
        "open": guidance.state in OPEN,
        "moved_tag": guidance.suggestion.tag if guidance.suggestion else None,
        "at_ns": event.at_ns,
        "issued_ns": guidance.issued_ns,
        "body": encode(guidance),
        "event_id": event.event_id,
    }
    connection.execute(SQL["upsert_guidance"], row)
    connection.execute(SQL["insert_guidance_state"], row)


def _response(connection: sqlite3.Connection, event: Event, _situation: Situation, record: ResponseRecorded) -> None:
    connection.execute(
        SQL["insert_response"],
        {
            "event_id": event.event_id,
            "guidance_id": record.response.guidance_id,
            "act": record.response.act.value,
            "person": record.response.person,
            "outcome": record.outcome,
            "body": encode(record.response),
        },
    )


def _specification(
    connection: sqlite3.Connection, event: Event, _situation: Situation, record: SpecificationRecorded
) -> None:
    connection.execute(
        SQL["insert_specification_stated"],
        {
            **specification_key(record.specification, withdrawn=record.withdrawn),
            "event_id": event.event_id,
            "at_ns": event.at_ns,
            "body": encode(record.specification),
        },
    )
    lot_records.mark_lots_of_specification(connection, event, record.specification)


def specification_key(specification: Specification, *, withdrawn: bool) -> dict[str, str | bool | None]:
    """Return the columns by which a stated specification is known."""
    return {
        "product": specification.product,
        "analyte": specification.analyte,
        "client_id": specification.client_id or "",
        "version": specification.version,
        "withdrawn": withdrawn,
    }


def _provisional(connection: sqlite3.Connection, _event: Event, _situation: Situation, hold: ProvisionalHold) -> None:
    connection.execute(SQL["insert_provisional_hold"], asdict(hold))


def _fingerprint(connection: sqlite3.Connection, event: Event, _situation: Situation, record: Fingerprint) -> None:
    row = {"material_lot_id": record.material_lot_id, "product": record.product, "until_ns": record.until_ns}
    whole = isinstance(event, FollowUpDue) and event.follow_up.kind is FollowUpKind.FINGERPRINT
    statement = "insert_fingerprint" if whole else "insert_fingerprint_if_none"  # a draft looks at a part of the lot
    connection.execute(SQL[statement], {**row, "body": encode(record)})


def _deviation(connection: sqlite3.Connection, event: Event, _situation: Situation, record: Deviation) -> None:
    result, body = record.result, encode(record)
    connection.execute(
        SQL["insert_deviation"],
        {
            "deviation_id": record.draft_id,
            "result_id": result.result_id,
            "sample_id": result.sample_id,
            "material_lot_id": result.material_lot_id,
            "product": result.material_definition_id,
            "analyte": result.analyte,
            "at_ns": event.at_ns,
            "body": body,
        },
    )


def _incoming(connection: sqlite3.Connection, _event: Event, _situation: Situation, record: IncomingTested) -> None:
    if record.withdrawn is not None:
        connection.execute(SQL["withdraw_incoming_result"], {"result_id": record.withdrawn})
    if record.failed is not None:
        connection.execute(SQL["insert_incoming_result"], asdict(record))


def _sample_request(
    connection: sqlite3.Connection, _event: Event, _situation: Situation, record: SampleRequested
) -> None:
    connection.execute(
        SQL["insert_sample_request"],
        {
            "material_lot_id": record.material_lot_id,
            "request_id": record.request_id,
            "since_ns": record.waiting.since_ns,
            "probability": record.waiting.probability,
            "tests": json.dumps([each.analyte for each in record.tests]),
        },
    )


def _series(connection: sqlite3.Connection, _event: Event, _situation: Situation, record: SeriesCharted) -> None:
    of_series = {"product": record.product, "analyte": record.analyte}
    if record.point is None:
        connection.execute(SQL["withdraw_sample"], {**of_series, "sample_id": record.sample_id})
    else:
        row: dict[str, Cell] = {
            **of_series,
            "sample_id": record.sample_id,
            "at_ns": record.point.at_ns,
            "value": float(record.point.value),
            "qualifier": record.point.qualifier,
            "results": samples.text_of(record.point.results),
        }
        connection.execute(SQL["insert_sample"], with_hash("series_sample", row))
    series = {**of_series, "body": encode(record.series)}
    connection.execute(SQL["insert_series"], with_hash("series", series))


def _control(connection: sqlite3.Connection, _event: Event, _situation: Situation, record: ControlJudged) -> None:
    if record.withdrawn is not None:
        connection.execute(SQL["withdraw_control_point"], {"result_id": record.withdrawn})
    if record.point is not None:
        connection.execute(SQL["insert_control_point"], asdict(record.point))


def _reference(connection: sqlite3.Connection, _event: Event, _situation: Situation, record: ReferenceFrozen) -> None:
    wanted = record.wanted
    row = {"product": wanted.product, "analytes": " + ".join(wanted.analytes), "body": encode(record.reference)}
    connection.execute(SQL["insert_analytes_together"], row)


def _gap(connection: sqlite3.Connection, event: Event, _situation: Situation, gap: Gap) -> None:
    body = encode(gap)
    connection.execute(
        SQL["insert_gap"],
        {
            "gap_id": gap.gap_id,
            "kind": gap.kind.value,
            "subject": gap.subject,
            "from_ns": gap.from_ns,
            "until_ns": gap.until_ns,
            "at_ns": event.at_ns,
            "body": body,
        },
    )


def _signed_head(connection: sqlite3.Connection, _event: Event, _situation: Situation, signed: SignedHead) -> None:
    connection.execute(
        SQL["insert_signed_head"],
        {
            "seq": signed.head.seq,
            "hash": signed.head.hash,
            "at_ns": signed.at_ns,
            "public_key": signed.public_key,
            "signature": signed.signature,
            "line": signed.line,
        },
    )


def _latched(connection: sqlite3.Connection, event: Event, _situation: Situation, latched: Latched) -> None:
    row = {"code": latched.code, "at_ns": event.at_ns, "body": json.dumps(dict(latched.details))}
    connection.execute(SQL["latch"], row)


def _learned(connection: sqlite3.Connection, _event: Event, _situation: Situation, record: ModelLearned) -> None:
    of_model = {"bundle_sha256": record.bundle_sha256, "analyte": record.analyte}
    if record.withdrawn is not None:
        connection.execute(SQL["withdraw_feedback"], {**of_model, "result_id": record.withdrawn})
    if record.entry is not None:
        connection.execute(SQL["insert_feedback"], {**of_model, **asdict(record.entry)})
    state = {"charts_from_ns": record.charts_from_ns, "body": encode(record.state)}
    connection.execute(SQL["insert_learned"], {**of_model, **state})


def _epoch(connection: sqlite3.Connection, _event: Event, _situation: Situation, begun: EpochBegun) -> None:
    connection.execute(SQL["new_epoch"], {"epoch": begun.epoch})


def _unlatched(connection: sqlite3.Connection, _event: Event, _situation: Situation, unlatched: Unlatched) -> None:
    connection.execute(SQL["unlatch"], {"code": unlatched.code})


def _dead_letter(connection: sqlite3.Connection, event: Event, _situation: Situation, letter: DeadLetter) -> None:
    connection.execute(
        SQL["insert_dead_letter"],
        {
            "dead_letter_id": letter.dead_letter_id,
            "at_ns": event.at_ns,
            "topic": letter.topic,
            "reasons": json.dumps([asdict(reason) for reason in letter.reasons]),
            "payload": dead_letters.keep(connection, letter.payload),
        },
    )


_WRITERS: Mapping[type, Callable[[sqlite3.Connection, Event, Situation, Any], None]] = {
    ResultAccepted: _result,
    LotJudged: _lot_judged,
    LotAssessed: lot_records.assessed,
    ResultRestated: lot_records.restated,
    ResultRefused: lot_records.refused,
    OpenLotsQuestioned: lot_records.question_open_lots,
    ContextChange: _context,
    Prediction: _prediction,
    Guidance: _guidance,
    ResponseRecorded: _response,
    SpecificationRecorded: _specification,
    Fingerprint: _fingerprint,
    IncomingTested: _incoming,
    SampleRequested: _sample_request,
    Deviation: _deviation,
    ProvisionalHold: _provisional,
    SeriesCharted: _series,
    ControlJudged: _control,
    ReferenceFrozen: _reference,
    DeadLetter: _dead_letter,
    Gap: _gap,
    SignedHead: _signed_head,
    Latched: _latched,
    EpochBegun: _epoch,
    ModelLearned: _learned,
    Unlatched: _unlatched,
}
