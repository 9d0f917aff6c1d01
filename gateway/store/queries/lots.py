"""What is on record of one lot: what is recommended, what speaks against a release, and what people have settled.

Read by commands, while the gateway may be writing. Rows that do not match their hash are left out and named.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from pydantic import ValidationError

from gateway.facts.acts import PointOnRecord
from gateway.lab.disposition import worse
from gateway.lab.release.assessment import Assessment, Subject
from gateway.lab.release.lot_knowledge import Parent
from gateway.records.laboratory import Disposition, Recommendation
from gateway.records.lot_parts import LotDivided
from gateway.records.people import Settlement
from gateway.store.codec import decode
from gateway.store.statements import SQL, value_of

_MOST_LOTS = 20_000  # the newest, among which a mistyped name is looked for
_OF_PRODUCTION = ("client_id", "job_order_id", "equipment_id", "started_ns", "ended_ns", "closed_ns")
_ORDER = (Recommendation.HOLD, Recommendation.REVIEW, Recommendation.PENDING, Recommendation.RELEASE)


class PartDeclared(NamedTuple):
    """A part as it was declared last, None of what is no part; ``damaged``: records that do not hold."""

    part: LotDivided | None
    damaged: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LotOnRecord:
    """A lot as it is on record; instants in UTC ns."""

    material_lot_id: str
    recommendation: Recommendation
    latched: bool
    since_ns: int | None
    waits_to_be_judged: bool
    products: tuple[str, ...]
    client_id: str | None = None
    job_order_id: str | None = None
    equipment_id: str | None = None
    started_ns: int | None = None
    ended_ns: int | None = None
    closed_ns: int | None = None
    open_points: tuple[PointOnRecord, ...]  # the worst first
    settled: tuple[PointOnRecord, ...]
    settled_otherwise: tuple[Settlement, ...]  # whose points no longer stand
    disposition: Disposition | None  # the last one that was published
    assessments: int
    inside: int  # assessments that ask for a release
    parents: tuple[Parent, ...]
    children: tuple[Parent, ...]
    damaged: tuple[str, ...]
    part: LotDivided | None = None  # of which lot it is a part, and how much

    @property
    def against_release(self) -> tuple[PointOnRecord, ...]:
        """The open points that a release would be over: without the decision that it would replace."""
        return tuple(item for item in self.open_points if item.about.kind is not Subject.DECISION)


def lot_on_record(connection: sqlite3.Connection, lot: str) -> LotOnRecord | None:
    """Return what is on record of a lot; None where nothing is known of it."""
    reading = _Reading(connection, lot)
    part = reading.part()
    row = next(iter(reading.rows("lot_on_record")), None)
    made = row if part is None else next(iter(reading.rows("lot_on_record", part.material_lot_id)), None)
    assessed = tuple(reading.assessments())
    if row is None and not assessed and not reading.damaged:
        return None
    disposition = reading.disposition()
    published = Recommendation.PENDING if disposition is None else disposition.recommendation
    stated = published if row is None else recommendation_in(row["recommendation"])
    named = dict.fromkeys(name for item in assessed for name in item.products)
    product = made["product"] if made is not None else None
    settlements = {item.point_id: item for item in reading.settlements()}
    open_points, settled = _points(assessed, settlements)
    standing = {item.point.point_id for item in (*open_points, *settled)}
    of_production: Mapping[str, Any] = {} if made is None else {name: made[name] for name in _OF_PRODUCTION}
    parents, children = reading.parents(), reading.children()
    reading.damaged += less_careful_than_the_trail(connection, lot, stated)
    recommendation = as_shown(stated, damaged=bool(reading.damaged))

    return LotOnRecord(
        material_lot_id=lot,
        recommendation=recommendation,
        latched=row is not None and bool(row["latched"]),
        since_ns=_since_ns(connection, lot, recommendation),
        waits_to_be_judged=_waits(connection, lot) or (part is not None and _waits(connection, part.material_lot_id)),
        products=tuple(dict.fromkeys((*((product,) if product else ()), *named))),
        **of_production,
        open_points=open_points,
        settled=settled,
        settled_otherwise=tuple(
            item for item in settlements.values() if item.point_id not in standing | reading.of_other_lots
        ),
        disposition=disposition,
        assessments=len(assessed),
        inside=sum(item.asks is Recommendation.RELEASE for item in assessed),
        parents=parents,
        children=children,
        damaged=tuple(dict.fromkeys(reading.damaged)),
        part=part,
    )


def _waits(connection: sqlite3.Connection, lot: str) -> bool:
    return value_of(connection, "lot_waits_to_be_judged", material_lot_id=lot) is not None


def part_declared(connection: sqlite3.Connection, lot: str) -> PartDeclared:
    """Return of which lot a name is a part."""
    row = connection.execute(SQL["part_on_record"], {"part_id": lot}).fetchone()
    if row is None:
        missing = value_of(connection, "part_is_missing", part_id=lot)
        return PartDeclared(None, (f"lot_part {lot}",) if missing else ())
    part = part_in(row)
    return PartDeclared(part, () if part is not None else (row["record"],))


def part_in(row: sqlite3.Row) -> LotDivided | None:
    """Return the part in a row, None where that does not hold."""
    try:
        return decode(LotDivided, row["body"]) if row["holds"] else None
    except ValidationError:
        return None


def as_shown(recommendation: Recommendation, *, damaged: bool) -> Recommendation:
    """Return what people are shown of a lot: a hold, where its records do not all hold."""
    return Recommendation.HOLD if damaged else recommendation


def less_careful_than_the_trail(connection: sqlite3.Connection, lot: str, stated: Recommendation) -> tuple[str, ...]:
    """Return the lot, where its records ask for less care than the newest line of the trail about it.

    A row that was taken out whole matches no hash wrongly; the trail still has what it said.
    """
    line = connection.execute(SQL["newest_line_about_lot"], {"material_lot_id": lot}).fetchone()
    if line is None:
        return ()
    in_line = recommendation_in(line["recommendation"])
    if worse(stated, in_line) is stated:
        return ()
    return (f"lot {lot}, to which audit line {line['seq']} says {in_line.value}",)


def row_as_shown(row: sqlite3.Row) -> tuple[Recommendation, bool]:
    """Return what people are shown of a lot's row, and whether it is damaged or asks for less care than the trail."""
    stated, in_trail = recommendation_in(row["recommendation"]), row["in_trail"]
    less_careful = in_trail is not None and worse(stated, recommendation_in(in_trail)) is not stated
    damaged = not row["holds"] or less_careful
    return as_shown(stated, damaged=damaged), damaged


def recommendation_in(word: object) -> Recommendation:
    """Return the recommendation that a word names; a hold, where it cannot be read."""
    return next((item for item in Recommendation if item.value == word), Recommendation.HOLD)


def _since_ns(connection: sqlite3.Connection, lot: str, recommendation: Recommendation) -> int | None:
    """Return since when every disposition has had the present recommendation."""
    since_ns = None
    for at_ns, recorded in connection.execute(SQL["recommendations_of_lot"], {"material_lot_id": lot}):
        if recorded != recommendation.value:
            break
        since_ns = int(at_ns)
    return since_ns


def names_of_lots(connection: sqlite3.Connection) -> list[str]:
    """Return the names of the newest lots on record, the newest first."""
    return [name for (name,) in connection.execute(SQL["newest_lots"], {"most": _MOST_LOTS})]


def all_settlements(connection: sqlite3.Connection) -> list[tuple[str, Settlement]]:
    """Return every settlement that holds with its lot, in their order."""
    names = [item.name for item in fields(Settlement)]
    return [
        (row["material_lot_id"], Settlement(**{name: row[name] for name in names}))
        for row in connection.execute(SQL["all_settlements"])
    ]


def open_points_of(connection: sqlite3.Connection, lot: str) -> tuple[PointOnRecord, ...]:
    """Return the open points against a lot's release, the worst first."""
    reading = _Reading(connection, lot)
    reading.part()
    settlements = {item.point_id: item for item in reading.settlements()}
    return _points(tuple(reading.assessments()), settlements)[0]


def _points(
    assessed: tuple[Assessment, ...], settlements: dict[str, Settlement]
) -> tuple[tuple[PointOnRecord, ...], tuple[PointOnRecord, ...]]:
    """Return (open points, the worst first; settled points).

    A point that was settled a moment ago still stands in its assessment, until the lot has been judged again.
    """
    known = [
        PointOnRecord(point=point, about=item, settlement=settlements.get(point.point_id))
        for item in assessed
        for point in (*item.points, *item.settled)
    ]
    open_points = [item for item in known if item.settlement is None or not item.point.can_be_settled]
    settled = tuple(item for item in known if item.settlement is not None and item.point.can_be_settled)
    return tuple(sorted(open_points, key=lambda item: _ORDER.index(item.point.asks))), settled


class _Reading:
    """Reads the rows of one lot that hold; the others are named in ``damaged``."""

    def __init__(self, connection: sqlite3.Connection, lot: str) -> None:
        self._connection = connection
        self._lot = lot
        self.damaged: list[str] = []
        self.of_other_lots: set[str] = set()  # points that people have settled for every lot, or for another one
        self._whole_lot: str | None = None  # of which it is a part: what is settled for that counts for it, too

    def part(self) -> LotDivided | None:
        """Return of which lot it is a part; what is settled for that is read with its own from now on."""
        declared = part_declared(self._connection, self._lot)
        self.damaged += declared.damaged
        self._whole_lot = None if declared.part is None else declared.part.material_lot_id
        return declared.part

    def rows(self, statement: str, lot: str | None = None) -> list[sqlite3.Row]:
        rows = self._connection.execute(SQL[statement], {"material_lot_id": lot or self._lot}).fetchall()
        self.damaged += [row["record"] for row in rows if not row["holds"]]
        return [row for row in rows if row["holds"]]

    def assessments(self) -> Iterator[Assessment]:
        for row in self.rows("assessments_of_lot"):
            try:
                yield decode(Assessment, row["body"])
            except ValidationError:  # of another version of the gateway, which writes it again at its start
                self.damaged.append(row["record"])

    def settlements(self) -> Iterator[Settlement]:
        of_whole_lot = [] if self._whole_lot is None else self.rows("settlements_of_lot", self._whole_lot)
        for row in (*self.rows("settlements_of_lot"), *of_whole_lot):
            if row["material_lot_id"] != self._lot:
                self.of_other_lots.add(row["point_id"])
            yield Settlement(**{item.name: row[item.name] for item in fields(Settlement)})

    def disposition(self) -> Disposition | None:
        for row in self.rows("newest_disposition_of_lot"):
            try:
                return decode(Disposition, row["body"])
            except ValidationError:
                self.damaged.append(row["record"])
        return None

    def parents(self) -> tuple[Parent, ...]:
        """Return the lots that it was made from and that are in question, each with what it asks for."""
        rows = self._connection.execute(SQL["parents_in_question"], {"material_lot_id": self._lot})
        return tuple(
            Parent(
                material_lot_id=row["material_lot_id"],
                asks=Recommendation.HOLD if row["on_hold"] else Recommendation.REVIEW,
            )
            for row in rows
        )

    def children(self) -> tuple[Parent, ...]:
        return tuple(
            Parent(material_lot_id=row["material_lot_id"], asks=Recommendation(row["recommendation"]))
            for row in self.rows("children_in_question")
        )
