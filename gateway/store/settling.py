"""A person settles a point that speaks against the release of a lot: on record, audited, and the lot is judged again.

Written by a command, in one transaction. A running gateway takes the lot up within seconds; else the next one at its
start. What was settled is what was known: where other facts speak later, that is another point.
"""

import sqlite3
from dataclasses import asdict, fields

from gateway.contract.times import rfc3339
from gateway.errors import LablineError
from gateway.lab.release import Subject
from gateway.records.outgoing import AuditEntry
from gateway.store.audit import trail as audit
from gateway.store.audit.evidence import must_hold
from gateway.store.queries.lots import PointOnRecord, Settlement, open_points_of
from gateway.store.statements import SQL
from gateway.store.transaction.lot_records import leave_to_judge

SETTLED = "point_settled"
OF_ALL_LOTS = ""  # in place of a lot: of a message that speaks against many
_NAMED = 10  # points in a hint


def settle(
    connection: sqlite3.Connection, lot: str, point_id: str, *, person: str, reason: str, at_ns: int
) -> PointOnRecord:
    """Settle a point of a lot for a person, and have the lot judged again; return the point.

    Raises LablineError, and changes nothing, where the lot has no such open point, where it is settled already, and
    where it asks for a hold.
    """
    connection.execute("BEGIN IMMEDIATE")  # of two at once the second sees the first
    try:
        known = _to_be_settled(connection, lot, point_id)
        of_lot = OF_ALL_LOTS if known.about.kind is Subject.SPECIFICATION else lot
        write(connection, of_lot, Settlement(point_id=point_id, person=person, reason=reason, at_ns=at_ns))
        body = {"point_id": point_id, "code": known.point.code, "subject": known.about.subject,
                "text": known.point.reason.text, "person": person, "reason": reason}  # fmt: skip
        audit.append(connection, (AuditEntry(kind=SETTLED, subject=lot, body=body),), at_ns=at_ns)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return known


def write(connection: sqlite3.Connection, lot: str, settlement: Settlement) -> str:
    """Write a settlement and have its lot judged again; return the id of the follow-up that does.

    ``lot``: ``OF_ALL_LOTS`` where the point is of a message that speaks against many; then each of them is.
    """
    row = {**asdict(settlement), "material_lot_id": lot}
    connection.execute(SQL["insert_settlement"], row)
    because = {"cause": settlement.point_id, "at_ns": settlement.at_ns}
    if lot == OF_ALL_LOTS:
        connection.execute(SQL["judge_lots_of_point_again"], {"point_id": settlement.point_id, **because})
    else:
        connection.execute(SQL["judge_lot_again"], {"material_lot_id": lot, **because})
    return leave_to_judge(connection, cause=settlement.point_id, at_ns=settlement.at_ns)


def all_settlements(connection: sqlite3.Connection) -> list[tuple[str, Settlement]]:
    """Return every settlement that holds with its lot, in their order."""
    names = [item.name for item in fields(Settlement)]
    return [
        (row["material_lot_id"], Settlement(**{name: row[name] for name in names}))
        for row in connection.execute(SQL["all_settlements"])
    ]


def _to_be_settled(connection: sqlite3.Connection, lot: str, point_id: str) -> PointOnRecord:
    before = connection.execute(SQL["settlement"], {"point_id": point_id}).fetchone()
    if before is not None:
        must_hold(before["holds"], table="settlement", key=point_id)
        of_lot = "" if before["material_lot_id"] in {lot, OF_ALL_LOTS} else f" of lot {before['material_lot_id']}"
        raise LablineError(
            f"point {point_id}{of_lot} is settled already: {before['person']}, {rfc3339(before['at_ns'])}, "
            f"{before['reason']}",
            hint="there is nothing to do; labline lot shows what else speaks against a release",
        )
    open_points = open_points_of(connection, lot)
    known = next((item for item in open_points if item.point.point_id == point_id), None)
    if known is None:
        raise LablineError(f"lot {lot} has no open point {point_id}", hint=_which(open_points))
    if not known.point.can_be_settled:
        asks = known.point.asks.value
        raise LablineError(
            f"point {point_id} asks for a {asks} and is not settled here: {known.point.reason.text}",
            hint=known.point.how,
        )
    return known


def _which(open_points: tuple[PointOnRecord, ...]) -> str:
    if not open_points:
        return "nothing speaks against a release of it"
    named = [f"{item.point.point_id} ({item.point.code})" for item in open_points[:_NAMED]]
    more = f" and {len(open_points) - _NAMED} more" if len(open_points) > _NAMED else ""
    return f"its points are: {', '.join(named)}{more}"
