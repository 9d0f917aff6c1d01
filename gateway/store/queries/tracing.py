"""From anything that has an id to everything connected with it: a tree, made by reading along the records' references.

What is shown once is not opened again, so loops (of genealogy, of what supersedes what) end.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.contract.times import rfc3339
from gateway.store.queries.lots import as_shown, less_careful_than_the_trail, open_points_of, recommendation_in
from gateway.store.statements import SQL

DEEPEST, MOST = 5, 1000


@dataclass(slots=True)
class Node:
    """Something on record: what it is, and what it leads to. ``holds``: whether it matches its hash."""

    kind: str
    id: str
    details: dict[str, Any]
    holds: bool = True
    again: bool = False  # shown elsewhere in the tree
    children: list["Node"] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        document: dict[str, Any] = {"kind": self.kind, "id": self.id, **self.details}
        if not self.holds:
            document["damaged"] = True
        if self.again:
            document["shown_above"] = True
        if self.children:
            document["leads_to"] = [child.document() for child in self.children]
        return document


def trace(connection: sqlite3.Connection, identity: str) -> list[Node]:
    """Return the trees of everything that has this id: a lot, a sample, a result, a guidance and so on."""
    tracing = _Tracing(connection)
    return [node for kind in _KINDS if (node := tracing.node(kind, identity, 0)) is not None]


class _Tracing:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._shown: set[tuple[str, str]] = set()

    def node(self, kind: str, identity: str, depth: int) -> Node | None:
        """Return what has this id, opened down to where the tree ends; None where nothing has."""
        row = self._connection.execute(SQL[f"trace_{kind.replace(' ', '_')}"], {"id": identity}).fetchone()
        if row is None:
            return None
        details, holds = _details(row), bool(row["holds"])
        if kind == "lot":
            stated = recommendation_in(row["recommendation"])
            holds = holds and not less_careful_than_the_trail(self._connection, identity, stated)
            details["recommendation"] = as_shown(stated, damaged=not holds).value
            details |= self._open_points(identity)
        node = Node(kind=kind, id=identity, details=details, holds=holds)
        if (kind, identity) in self._shown:
            node.again = True
            return node
        self._shown.add((kind, identity))
        if depth < DEEPEST:
            node.children = [
                child
                for other, other_id in self._leads(kind, identity)
                if (child := self.node(other, other_id, depth + 1)) is not None
            ]
        return node

    def _open_points(self, lot: str) -> dict[str, Any]:
        points = [
            {"point_id": item.point.point_id, "asks": item.point.asks.value, "text": item.point.reason.text}
            for item in open_points_of(self._connection, lot)[:MOST]
        ]
        return {"open_points": points} if points else {}

    def _leads(self, kind: str, identity: str) -> Iterator[tuple[str, str]]:
        for statement, other in _KINDS[kind].items():
            for (other_id,) in self._connection.execute(SQL[statement], {"id": identity}):
                if other_id is not None and len(self._shown) < MOST:
                    yield other, str(other_id)


def _details(row: sqlite3.Row) -> dict[str, Any]:
    details = {}
    for name in row.keys():  # noqa: SIM118 - a row is no mapping
        value = row[name]
        if name == "holds" or value is None:
            continue
        if name.endswith("_ns"):
            details[name.removesuffix("_ns")] = rfc3339(value)
        elif name.endswith("_json"):
            details[name.removesuffix("_json")] = json.loads(value)
        else:
            details[name] = value
    return details


# kind -> the statements that say which ids it leads to, each with the kind of those
_KINDS: Mapping[str, Mapping[str, str]] = {
    "lot": {
        "trace_lot_to_order": "order",
        "trace_lot_to_material": "material",
        "trace_lot_to_result": "result",
        "trace_lot_to_dead_letter": "dead letter",
        "trace_lot_to_settlement": "settlement",
        "trace_lot_to_review_answer": "review answer",
        "trace_lot_to_signed_record": "signed record",
        "trace_lot_to_guidance": "guidance",
        "trace_lot_to_disposition": "disposition",
        "trace_lot_to_deviation": "deviation",
        "trace_lot_to_certificate": "certificate",
        "trace_lot_to_part": "part",
        "trace_lot_to_lot_went_into": "lot",
        "trace_lot_to_audit": "audit",
    },
    "certificate": {
        "trace_certificate_to_lot": "lot",
        "trace_certificate_to_result": "result",
        "trace_certificate_to_signed_record": "signed record",
        "trace_certificate_to_audit": "audit",
    },
    "part": {
        "trace_part_to_lot": "lot",
    },
    "material": {
        "trace_material_to_lot": "lot",
    },
    "order": {},
    "phrasing": {},
    "signed record": {
        "trace_signed_record_to_signature": "signature",
        "trace_signed_record_to_audit": "audit",
    },
    "signature": {
        "trace_signature_to_signed_record": "signed record",
    },
    "review answer": {
        "trace_review_answer_to_lot": "lot",
    },
    "settlement": {
        "trace_settlement_to_lot": "lot",
    },
    "action": {
        "trace_action_to_deviation": "deviation",
        "trace_action_to_audit": "audit",
    },
    "sample": {
        "trace_sample_to_result": "result",
    },
    "result": {
        "trace_result_to_event": "event",
        "trace_result_to_disposition": "disposition",
        "trace_result_to_prediction": "prediction",
        "trace_result_to_guidance": "guidance",
        "trace_result_to_deviation": "deviation",
        "trace_result_to_audit": "audit",
    },
    "disposition": {
        "trace_disposition_to_event": "event",
        "trace_disposition_to_result": "result",
        "trace_disposition_to_prediction": "prediction",
        "trace_disposition_to_lot": "lot",
        "trace_disposition_to_audit": "audit",
    },
    "guidance": {
        "trace_guidance_to_state": "state",
        "trace_guidance_to_response": "response",
        "trace_guidance_to_signed_record": "signed record",
        "trace_guidance_to_setpoint_write": "setpoint write",
        "trace_guidance_to_prediction": "prediction",
        "trace_guidance_to_result": "result",
        "trace_guidance_to_lot": "lot",
        "trace_guidance_to_guidance": "guidance",
    },
    "setpoint write": {
        "trace_setpoint_write_to_setpoint_state": "setpoint state",
        "trace_setpoint_write_to_setpoint_outcome": "setpoint outcome",
        "trace_setpoint_write_to_guidance": "guidance",
        "trace_setpoint_write_to_audit": "audit",
    },
    "setpoint state": {},
    "setpoint outcome": {},
    "state": {},
    "response": {},
    "prediction": {},
    "deviation": {
        "trace_deviation_to_result": "result",
        "trace_deviation_to_action": "action",
        "trace_deviation_to_signed_record": "signed record",
        "trace_deviation_to_lot": "lot",
        "trace_deviation_to_deviation": "deviation",
        "trace_deviation_to_audit": "audit",
    },
    "event": {
        "trace_event_to_dead_letter": "dead letter",
    },
    "dead letter": {
        "trace_dead_letter_to_event": "event",
    },
    "audit": {},
}
