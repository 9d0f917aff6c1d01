"""Whether a record may be seen by its name, and whether an act may be asked for by who sees some clients' records only.

A record that is hidden and one that is not there are told apart by nobody: both are not seen.
"""

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from gateway.advice.alarm_states import gateway_alarm_id
from gateway.advice.gateway_alarms import gateway_alarm
from gateway.contract.signed_records import request_in
from gateway.lab.deviations import DeviationInShort
from gateway.records.act_kinds import ActKind
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Act
from gateway.records.corrective_actions import ActionRecorded
from gateway.records.laboratory import LabResult
from gateway.records.scope import Scope
from gateway.records.signatures import SignedRecord
from gateway.store.codec import decode
from gateway.store.queries.alarms import alarm_of
from gateway.store.queries.certificates import versions_of
from gateway.store.queries.seen import Seen
from gateway.store.queries.signatures import signed_record_of
from gateway.store.statements import SQL


class RecordKind(StrEnum):
    """What a path or an act is about."""

    LOT = "lot"
    DEVIATION = "deviation"
    GUIDANCE = "guidance"
    RESULT = "result"
    CERTIFICATE = "certificate"
    ACTION = "action"
    SIGNED_RECORD = "signed record"
    ALARM = "alarm"
    LATCH = "latch"


def is_seen(seen: Seen, kind: RecordKind, key: str) -> bool:
    """Return whether a record is there and may be seen; who sees everything is asked nothing."""
    return not seen.limited or _RULES[kind](seen, key)


def _lot(seen: Seen, key: str) -> bool:
    row = seen.connection.execute(SQL["whose_lot"], {"material_lot_id": key}).fetchone()
    return row is not None and seen.lot(key)


def _deviation(seen: Seen, key: str) -> bool:
    row = seen.row_that_holds("knowledge_deviation", key)
    if row is None:
        return False
    scope = Scope(client_id=row["client_id"] or None, study_id=row["study_id"] or None)
    return seen.all_of(scope) and seen.result(decode(DeviationInShort, row["body"]).result)


def _result(seen: Seen, key: str) -> bool:
    row = seen.row_that_holds("knowledge_result", key)
    return row is not None and seen.result(decode(LabResult, row["body"]))


def _certificate(seen: Seen, key: str) -> bool:
    """Return whether a certificate may be seen: all its versions, with the lots that they name."""
    versions = versions_of(seen.connection, key)
    contents = [version.drafted.content for version in versions if version.holds]
    return 0 < len(versions) == len(contents) and all(
        seen.all_of(
            Scope(client_id=content.client_id),
            lots=(content.material_lot_id, *(item.material_lot_id for item in content.components)),
            orders=(content.job_order_id,),
        )
        for content in contents
    )


def _action(seen: Seen, key: str) -> bool:
    row = seen.row_that_holds("corrective_action", key)
    if row is None:
        return False
    action = decode(ActionRecorded, row["body"])
    return seen.all_of(action.scope, lots=(action.material_lot_id,))


def _signed_record(seen: Seen, key: str) -> bool:
    signed = signed_record_of(seen.connection, key)
    return signed is not None and signed.holds and is_seen_as_signed(seen, signed.record)


def is_seen_as_signed(seen: Seen, record: SignedRecord) -> bool:
    """Return whether what was asked to be signed may be seen: as what it is about, and all that it rests on."""
    if not seen.limited:
        return True
    hidden = refusal_of(seen, request_in(record).act, user_id="") is not None
    return not hidden and seen.names_nobody_hidden(json.loads(record.body))


def _alarm(seen: Seen, key: str) -> bool:
    alarm = alarm_of(seen.connection, key)
    return alarm is not None and seen.alarm(alarm)


def _latch(seen: Seen, code: str) -> bool:
    return seen.alarm(gateway_alarm(code, latched=True)) or _alarm(seen, gateway_alarm_id(code))


_RULES: Mapping[RecordKind, Callable[[Seen, str], bool]] = {
    RecordKind.LOT: _lot,
    RecordKind.DEVIATION: _deviation,
    RecordKind.GUIDANCE: Seen.guidance_named,
    RecordKind.RESULT: _result,
    RecordKind.CERTIFICATE: _certificate,
    RecordKind.ACTION: _action,
    RecordKind.SIGNED_RECORD: _signed_record,
    RecordKind.ALARM: _alarm,
    RecordKind.LATCH: _latch,
}

# of acts on a record: what it is, and its name in the act
_ON_RECORDS: Mapping[ActKind, tuple[RecordKind, Callable[[Any], str]]] = {
    **dict.fromkeys(
        (ActKind.SETTLE_POINT, ActKind.DECIDE_LOT, ActKind.DIVIDE_LOT, ActKind.UNDO_DIVISION,
         ActKind.DRAFT_CERTIFICATE), (RecordKind.LOT, lambda act: act.material_lot_id),
    ),
    **dict.fromkeys(
        (ActKind.ACKNOWLEDGE, ActKind.SHELVE, ActKind.UNSHELVE, ActKind.TAKE_OUT_OF_SERVICE,
         ActKind.RETURN_TO_SERVICE), (RecordKind.ALARM, lambda act: act.alarm_id),
    ),
    **dict.fromkeys(
        (ActKind.RECORD_ACTION, ActKind.CLOSE_DEVIATION), (RecordKind.DEVIATION, lambda act: act.deviation_id)
    ),
    **dict.fromkeys(
        (ActKind.SIGN_CERTIFICATE, ActKind.WITHDRAW_CERTIFICATE, ActKind.REISSUE_CERTIFICATE),
        (RecordKind.CERTIFICATE, lambda act: act.certificate_id),
    ),
    **dict.fromkeys(
        (ActKind.SIGN_PENDING, ActKind.WITHDRAW_PENDING), (RecordKind.SIGNED_RECORD, lambda act: act.record_id)
    ),
    ActKind.ACKNOWLEDGE_ALARM: (RecordKind.LATCH, lambda act: act.code),
    ActKind.ANSWER_GUIDANCE: (RecordKind.GUIDANCE, lambda act: act.guidance_id),
    ActKind.COMPLETE_ACTION: (RecordKind.ACTION, lambda act: act.action_id),
}  # fmt: skip
# of acts on a user: what people do for themselves
_ON_ONESELF = frozenset({ActKind.SET_PASSWORD, ActKind.SET_SECOND_DEVICE, ActKind.END_SESSIONS})
# what must never wait for the question who sees what
_ALWAYS = frozenset({ActKind.STOP_WRITES})
# what concerns the whole plant, and so the records of all clients
OF_THE_WHOLE_PLANT = frozenset(ActKind) - frozenset(_ON_RECORDS) - _ON_ONESELF - _ALWAYS


def refusal_of(seen: Seen, act: Act, *, user_id: str) -> ActRefusal | None:
    """Return why a user may not ask for an act by what they see, None where they may."""
    if not seen.limited or act.kind in _ALWAYS:
        return None
    if act.kind in _ON_ONESELF:
        return None if getattr(act, "user_id", "") == user_id else ActRefusal.SIGHT_IS_LIMITED
    if act.kind in OF_THE_WHOLE_PLANT:
        return ActRefusal.SIGHT_IS_LIMITED
    kind, name_of = _ON_RECORDS[act.kind]
    customer = Scope(client_id=getattr(act, "customer", None))  # of a certificate
    return None if _RULES[kind](seen, name_of(act)) and seen.all_of(customer) else ActRefusal.NOT_IN_SIGHT
