"""From the tables: what people's acts stand on. Runs inside the writer's transaction.

Damage is a reason to refuse the act, and the answer to the person says so; no alarm follows here.
"""

import sqlite3
from dataclasses import fields
from typing import Any

from gateway.contract.signed_records import request_in
from gateway.decisions.signed_wording import subject_of
from gateway.events import ActRequested
from gateway.facts.acts import (
    ActFacts,
    ArchiveFacts,
    MessageState,
    RetryFacts,
    SettlementOnRecord,
    SettlePointFacts,
    SignBiasFacts,
    VersionFacts,
)
from gateway.inference.feedback import MOST_ENTRIES
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import ArchiveAudit, RetryMessages, SettlePoint, SignBiases
from gateway.records.people import Settlement, SignedBias
from gateway.records.scope import Scope
from gateway.records.sink_deliveries import DeliveryState
from gateway.records.users import User
from gateway.store.audit.heads import keys_of_heads
from gateway.store.facts.loaders import loader
from gateway.store.facts.reading import Base, Reading
from gateway.store.queries.lots import open_points_of, part_declared
from gateway.store.queries.seen import Seen
from gateway.store.queries.seen_records import refusal_of
from gateway.store.queries.signatures import waiting_of
from gateway.store.queries.users import password_of, user_of
from gateway.store.queries.versions import changes
from gateway.store.statements import SQL, value_of

_SETTLEMENT = tuple(field.name for field in fields(Settlement))


class ActBase(Base):
    """What every act is decided by."""

    actor: User | None
    has_users: bool
    signed_before: int
    asked_already: bool
    unconfirmed: bool
    out_of_sight: ActRefusal | None


def act_base(reading: Reading, event: ActRequested) -> ActBase:
    """Return what every act is decided by: who acts, and how many signed acts of its kind were done before it."""
    subject, actor = subject_of(event.act), user_of(reading.connection, event.credential)
    return {
        **reading.base(),
        "actor": actor,
        "asked_already": subject is not None and actor is not None and _waits(reading, event, subject, actor),
        "unconfirmed": actor is not None and _is_unconfirmed(reading, actor),
        "out_of_sight": None if actor is None else _out_of_sight(reading, event, actor),
        "has_users": value_of(reading.connection, "any_user") is not None,
        "signed_before": 0
        if subject is None
        else value_of(reading.connection, "number_of_signed_acts", kind=event.act.kind.value, subject=subject),
    }


def _out_of_sight(reading: Reading, event: ActRequested, actor: User) -> ActRefusal | None:
    sight = reading.line.sights.of_user(actor.user_id)
    return refusal_of(Seen(reading.connection, sight), event.act, user_id=actor.user_id)


def _is_unconfirmed(reading: Reading, actor: User) -> bool:
    password = password_of(reading.connection, actor.user_id)
    return password is not None and password.issued_by is not None


def _waits(reading: Reading, event: ActRequested, subject: str, actor: User) -> bool:
    """Return whether a user has asked for the very same act, and it still waits for signatures."""
    of_user = {"kind": event.act.kind.value, "subject": subject, "author_id": actor.user_id}
    return any(
        signed.holds and not event.at.is_past(signed.record.expires) and request_in(signed.record).act == event.act
        for signed in waiting_of(reading.connection, of_user)
    )


@loader
def act_facts(reading: Reading, event: ActRequested) -> ActFacts:
    """Return who acts, and no more."""
    return ActFacts(**act_base(reading, event))


@loader
def settle_point_facts(reading: Reading, event: ActRequested) -> SettlePointFacts:
    """Return whether the point is settled already, and the open points against the lot's release."""
    act = _of(event, SettlePoint)
    row = reading.connection.execute(SQL["settlement"], {"point_id": act.point_id}).fetchone()
    before = None if row is None else SettlementOnRecord(
        material_lot_id=row["material_lot_id"],
        settlement=Settlement(**{name: row[name] for name in _SETTLEMENT}),
        holds=bool(row["holds"]),
    )  # fmt: skip
    part = part_declared(reading.connection, act.material_lot_id).part
    client = value_of(reading.connection, "client_of_lot", material_lot_id=act.material_lot_id)
    return SettlePointFacts(
        **act_base(reading, event),
        whole_lot=None if part is None else part.material_lot_id,
        before=before,
        scope=Scope(client_id=client or None),
        open_points=open_points_of(reading.connection, act.material_lot_id),
    )


@loader
def version_facts(reading: Reading, event: ActRequested) -> VersionFacts:
    """Return the promotions and rollbacks that count."""
    known, _unknown = changes(reading.connection.execute(SQL["version_changes"]))
    return VersionFacts(**act_base(reading, event), changes=tuple(known))


@loader
def retry_facts(reading: Reading, event: ActRequested) -> RetryFacts:
    """Return the messages that are named, and where all that are parked are meant, those, the oldest first."""
    act = _of(event, RetryMessages)
    parked_ids = _parked_ids(reading.connection)
    named = {message_id: _state(reading.connection, message_id, parked_ids) for message_id in act.message_ids}
    messages = {message_id: state for message_id, state in named.items() if state is not None}
    if act.all_parked:
        messages |= dict.fromkeys(parked_ids, MessageState.PARKED)
        refused = [delivery_id for (delivery_id,) in reading.connection.execute(SQL["refused_deliveries"])]
        messages |= dict.fromkeys(refused, MessageState.REFUSED_DELIVERY)
    return RetryFacts(**act_base(reading, event), messages=messages)


def _parked_ids(connection: sqlite3.Connection) -> tuple[str, ...]:
    rows = connection.execute(SQL["parked"], {"most": -1}).fetchall()  # SQLite: no limit
    return tuple(row["message_id"] for row in reversed(rows))


def _state(connection: sqlite3.Connection, message_id: str, parked_ids: tuple[str, ...]) -> MessageState | None:
    if message_id in parked_ids:
        return MessageState.PARKED
    row = connection.execute(SQL["dead_letter"], {"dead_letter_id": message_id}).fetchone()
    if row is None:
        return _delivery_state(connection, message_id)
    if not row["holds"]:
        return MessageState.DAMAGED
    return MessageState.NOT_KEPT if row["payload"] is None else MessageState.DEAD_LETTER


def _delivery_state(connection: sqlite3.Connection, delivery_id: str) -> MessageState | None:
    """Return the state of a refused delivery, None where there is none of that id."""
    row = connection.execute(SQL["delivery_on_record"], {"delivery_id": delivery_id}).fetchone()
    if row is None or row["state"] != DeliveryState.REFUSED:
        return None
    if not row["holds"]:
        return MessageState.DAMAGED
    if not row["fits"]:
        return MessageState.UNFIT
    return MessageState.OVERTAKEN if row["overtaken"] else MessageState.REFUSED_DELIVERY


@loader
def sign_bias_facts(reading: Reading, event: ActRequested) -> SignBiasFacts:
    """Return the newest correction's instant, and the newest results that the corrections may rest on."""
    act = _of(event, SignBiases)
    newest = {bias.analyte: _newest_result_ns(reading.connection, bias) for bias in act.biases}
    return SignBiasFacts(
        **act_base(reading, event),
        newest_signed_ns=value_of(reading.connection, "newest_signed_ns") or 0,
        newest_result_ns={analyte: at_ns for analyte, at_ns in newest.items() if at_ns is not None},
    )


def _newest_result_ns(connection: sqlite3.Connection, bias: SignedBias) -> int | None:
    """Return when the sample of the newest result was drawn, of those by which corrections are proposed."""
    of_bias = {"bundle_sha256": bias.bundle_sha256, "analyte": bias.analyte, "most": MOST_ENTRIES}
    rows = connection.execute(SQL["newest_feedback"], of_bias)
    return max((row["sampled_ns"] for row in rows if row["holds"]), default=None)


@loader
def archive_facts(reading: Reading, event: ActRequested) -> ArchiveFacts:
    """Return the trail's first line, and the hash of the line that is to be the archive's last."""
    act = _of(event, ArchiveAudit)
    return ArchiveFacts(
        **act_base(reading, event),
        first_seq=value_of(reading.connection, "first_audit_seq"),
        hash_of_last=value_of(reading.connection, "audit_hash", seq=act.last_seq),
        signing_keys=keys_of_heads(reading.connection),
    )


def _of(event: ActRequested, kind: type[Any]) -> Any:
    if not isinstance(event.act, kind):
        raise TypeError(f"{event.act.kind} is no {kind.__name__}")
    return event.act
