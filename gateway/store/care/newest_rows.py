"""Salvage of tables of which the newest row of an owner counts: what the present store says of an owner holds.

Rows of another store are numbered by that store, so a number says nothing of what is newer here. They are put back
with numbers of the present store, and only of owners of which it knows nothing; else an old row would be the newest
again: a release that was taken back, a certificate that was withdrawn. Of decisions on lots and states of certificates
the more careful of both newest ones holds. A release whose facts are others here has lapsed.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from gateway.contract.identity import sha256_hex
from gateway.contract.signed_records import canonical
from gateway.lab.release.assessment import Subject
from gateway.records.certificates import CertificateState
from gateway.records.lot_decisions import DecisionState, LotDecided, Verdict
from gateway.store.codec import decode, encode
from gateway.store.statements import SQL
from gateway.store.tables import Table

Row = dict[str, Any]
_NUMBERS = frozenset({"seq", "hash"})
_LETS_GO, _LAPSED, _HOLDS = 0, 1, 2  # how careful a decision is
_CAREFUL_STATES = {
    CertificateState.SIGNED.value: 0,
    CertificateState.QUESTIONED.value: 1,
    CertificateState.REPLACED.value: 2,
    CertificateState.WITHDRAWN.value: 3,
}


@dataclass(slots=True)
class PutBack:
    """What became of rows: those that were put back, and how many owners are known otherwise in the present store."""

    rows: list[Row]
    differing: int = 0


def put_back_newest(into: sqlite3.Connection, of: Table, rows: Iterable[Row]) -> PutBack:
    """Put rows back, in their order, of owners of which the present store knows nothing; of others the careful word."""
    owner = of.named_by[0] if of.named_by else None
    known = _newest_rows(into, of.name, owner)
    newest: dict[Any, Row] = {}
    put_back = PutBack([])
    for row in rows:
        own = None if owner is None else row[owner]
        newest[own] = row
        if own not in known:
            put_back.rows.append(_inserted(into, of.name, row))
    more_careful = _MORE_CAREFUL.get(of.name)
    for own, other in newest.items():
        present = known.get(own)
        if present is None or _content(present) == _content(other):
            continue
        put_back.differing += 1
        careful = None if more_careful is None else more_careful(present, other)
        if careful is not None:
            put_back.rows.append(_inserted(into, of.name, careful))
    return put_back


def lapse_releases_on_other_facts(into: sqlite3.Connection, lots: Iterable[str]) -> None:
    """Have each release lapse that does not rest on the assessments of its lot as they are now."""
    for lot in lots:
        row = into.execute(SQL["newest_row_of_decision"], {"material_lot_id": lot}).fetchone()
        if row is None or _care_of_decision(row) != _LETS_GO:
            continue
        try:
            decision = decode(LotDecided, row["body"])
        except ValidationError:
            continue  # it counts for nothing as it is
        assessed = into.execute(SQL["assessments_by_hash"], {"material_lot_id": lot}).fetchall()
        hashes = {item["subject"]: item["hash"] for item in assessed if item["kind"] != Subject.DECISION.value}
        if sha256_hex(canonical(hashes).encode()) != decision.basis.assessments_sha256:
            _inserted(into, "lot_decision", _lapsed(dict(row)))


def _newest_rows(into: sqlite3.Connection, table: str, owner: str | None) -> dict[Any, Row]:
    """Return the newest row of each owner in the present store."""
    newest: dict[Any, Row] = {}
    for row in into.execute(f"SELECT * FROM {table} ORDER BY seq"):
        newest[None if owner is None else row[owner]] = dict(row)
    return newest


def _inserted(into: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> Row:
    kept = {name: value for name, value in row.items() if name not in _NUMBERS}
    columns, marks = ", ".join(kept), ", ".join("?" * len(kept))
    into.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(kept.values()))
    return kept


def _content(row: Mapping[str, Any]) -> Row:
    return {name: value for name, value in row.items() if name not in _NUMBERS}


# --- which of two is the more careful --------------------------------------------------------------------


def _careful_decision(present: Row, other: Row) -> Row | None:
    """Return the row that counts from now on, None where it is the present one: two that differ release nothing."""
    if _care_of_decision(other) == _HOLDS and _care_of_decision(present) != _HOLDS:
        return other
    return _lapsed(present) if _care_of_decision(present) == _LETS_GO else None


def _care_of_decision(row: Mapping[str, Any]) -> int:
    if row["state"] == DecisionState.LAPSED.value:
        return _LAPSED
    return _LETS_GO if row["verdict"] == Verdict.RELEASE.value else _HOLDS


def _lapsed(row: Row) -> Row:
    decision = replace(decode(LotDecided, row["body"]), state=DecisionState.LAPSED)
    return {**row, "state": DecisionState.LAPSED.value, "body": encode(decision)}


def _careful_state(present: Row, other: Row) -> Row | None:
    care = [_CAREFUL_STATES.get(row["state"], 0) for row in (present, other)]
    return other if care[1] > care[0] else None


_MORE_CAREFUL: Mapping[str, Callable[[Row, Row], Row | None]] = {
    "lot_decision": _careful_decision,
    "certificate_state": _careful_state,
}
