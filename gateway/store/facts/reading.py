"""Reads rows and records for a decision, and notes which do not hold. Runs inside the writer's transaction."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypedDict, TypeVar

from pydantic import ValidationError

from gateway.history.windows import TagWindow, WindowRequest
from gateway.lab.in_force import SpecificationsOnRecord
from gateway.lab.lookalike_names import likeness_key
from gateway.line.definition import LineDefinition
from gateway.records.guidance import Guidance
from gateway.records.laboratory import Specification
from gateway.records.production import Context
from gateway.store.codec import decode
from gateway.store.facts.master_data import stated_in
from gateway.store.statements import SQL, value_of

_MOST_PRODUCTS = 2000  # with a specification, among which a name that looks alike is looked for
_CONTEXT = tuple(field.name for field in fields(Context))
Decoded = TypeVar("Decoded")


class Base(TypedDict):
    """What every decision knows."""

    line: LineDefinition
    latches: tuple[str, ...]
    damaged: tuple[str, ...]


class Reading:
    """Reads the facts of one event, and notes which records do not hold."""

    def __init__(
        self, connection: sqlite3.Connection, line: LineDefinition, windows: Mapping[WindowRequest, TagWindow]
    ) -> None:
        self.connection = connection
        self.line = line
        self.windows = windows
        self.kept: dict[str, object] = {}  # what is read once for all that is decided with the event
        self._damaged: list[str] = []

    @property
    def damaged(self) -> tuple[str, ...]:
        """Return the records that do not hold."""
        return tuple(dict.fromkeys(self._damaged))

    def base(self) -> Base:
        """Return what every decision knows."""
        return {"line": self.line, "latches": self.values("latches"), "damaged": ()}

    def rows(self, statement: str, parameters: Mapping[str, Any]) -> list[sqlite3.Row]:
        """Return the rows that hold."""
        return self.that_hold(self.connection.execute(SQL[statement], parameters).fetchall())

    def that_hold(self, rows: Sequence[sqlite3.Row]) -> list[sqlite3.Row]:
        """Return those of the rows that hold."""
        holding = [row for row in rows if row["holds"]]
        if len(holding) < len(rows):
            self._damaged += [row["record"] for row in rows if not row["holds"]]
        return holding

    def row(self, statement: str, **parameters: Any) -> sqlite3.Row | None:
        """Return the first row that holds, or None."""
        return next(iter(self.rows(statement, parameters)), None)

    def values(self, statement: str, **parameters: Any) -> tuple[str, ...]:
        """Return the first column of a statement's rows."""
        return tuple(row[0] for row in self.connection.execute(SQL[statement], parameters))

    def decoded(self, kind: type[Decoded], rows: Iterable[sqlite3.Row]) -> tuple[Decoded, ...]:
        """Return the records of rows; what is of another version is noted as one that does not hold."""
        records = []
        for row in rows:
            try:
                records.append(decode(kind, row["body"]))
            except ValidationError:  # of another version: named, and no reason to stop all else
                self._damaged.append(row["record"])
        return tuple(records)

    def guidance(self, statement: str, **parameters: Any) -> tuple[Guidance, ...]:
        """Return the guidance of a statement's rows."""
        return self.decoded(Guidance, self.rows(statement, parameters))

    def specifications(self, *products: str | None) -> SpecificationsOnRecord:
        """Return the specifications of the configuration, and what has been stated of products."""
        stated = self._master_data(*products)
        return SpecificationsOnRecord(
            configured=self.line.specifications,
            stated=stated,
            products_alike=_products_alike(self, {*products} - {None, *(item.product for item in stated)}),
        )

    def context(self, statement: str, **parameters: Any) -> Context | None:
        """Return the context of a statement's row, or None."""
        row = self.row(statement, **parameters)
        return None if row is None else Context(**{name: row[name] for name in _CONTEXT})

    def context_of_equipment(self, equipment_id: str, at_ns: int) -> Context:
        """Return what ran on an equipment at an instant: its lot, else its order, else only the equipment."""
        lot = self.row("lot_on_equipment", equipment_id=equipment_id, at_ns=at_ns)
        order = None if lot else self.row("order_on_equipment", equipment_id=equipment_id, at_ns=at_ns)
        context = None
        if lot is not None:
            context = self.context("context_of_lot", material_lot_id=lot["material_lot_id"])
        elif order is not None:
            context = self.context("context_of_order", job_order_id=order["job_order_id"])
        return context or Context(equipment_id=equipment_id)

    def gaps(self, context: Context, line: LineDefinition, from_ns: int | None, until_ns: int) -> tuple[str, ...]:
        """Return the first known gaps in the data of an equipment between two instants."""
        if from_ns is None or context.equipment_id is None:
            return ()
        between: dict[str, Any] = {"from_ns": from_ns, "until_ns": until_ns}
        if value_of(self.connection, "any_gap_between", **between) is None:
            return ()
        tags = [tag for tag in line.tags.values() if tag.equipment_id == context.equipment_id]
        subjects = {"history", *(tag.name for tag in tags), *(tag.source for tag in tags)}
        between["subjects"] = json.dumps(sorted(subjects))
        return tuple(gap_id for (gap_id,) in self.connection.execute(SQL["gaps_between"], between))

    def _master_data(self, *products: str | None) -> tuple[Specification, ...]:
        """Return what has been stated of products, each in force from its date, else from when it was stated."""
        specifications: list[Specification] = []
        for product in dict.fromkeys(products):
            rows = [] if product is None else self.rows("specifications_of_product", {"product": product})
            specifications += stated_in(rows)
        return tuple(specifications)

    def note_damaged(self, records: Iterable[str]) -> None:
        """Note records that do not hold."""
        self._damaged += records


def _products_alike(reading: Reading, products: Iterable[str | None]) -> Mapping[str, tuple[str, ...]]:
    """Return, of products of which nothing is stated nor configured, those with one whose names only look alike."""
    configured = {item.product for item in reading.line.specifications if item.product is not None}
    missing = [product for product in products if product is not None and product not in configured]
    if not missing:
        return {}
    with_one = sorted({*configured, *reading.values("products_stated", most=_MOST_PRODUCTS)})
    alike = {
        product: tuple(other for other in with_one if likeness_key(other) == likeness_key(product))
        for product in missing
    }
    return {product: others for product, others in alike.items() if others}
