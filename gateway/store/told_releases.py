"""Releases directly before others are told of them: what makes one wait, or no longer true (on the writing thread).

A store that was put back from a backup knows of releases that were taken back since: nobody is told of them before a
person has looked.
"""

import json
import sqlite3
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from gateway.contract.publications import CERTIFICATE, DISPOSITION, LOT_PART
from gateway.latches import has_forgotten
from gateway.records.certificates import CertificateState
from gateway.records.lot_decisions import DecisionState
from gateway.records.outgoing import OutgoingMessage
from gateway.store.outbox import Queued
from gateway.store.queries.lot_decisions import decision_of_lot
from gateway.store.queries.lot_parts import parts_declared
from gateway.store.queries.lots import lot_on_record
from gateway.store.statements import SQL, value_of

_RELEASE, _STANDS, _SIGNED = b'"release"', b'"stands":true', b'"state":"signed"'
_DECISIONS = ("decision", "decision_on_rest", "part_decision")
_OF_LOTS = (f"/{DISPOSITION.name}/", f"/{LOT_PART.name}/")
_OF_CERTIFICATES = f"/{CERTIFICATE.name}/"
STORE_HAS_FORGOTTEN = (
    "the store has forgotten what it knew: acknowledge the alarm once you have looked what is released"
)


class Untold(StrEnum):
    """Why a message that carries a release, or a signed certificate, is not sent."""

    OVERTAKEN = "overtaken"  # something newer is said of the lot
    FORGOTTEN = "forgotten"


def store_has_forgotten(connection: sqlite3.Connection) -> bool:
    """Return whether an alarm stands that records are missing, such as of a backup that was put back."""
    return has_forgotten(code for (code,) in connection.execute(SQL["latches"]))


def why_not_told_yet(connection: sqlite3.Connection, lot: str) -> str | None:
    """Return why nobody is told of the release of a lot now, though it stands; None where others may be told."""
    if store_has_forgotten(connection):
        return STORE_HAS_FORGOTTEN
    of_lot = parts_declared(connection, lot)
    names = (lot, *(part.part_id for part, _recommendation in of_lot.parts))
    if any(value_of(connection, "lot_waits_to_be_judged", material_lot_id=name) for name in names):
        return "the lot is about to be judged again"
    known = lot_on_record(connection, lot)
    damaged = of_lot.damaged if known is None else known.damaged
    return f"a record of the lot does not hold: {damaged[0]}" if damaged else None


def may_let_go(message: Queued) -> bool:
    """Return whether a message may carry a release that counts, or a signed certificate: others are not read again."""
    payload, topic = message.payload, message.topic
    release = _RELEASE in payload and _STANDS in payload and any(name in topic for name in _OF_LOTS)
    return release or (_SIGNED in payload and _OF_CERTIFICATES in topic)


def says_released(message: OutgoingMessage) -> bool:
    """Return whether a message says that a release of a lot, or of a part of one, stands."""
    return _RELEASE in message.payload and bool(_standing_releases(json.loads(message.payload)))


def _standing_releases(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    decided = [document.get(name) or {} for name in _DECISIONS]
    return [item for item in decided if item.get("decision") == "release" and item.get("stands") is True]


def why_untold(connection: sqlite3.Connection, message: Queued) -> Untold | None:
    """Return why the release or certificate in a message must not be told; None where it may be, or there is none.

    A newer disposition of the same lot waits behind one that is overtaken: the broker is told that instead.
    """
    document = json.loads(message.payload)
    released = _standing_releases(document)
    if not released and document.get("state") != CertificateState.SIGNED:
        return None
    if store_has_forgotten(connection):
        return Untold.FORGOTTEN
    if not released:
        return None
    lot = document.get("material_lot_id") or document.get("part_id")
    newest = value_of(connection, "may_release", material_lot_id=lot, message_id=message.message_id)
    decision = decision_of_lot(connection, str(lot)).decision
    stands = decision is not None and decision.state is DecisionState.STANDS
    is_this = decision is not None and any(item.get("record_id") == decision.record_id for item in released)
    return None if newest and stands and is_this else Untold.OVERTAKEN
