"""What systems are told over HTTP: written with its cause, and how far it is (on the writing thread)."""

import json
import sqlite3
from collections.abc import Callable
from typing import NamedTuple

from gateway.contract.certificates import number_of
from gateway.facts.lot import is_of_rest
from gateway.lab.certificates.awaited import certificate_not_in_force
from gateway.line.sinks import SinkMessage
from gateway.records.certificates import CertificateState
from gateway.records.lot_decisions import DecisionState, LotDecided, Verdict
from gateway.records.outgoing import AuditEntry
from gateway.records.sink_deliveries import Delivery, DeliveryState
from gateway.store.audit import trail as audit
from gateway.store.queries.certificates import certificate_version, certificates_of_lot
from gateway.store.queries.lot_decisions import decision_of_lot
from gateway.store.queries.lot_parts import parts_of_lot
from gateway.store.statements import SQL, value_of
from gateway.store.told_releases import STORE_HAS_FORGOTTEN, store_has_forgotten, why_not_told_yet

LONGEST_DUE_SECONDS = 3600.0  # no delivery waits longer for its next attempt, whatever a server asks for


class DueDelivery(NamedTuple):
    """A delivery whose turn it is; ``holds``: whether its row matches its hash."""

    seq: int
    delivery_id: str
    kind: str
    message_id: str
    material_lot_id: str | None
    ordered_by: str
    path: str
    body: bytes
    attempts: int
    first_ns: int | None
    holds: bool


def insert(connection: sqlite3.Connection, delivery: Delivery, *, at_ns: int) -> None:
    """Write a delivery within the transaction of its cause; one that cannot be sent waits for a person at once."""
    row = {
        "delivery_id": delivery.delivery_id,
        "sink": delivery.sink,
        "message_id": delivery.message_id,
        "kind": delivery.kind,
        "material_lot_id": delivery.material_lot_id,
        "ordered_by": delivery.ordered_by,
        "path": delivery.path,
        "body": delivery.body,
        "created_ns": at_ns,
        "state": (DeliveryState.REFUSED if delivery.unfit else DeliveryState.WAITING).value,
        "answer": delivery.unfit,
    }
    if delivery.kind == SinkMessage.HOLD and not delivery.unfit:
        order = {name: row[name] for name in ("sink", "ordered_by", "material_lot_id")}
        connection.execute(SQL["supersede_releases"], {**order, "why": "the lot is on hold since", "at_ns": at_ns})
    connection.execute(SQL["insert_delivery"], row)


def tried(
    seq: int, state: DeliveryState, *, answer: str, at_ns: int, due_ns: int = 0
) -> Callable[[sqlite3.Connection], None]:
    """Return the work that notes an attempt and its outcome."""
    row = {"seq": seq, "state": state.value, "answer": answer, "at_ns": at_ns, "due_ns": due_ns}

    def work(connection: sqlite3.Connection) -> None:
        if connection.execute(SQL["delivery_tried"], row).rowcount and state is DeliveryState.REFUSED:
            _note(connection, "delivery_refused", seq, answer, at_ns=at_ns)

    return work


def not_sent(seq: int, state: DeliveryState, *, why: str, at_ns: int) -> Callable[[sqlite3.Connection], None]:
    """Return the work that notes that a delivery is not sent, and why."""
    row = {"seq": seq, "state": state.value, "answer": why, "at_ns": at_ns}

    def work(connection: sqlite3.Connection) -> None:
        if connection.execute(SQL["delivery_not_sent"], row).rowcount:
            _note(connection, f"delivery_{state.value}", seq, why, at_ns=at_ns)

    return work


def put_off(seq: int, *, why: str, due_ns: int) -> Callable[[sqlite3.Connection], None]:
    """Return the work that notes why a delivery waits, without an attempt, and when it is looked at again."""
    row = {"seq": seq, "answer": why, "due_ns": due_ns}

    def work(connection: sqlite3.Connection) -> None:
        connection.execute(SQL["put_delivery_off"], row)

    return work


def _note(connection: sqlite3.Connection, kind: str, seq: int, why: str, *, at_ns: int) -> None:
    audit.append(connection, (AuditEntry(kind=kind, subject=str(seq), body={"why": why}),), at_ns=at_ns)


def hasten(sink: str, *, now_ns: int) -> Callable[[sqlite3.Connection], None]:
    """Return the work that makes what waits for its next attempt due: the system answers again."""

    def work(connection: sqlite3.Connection) -> None:
        connection.execute(SQL["hasten_deliveries"], {"sink": sink, "now_ns": now_ns})

    return work


def why_not_certified(connection: sqlite3.Connection, delivery: DueDelivery) -> str | None:
    """Return why a signed certificate must not be told any more, None where it may: it was withdrawn meanwhile."""
    document = json.loads(delivery.body) if delivery.body else {}
    state = document.get("state") if isinstance(document, dict) else None
    if state != CertificateState.SIGNED:
        return None
    version = certificate_version(connection, str(document.get("certificate_id")), int(document.get("version") or 0))
    if version is None or not version.holds or version.state is not CertificateState.SIGNED:
        return "the certificate is not in force any more"
    return None


def why_not_now(connection: sqlite3.Connection, delivery: DueDelivery) -> str | None:
    """Return why what lets a lot go, and holds, is not told yet; None where it may be told, or lets none go."""
    if delivery.kind == SinkMessage.RELEASE and delivery.material_lot_id is not None:
        return why_not_told_yet(connection, delivery.material_lot_id)
    if not store_has_forgotten(connection):
        return None
    lets_go = _is_of_released_lot if delivery.kind == SinkMessage.DISPOSITION else _is_signed_certificate
    return STORE_HAS_FORGOTTEN if lets_go(connection, delivery) else None


def _is_of_released_lot(connection: sqlite3.Connection, delivery: DueDelivery) -> bool:
    """Return whether a disposition is of a lot that a person has released: each of them may say so."""
    lot = delivery.material_lot_id
    decision = None if lot is None else decision_of_lot(connection, lot).decision
    return decision is not None and decision.verdict is Verdict.RELEASE and decision.state is not DecisionState.LAPSED


def _is_signed_certificate(_connection: sqlite3.Connection, delivery: DueDelivery) -> bool:
    document = json.loads(delivery.body) if delivery.body else {}
    return isinstance(document, dict) and document.get("state") == CertificateState.SIGNED


def _not_certified(connection: sqlite3.Connection, decision: LotDecided) -> str | None:
    """Return the number of a certificate that a release waits for and that is not in force, None where none is."""
    on_record, _damaged = certificates_of_lot(connection, decision.material_lot_id)
    of_lot = (item for item in on_record if not item.drafted.content.part_name)
    missing = certificate_not_in_force(of_lot, decision)
    return None if missing is None else number_of(missing.drafted.certificate_id, missing.drafted.version)


def why_not_released(connection: sqlite3.Connection, sink: str, delivery: DueDelivery) -> str | None:
    """Return why a release must not be told any more, None where it may: the second check, directly before sending."""
    lot = {"material_lot_id": delivery.material_lot_id}
    if not value_of(connection, "may_release", message_id=delivery.message_id, **lot):
        return "something else has been decided on the lot since"
    decided = None if delivery.material_lot_id is None else decision_of_lot(connection, delivery.material_lot_id)
    decision = None if decided is None else decided.decision
    if decision is None or decision.verdict is not Verdict.RELEASE or decision.state is not DecisionState.STANDS:
        return "no signed release of the lot stands on record"
    of_lot = parts_of_lot(connection, decision.material_lot_id)
    if of_lot.damaged or is_of_rest(decision, of_lot.parts):
        return "a part of the lot is not released"
    if (uncertified := _not_certified(connection, decision)) is not None:
        return f"certificate {uncertified} that the release waits for is not in force"
    if delivery.ordered_by == f"lot {delivery.material_lot_id}":
        return None
    order = {"sink": sink, "ordered_by": delivery.ordered_by, **lot}
    others = value_of(connection, "others_on_hold", **order) or value_of(connection, "other_lots_on_hold", **order)
    return f"{others} other lots of the {delivery.ordered_by} are on hold" if others else None
