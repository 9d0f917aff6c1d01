"""What somebody sees of what is on record: the one rule by which views, documents, streams and acts are limited.

Who sees everything costs nothing here: nothing is read. A record is hidden where it, a lot or an order that it names
is another client's, and where it does not match its hash: then nobody knows whose it is. What names none of them is
the plant's, and all see it.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from gateway.advice.alarm_states import GATEWAY
from gateway.advice.gateway_alarms import is_of_the_plant
from gateway.records.alarms import Alarm
from gateway.records.guidance import Guidance
from gateway.records.laboratory import LabResult
from gateway.records.production import Context
from gateway.records.scope import Scope
from gateway.records.sight import Sight
from gateway.records.verdicts import Reason
from gateway.store.codec import decode
from gateway.store.statements import SQL
from gateway.texts.translating import texts_in


class Seen:
    """The records that a sight lets through, in one transaction."""

    def __init__(self, connection: sqlite3.Connection, sight: Sight) -> None:
        self.connection = connection
        self.sight = sight
        self._lots: dict[str, bool] = {}
        self._orders: dict[str, bool] = {}

    @property
    def limited(self) -> bool:
        """Return whether anything is hidden."""
        return self.sight.limited

    def all_of(self, scope: Scope, *, lots: Iterable[str | None] = (), orders: Iterable[str | None] = ()) -> bool:
        """Return whether a scope may be seen, and every lot that goes with it; without a lot, every order."""
        if not self.limited:
            return True
        named = [lot for lot in lots if lot]
        own = all(map(self.lot, named)) if named else all(self.order(order) for order in orders if order)
        return own and self.sight.sees(scope)

    def lot(self, material_lot_id: str) -> bool:
        """Return whether a lot may be named; one that is not on record is nobody's."""
        if not self.limited:
            return True
        if material_lot_id not in self._lots:
            row = self.connection.execute(SQL["whose_lot"], {"material_lot_id": material_lot_id}).fetchone()
            self._lots[material_lot_id] = row is None or self._sees(row)
        return self._lots[material_lot_id]

    def order(self, job_order_id: str) -> bool:
        """Return whether an order may be named: neither it nor a lot of it is another client's."""
        if not self.limited:
            return True
        if job_order_id not in self._orders:
            rows = self.connection.execute(SQL["whose_order"], {"job_order_id": job_order_id}).fetchall()
            self._orders[job_order_id] = all(self._sees(row) for row in rows)
        return self._orders[job_order_id]

    def _sees(self, row: sqlite3.Row) -> bool:
        return bool(row["holds"]) and self.sight.sees(Scope(client_id=row["client_id"] or None))

    def names_nobody_hidden(self, parameters: Mapping[str, Any]) -> bool:
        """Return whether no parameter of a text is the name of a hidden lot, such as one that went into another."""
        return not self.limited or all(self.lot(name) for value in parameters.values() for name in texts_in(value))

    def reasons(self, reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
        """Return the reasons that name nothing that is hidden."""
        return tuple(reason for reason in reasons if self.names_nobody_hidden(reason.parameters))

    def context(self, context: Context) -> bool:
        """Return whether it may be seen what runs on an equipment."""
        return self.all_of(context.scope, lots=(context.material_lot_id,), orders=(context.job_order_id,))

    def result(self, item: LabResult) -> bool:
        """Return whether a result may be seen."""
        return self.all_of(item.scope, lots=item.lots, orders=(item.job_order_id,))

    def guidance(self, item: Guidance) -> bool:
        """Return whether a guidance may be seen."""
        measured = True if item.measured is None else self.result(item.measured)
        return measured and self.all_of(item.scope, lots=(item.material_lot_id,), orders=(item.job_order_id,))

    def alarm(self, alarm: Alarm) -> bool:
        """Return whether an alarm may be seen: as its guidance; of the gateway's own those that name nobody's."""
        if not self.limited:
            return True
        if alarm.guidance_id is not None:
            return self.guidance_named(alarm.guidance_id)
        prefix = f"{GATEWAY}/"
        return alarm.alarm_id.startswith(prefix) and is_of_the_plant(alarm.alarm_id.removeprefix(prefix))

    def guidance_named(self, guidance_id: str) -> bool:
        """Return whether a guidance is on record and may be seen."""
        row = self.row_that_holds("knowledge_guidance", guidance_id)
        return row is not None and self.guidance(decode(Guidance, row["body"]))

    def row_that_holds(self, statement: str, key: str) -> sqlite3.Row | None:
        """Return the row of a key; None where there is none, or it does not match its hash."""
        row: sqlite3.Row | None = self.connection.execute(SQL[statement], {"key": key}).fetchone()
        return row if row is not None and row["holds"] else None
