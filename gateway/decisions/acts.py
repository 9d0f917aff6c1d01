"""What people do by commands. An act that cannot be done is refused with a hint, and changes nothing."""

from dataclasses import asdict, replace
from typing import Any, TypeVar

from gateway.contract.times import rfc3339
from gateway.decision import Decision, Unlatched
from gateway.decisions.changes import audit_entry
from gateway.events import ActRequested
from gateway.facts.acts import (
    ActFacts,
    ArchiveFacts,
    MessageState,
    PointOnRecord,
    RetryFacts,
    SettlePointFacts,
    SignBiasFacts,
    VersionFacts,
)
from gateway.inference.signed_bias import signature_holds
from gateway.inference.versions import in_service
from gateway.lab.release.assessment import Subject
from gateway.lab.release.parts import is_of_whole_lot
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import (
    AcknowledgeAlarm,
    Answer,
    ArchiveAudit,
    PromoteModel,
    RetryMessages,
    RollBackModel,
    SettlePoint,
    SignBiases,
    damaged,
    done,
    refused,
)
from gateway.records.people import (
    OF_ALL_LOTS,
    AuditArchived,
    DeadLetterRetry,
    MessageUnparked,
    PointSettled,
    Settlement,
    SignedBias,
    VersionAct,
    VersionChange,
)
from gateway.records.record import Record
from gateway.records.sink_deliveries import DeliveryRetried

Wanted = TypeVar("Wanted")

_NAMED = 10  # points in a hint


def _act_of(event: ActRequested, kind: type[Wanted]) -> Wanted:
    """Return an event's act; its row in the table of decisions says of which kind it is."""
    if not isinstance(event.act, kind):
        raise TypeError(f"{event.act.kind} is no {kind.__name__}")
    return event.act


def _refusal(answer: Answer) -> Decision:
    return Decision(answer=answer)


# --- alarms ------------------------------------------------------------------------------------------------


def on_acknowledge_alarm(event: ActRequested, facts: ActFacts) -> Decision:
    """Take down a latched alarm."""
    code = _act_of(event, AcknowledgeAlarm).code
    if code not in facts.latches:
        return _refusal(refused(ActRefusal.ALARM_NOT_STANDING, alarm=code))
    return Decision(
        records=(Unlatched(code=code),),
        audit=(audit_entry("alarm_acknowledged", code, person=event.person, reason=event.reason),),
        answer=done(),
    )


# --- lots --------------------------------------------------------------------------------------------------


def on_settle_point(event: ActRequested, facts: SettlePointFacts) -> Decision:
    """Settle an open point of a lot, which is then judged again; the settlement keeps the facts of the point."""
    act = _act_of(event, SettlePoint)
    known = next((item for item in facts.open_points if item.point.point_id == act.point_id), None)
    refusal = _settled_before(act, facts) or _of_whole_lot(act, known, facts)
    refusal = refusal or _not_open(act, known, facts.open_points)
    if refusal is not None or known is None:
        return _refusal(refusal or _unknown_point(act, facts.open_points))
    settlement = Settlement(
        point_id=act.point_id, person=event.person, reason=event.reason, at_ns=event.at_ns, event_id=event.event_id
    )
    of_lot = OF_ALL_LOTS if known.about.kind is Subject.SPECIFICATION else act.material_lot_id
    return Decision(
        records=(PointSettled(material_lot_id=of_lot, settlement=settlement),),
        audit=(
            audit_entry("point_settled", act.material_lot_id, scope=facts.scope, point_id=act.point_id,
                        code=known.point.code, subject=known.about.subject, text=known.point.reason.text,
                        person=event.person, reason=event.reason),
        ),
        answer=done(),
    )  # fmt: skip


def _settled_before(act: SettlePoint, facts: SettlePointFacts) -> Answer | None:
    before = facts.before
    if before is None:
        return None
    if not before.holds:
        return damaged(table="settlement", key=act.point_id)
    settled = before.settlement
    how: dict[str, Any] = {
        "point": act.point_id,
        "person": settled.person,
        "time": rfc3339(settled.at_ns),
        "reason": settled.reason,
    }
    if before.material_lot_id in {act.material_lot_id, OF_ALL_LOTS}:
        return refused(ActRefusal.POINT_SETTLED_ALREADY, **how)
    return refused(ActRefusal.POINT_OF_OTHER_LOT_SETTLED, lot=before.material_lot_id, **how)


def _of_whole_lot(act: SettlePoint, known: PointOnRecord | None, facts: SettlePointFacts) -> Answer | None:
    """Return that a point of a part is one of its lot: settled there, it is settled for each part."""
    if known is None or facts.whole_lot is None or not is_of_whole_lot(known.about):
        return None
    return refused(ActRefusal.POINT_OF_WHOLE_LOT, point=act.point_id, lot=facts.whole_lot)


def _not_open(act: SettlePoint, known: PointOnRecord | None, open_points: tuple[PointOnRecord, ...]) -> Answer | None:
    if known is None:
        return _unknown_point(act, open_points)
    if known.point.can_be_settled:
        return None
    return refused(
        ActRefusal.POINT_NOT_SETTLED_HERE,
        point=act.point_id,
        decision=known.point.asks.value,
        text=known.point.reason.text,
        how=known.point.how,
    )


def _unknown_point(act: SettlePoint, open_points: tuple[PointOnRecord, ...]) -> Answer:
    if not open_points:
        return refused(ActRefusal.NO_OPEN_POINTS, lot=act.material_lot_id, point=act.point_id)
    named = [f"{item.point.point_id} ({item.point.code})" for item in open_points[:_NAMED]]
    more = [f"+ {len(open_points) - _NAMED}"] if len(open_points) > _NAMED else []
    return refused(ActRefusal.NO_SUCH_POINT, lot=act.material_lot_id, point=act.point_id, points=[*named, *more])


# --- versions of models --------------------------------------------------------------------------------------


def on_promote_model(event: ActRequested, _facts: VersionFacts) -> Decision:
    """Put a version of a model into service."""
    act = _act_of(event, PromoteModel)
    change = VersionChange(
        model=act.model, act=VersionAct.PROMOTE, version=act.version, bundle_sha256=act.bundle_sha256,
        folder=act.folder, at_ns=event.at_ns, person=event.person, reason=event.reason,
    )  # fmt: skip
    return _changed("model_promoted", change, done())


def on_roll_back_model(event: ActRequested, facts: VersionFacts) -> Decision:
    """Take the newest promotion of a model back; the version before it, else the configured one, is in service."""
    model = _act_of(event, RollBackModel).model
    promoted = in_service(facts.changes).get(model, [])
    if not promoted:
        return _refusal(refused(ActRefusal.CONFIGURED_BUNDLE_IN_SERVICE, model=model))
    change = replace(
        promoted[-1], act=VersionAct.ROLL_BACK, person=event.person, reason=event.reason, at_ns=event.at_ns
    )
    holds = promoted[-2].version if len(promoted) > 1 else None
    return _changed("model_rolled_back", change, done(taken=change.version, holds=holds))


def _changed(kind: str, change: VersionChange, answer: Answer) -> Decision:
    body = {name: value for name, value in asdict(change).items() if name not in {"model", "act", "at_ns"}}
    return Decision(records=(change,), audit=(audit_entry(kind, change.model, **body),), answer=answer)


# --- messages ------------------------------------------------------------------------------------------------


def on_retry_messages(event: ActRequested, facts: RetryFacts) -> Decision:
    """Have messages sent or tried again: all that are named, or none."""
    act = _act_of(event, RetryMessages)
    message_ids = tuple(dict.fromkeys((*act.message_ids, *facts.messages)))
    refusals = (_not_tried_again(message_id, facts.messages.get(message_id)) for message_id in message_ids)
    refusal = next((answer for answer in refusals if answer is not None), None)
    if refusal is not None:
        return _refusal(refusal)
    records: list[Record] = []
    audit = []
    for message_id in message_ids:
        if facts.messages[message_id] is MessageState.PARKED:
            records.append(MessageUnparked(message_id=message_id))
            audit.append(audit_entry("message_unparked", message_id, person=event.person))
        elif facts.messages[message_id] is MessageState.REFUSED_DELIVERY:
            records.append(DeliveryRetried(delivery_id=message_id))
            audit.append(audit_entry("delivery_retried", message_id, person=event.person))
        else:
            records.append(DeadLetterRetry(dead_letter_id=message_id, person=event.person))
            audit.append(audit_entry("dead_letter_retry", message_id, person=event.person))
    how = {message_id: facts.messages[message_id].value for message_id in message_ids}
    return Decision(records=tuple(records), audit=tuple(audit), answer=done(messages=how))


def _not_tried_again(message_id: str, state: MessageState | None) -> Answer | None:
    match state:
        case None:
            return refused(ActRefusal.NO_DEAD_LETTER, message=message_id)
        case MessageState.NOT_KEPT:
            return refused(ActRefusal.PAYLOAD_NOT_KEPT, message=message_id)
        case MessageState.DAMAGED:
            return damaged(table="dead_letter", key=message_id)
        case MessageState.OVERTAKEN:
            return refused(ActRefusal.DELIVERY_OVERTAKEN, message=message_id)
        case MessageState.UNFIT:
            return refused(ActRefusal.DELIVERY_UNFIT, message=message_id)
    return None


# --- corrections ---------------------------------------------------------------------------------------------


def on_sign_biases(event: ActRequested, facts: SignBiasFacts) -> Decision:
    """Put signed corrections into force.

    Their instant must still be to come and later than any before, so that no decision of a later instant stands
    without them: the one who signs asks again with a later one where it has passed.
    """
    act = _act_of(event, SignBiases)
    if any(bias.signed_ns <= max(event.at_ns, facts.newest_signed_ns) for bias in act.biases):
        return _refusal(refused(ActRefusal.INSTANT_PASSED, details={"newest_signed_ns": facts.newest_signed_ns}))
    refusals = (_not_signed(bias, act.model, facts) for bias in act.biases)
    refusal = next((answer for answer in refusals if answer is not None), None)
    if refusal is not None:
        return _refusal(refusal)
    return Decision(
        records=act.biases,
        audit=tuple(audit_entry("bias_signed", act.model, **asdict(bias)) for bias in act.biases),
        answer=done(),
    )


def _not_signed(bias: SignedBias, model: str, facts: SignBiasFacts) -> Answer | None:
    trusted = facts.line.trusted_keys
    if not signature_holds(bias):
        return refused(ActRefusal.BIAS_SIGNATURE_WRONG, analyte=bias.analyte)
    if trusted is not None and bias.public_key not in trusted:
        return refused(ActRefusal.KEY_NOT_TRUSTED)
    if facts.newest_result_ns.get(bias.analyte, bias.newest_ns) > bias.newest_ns:
        return refused(ActRefusal.NEWER_RESULTS, analyte=bias.analyte, model=model)
    return None


# --- the audit trail -------------------------------------------------------------------------------------------


def on_archive_audit(event: ActRequested, facts: ArchiveFacts) -> Decision:
    """Take archived lines out of the trail, with a line that says so."""
    act = _act_of(event, ArchiveAudit)
    if facts.signing_keys and act.public_key not in facts.signing_keys:
        return _refusal(refused(ActRefusal.AUDIT_KEY_UNKNOWN, key=act.public_key[:16]))
    if facts.first_seq != act.first_seq or facts.hash_of_last != act.last_hash:
        return _refusal(refused(ActRefusal.TRAIL_CHANGED))
    archived = AuditArchived(
        first_seq=act.first_seq, last_seq=act.last_seq, last_hash=act.last_hash, file_sha256=act.file_sha256
    )
    body = {**asdict(archived), "file": act.file, "rows": dict(act.rows)}
    return Decision(records=(archived,), audit=(audit_entry("audit_archived", act.file_sha256, **body),), answer=done())
