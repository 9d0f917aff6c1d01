"""A lot's record as its review looks at it: one bounded statement for each kind of rows.

It is read on a read connection where it is shown, and within the writer's transaction where it is signed: so nothing
that a page or a command hands over is taken for what was looked at.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import ValidationError

from gateway.contract.topics import encode_level
from gateway.lab.in_force import SpecificationsOnRecord
from gateway.lab.review.facts import (
    AlarmRow,
    CertificateRow,
    ContextRow,
    ControlRow,
    DecisionRow,
    DeliveryRow,
    DeviationRow,
    DispositionRow,
    GapRow,
    GuidanceRow,
    LineRow,
    LotReviewFacts,
    LotRow,
    MessageRow,
    PointRow,
    ResultRow,
    SettlementRow,
    SignedRow,
    StatedRow,
    StopRow,
    UseRow,
    WriteRow,
)
from gateway.lab.review.process_window import LotProcess
from gateway.latches import in_doubt
from gateway.line.definition import LineDefinition
from gateway.people.signing import policy_of
from gateway.records.act_kinds import ActKind
from gateway.store.codec import decode
from gateway.store.facts.reading import Reading
from gateway.store.queries.deviation_states import closing_of
from gateway.store.queries.lots import less_careful_than_the_trail, recommendation_in
from gateway.store.statements import SQL
from gateway.time_units import DAY_NS

MOST_ROWS = 5000  # of a kind: a lot with more says so, and a person looks at the others
_ANSWERED_WITHIN_NS = 7 * DAY_NS  # so long after a lot's end an acknowledgement of its alarms is looked for
_CONTROL_RUN_NS = DAY_NS
_LATEST_NS = 2**62
_SIGNED = (ActKind.DECIDE_LOT, ActKind.SETTLE_POINT, ActKind.SIGN_CERTIFICATE, ActKind.WITHDRAW_CERTIFICATE,
           ActKind.CLOSE_DEVIATION)  # fmt: skip
_OF_LOT_TOPICS = ("disposition", "sample-request", "certificate")

Row = TypeVar("Row", bound=tuple[Any, ...])
Time = Mapping[str, Any]


class _Reader:
    """Reads the rows of one lot; what does not hold and what is too much is noted."""

    def __init__(self, connection: sqlite3.Connection, lot: str, *, known_ns: int) -> None:
        self._connection = connection
        self._parameters: dict[str, Any] = {"lot": lot, "most": MOST_ROWS + 1, "known_ns": known_ns}
        self.damaged: list[str] = []
        self.cut: list[str] = []

    def rows(self, statement: str, kind: type[Row], **parameters: Any) -> tuple[Row, ...]:
        """Return the rows of a statement that hold, as named tuples of their first columns."""
        columns = len(kind._fields)  # type: ignore[attr-defined]
        cursor = self._connection.execute(SQL[statement], self._parameters | parameters)
        rows = cursor.fetchall()
        if len(rows) > MOST_ROWS:
            self.cut.append(statement.removeprefix("review_"))
            rows = rows[:MOST_ROWS]
        make = kind._make  # type: ignore[attr-defined]
        if len(cursor.description) == columns:
            return tuple(map(make, rows))
        self.damaged += [row["record"] for row in rows if not row["holds"]]
        return tuple(make(tuple(row)[:columns]) for row in rows if row["holds"])

    def names(self, statement: str, **parameters: Any) -> tuple[str, ...]:
        """Return the first column of a statement's rows."""
        return tuple(row[0] for row in self._connection.execute(SQL[statement], self._parameters | parameters))

    def deviations(self) -> tuple[DeviationRow, ...]:
        """Return the deviations of the lot, each with who has closed it."""
        rows = self.rows("review_deviations", DeviationRow)
        closings = [closing_of(self._connection, row.deviation_id) for row in rows]
        return tuple(row if closed is None else row._replace(closed_by=closed.printed_name)
                     for row, closed in zip(rows, closings, strict=True))  # fmt: skip

    def process(self) -> LotProcess | None:
        """Return how the lot's equipment ran, None where that is not on record."""
        for row in self._connection.execute(SQL["review_process"], self._parameters):
            try:
                if row["holds"]:
                    return decode(LotProcess, row["body"])
            except ValidationError:
                pass  # of another version: it is named as one that does not hold
            self.damaged.append(row["record"])
        return None


def review_facts(
    connection: sqlite3.Connection, line: LineDefinition, lot: str, *, at_ns: int, known_ns: int | None = None
) -> LotReviewFacts | None:
    """Return what the review of a lot stands on; None where nothing is on record of it.

    Args:
        connection: to the store; one transaction, so that it is one picture.
        line: as it is defined now.
        lot: its name.
        at_ns: now.
        known_ns: until when decisions, recommendations, guidance and messages about the lot are looked at: what
            follows from a review that was signed makes none of it lapse. None: all of them.
    """
    reader = _Reader(connection, lot, known_ns=_LATEST_NS if known_ns is None else known_ns)
    rows = reader.rows("review_lot", LotRow)
    results = reader.rows("review_results", ResultRow)
    if not rows and not results and not reader.damaged:
        return None
    own = rows[0] if rows else LotRow(lot, None, None, None, None, None, None, None, "pending")
    facts = _of_lot(reader, own, results, line, at_ns)
    facts = _in_its_time(reader, facts, line)
    reading = Reading(connection, line, {})
    products = {*facts.products, *(row.product for row in results if row.product)}
    latches = tuple(row[0] for row in connection.execute(SQL["latches"]))
    denied = reader.names("review_results_denied", results=json.dumps([row.result_id for row in facts.standing]))
    damaged = (*reader.damaged, *denied, *reader.names("review_damaged_assessments"),
               *less_careful_than_the_trail(connection, lot, recommendation_in(own.recommendation)))  # fmt: skip
    return replace(
        facts,
        specifications=reading.specifications(*sorted(products)),
        damaged=tuple(dict.fromkeys((*damaged, *reading.damaged))),
        latches=latches,
        in_doubt=in_doubt(latches),
        cut=tuple(reader.cut),
    )


def _of_lot(
    reader: _Reader, lot: LotRow, results: tuple[ResultRow, ...], line: LineDefinition, at_ns: int
) -> LotReviewFacts:
    """Return what names the lot itself."""
    topics = [f"{line.topic_root}/{name}/{encode_level(lot.material_lot_id)}" for name in _OF_LOT_TOPICS]
    needed = {kind.value: policy_of(kind, line.signatures).count for kind in _SIGNED}
    return LotReviewFacts(
        lot=lot,
        rules=line.review,
        at_ns=at_ns,
        from_ns=lot.started_ns,
        until_ns=_until_ns(lot, results),
        specifications=SpecificationsOnRecord(configured=(), stated=()),  # which are asked for by their products
        signatures_needed=needed,
        missing_tests=reader.names("review_missing_tests"),
        results=results,
        points=reader.rows("review_points", PointRow),
        process=reader.process(),
        guidance=reader.rows("review_guidance", GuidanceRow),
        dispositions=reader.rows("review_dispositions", DispositionRow),
        messages=reader.rows("review_messages", MessageRow, topics=json.dumps(topics)),
        deliveries=reader.rows("review_deliveries", DeliveryRow),
        signed=reader.rows("review_signed", SignedRow),
        decisions=reader.rows("review_decisions", DecisionRow),
        settlements=reader.rows("review_settlements", SettlementRow),
        certificates=reader.rows("review_certificates", CertificateRow),
        context=reader.rows("review_context", ContextRow),
        uses=reader.rows("review_uses", UseRow),
        deviations=reader.deviations(),
    )


def _in_its_time(reader: _Reader, facts: LotReviewFacts, line: LineDefinition) -> LotReviewFacts:
    """Return the facts with what happened while the lot was made; nothing where nobody says when that was."""
    from_ns, until_ns, lot = facts.from_ns, facts.until_ns, facts.lot
    if from_ns is None or until_ns is None:
        return facts
    tags = [tag for tag in line.tags.values() if tag.equipment_id == lot.equipment_id]
    subjects = {"history", *(tag.name for tag in tags), *(tag.source for tag in tags)}
    time: Time = {"from_ns": from_ns, "until_ns": until_ns}
    analytes = sorted({row.analyte for row in facts.standing})
    return replace(
        facts,
        controls=reader.rows("review_controls", ControlRow, analytes=json.dumps(analytes),
                             **_measured(facts.standing, time)),
        stated=reader.rows("review_stated", StatedRow, products=json.dumps(sorted(facts.products)), **time),
        gaps=reader.rows("review_gaps", GapRow, subjects=json.dumps(sorted(subjects)), **time),
        alarms=reader.rows("review_alarms", AlarmRow, answered_until_ns=until_ns + _ANSWERED_WITHIN_NS,
                           of_equipment=f"warning/{lot.equipment_id}/", of_lot=f"hold/{lot.material_lot_id}/", **time),
        writes=reader.rows("review_writes", WriteRow, tags=json.dumps(sorted(tag.name for tag in tags)), **time),
        stops=reader.rows("review_stops", StopRow, **time),
        lines=reader.rows("review_lines", LineRow, **time),
        phases=reader.rows("review_phases", ContextRow, equipment=lot.equipment_id, **time),
    )  # fmt: skip


def _measured(results: Sequence[ResultRow], time: Time) -> dict[str, int]:
    """Return the time in which the laboratory measured the lot, a run before and after it included."""
    measured = [row.arrived_ns if row.analysed_ns is None else row.analysed_ns for row in results]
    first_ns, last_ns = min(measured, default=time["from_ns"]), max(measured, default=time["until_ns"])
    return {"from_ns": first_ns - _CONTROL_RUN_NS, "until_ns": last_ns + _CONTROL_RUN_NS}


def _until_ns(lot: LotRow, results: Sequence[ResultRow]) -> int | None:
    """Return until when a lot was made: its end, else its closing, else the last that is known of it."""
    if lot.ended_ns is not None or lot.closed_ns is not None:
        return lot.closed_ns if lot.ended_ns is None else lot.ended_ns
    known = [row.arrived_ns if row.sampled_ns is None else row.sampled_ns for row in results]
    return max(known, default=lot.started_ns)
