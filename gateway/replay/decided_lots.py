"""What people had decided on lots, and how they had divided them: it stands in a replay, and nobody is asked again."""

import sqlite3
from dataclasses import replace

from gateway.contract.signed_records import request_in
from gateway.events import ActRequested
from gateway.records.lot_decisions import DecisionState, LotDecided
from gateway.records.lot_parts import DivideLot, LotDivided, UndoDivision
from gateway.records.signatures import SigningState, SigningStateChanged
from gateway.records.users import Credential, CredentialKind
from gateway.replay.recorded import DecidedThen, moment
from gateway.store.codec import decode
from gateway.store.queries.signatures import signed_record_of
from gateway.store.statements import SQL
from gateway.store.transaction.records.lot_decisions import lot_decided, lot_divided
from gateway.store.transaction.records.signatures import record_to_sign, signature_given, signing_state_changed


def decided_lots(connection: sqlite3.Connection) -> tuple[DecidedThen, ...]:
    """Return every decision on a lot that holds, in their order."""
    decisions = [
        decode(LotDecided, row["body"]) for row in connection.execute(SQL["all_lot_decisions"]) if row["holds"]
    ]
    signed = ((decision, signed_record_of(connection, decision.record_id)) for decision in decisions)
    return tuple(
        DecidedThen(decision=decision, signed=record)
        for decision, record in signed
        if record is not None and record.holds and record.state is SigningState.DONE
    )


def divided_lots(connection: sqlite3.Connection) -> tuple[LotDivided, ...]:
    """Return every part of a lot that people had set apart, in their order."""
    return tuple(decode(LotDivided, row["body"]) for row in connection.execute(SQL["all_lot_parts"]) if row["holds"])


def divide_as_then(connection: sqlite3.Connection, part: LotDivided) -> ActRequested:
    """Set a part of a lot apart, or put it back, as a person had; it is judged next, by the event that is returned."""
    act: DivideLot | UndoDivision
    if part.undone:
        act = UndoDivision(material_lot_id=part.material_lot_id, part=part.name)
    else:
        act = DivideLot(material_lot_id=part.material_lot_id, part=part.name, quantity=part.amount)
    event = ActRequested(
        event_id=part.event_id,
        at=moment(part.at_ns),
        act=act,
        credential=Credential(kind=CredentialKind.SESSION, subject=part.person),
        reason=part.reason,
        person=part.person,
    )
    lot_divided(connection, event, part)
    return event


def decide_as_then(connection: sqlite3.Connection, then: DecidedThen) -> ActRequested:
    """Write a decision as it was made and signed; its lot is judged next, by the event that is returned."""
    record, signatures = then.signed.record, then.signed.signatures
    event = ActRequested(
        event_id=signatures[-1].event_id,
        at=moment(then.at_ns),
        act=request_in(record).act,
        credential=Credential(kind=CredentialKind.PASSWORD, subject=signatures[-1].user_id),
        reason=then.decision.reason,
        person=then.decision.printed_name,
    )
    record_to_sign(connection, event, record)
    for signature in signatures:
        signature_given(connection, event, signature)
    done = SigningStateChanged(
        record_id=record.record_id, state=SigningState.DONE, at_ns=then.at_ns, person=event.person
    )
    signing_state_changed(connection, event, done)
    lot_decided(connection, event, replace(then.decision, state=DecisionState.MADE))
    return event
