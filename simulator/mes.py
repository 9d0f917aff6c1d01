"""A manufacturing execution system: plans, opens and closes orders and lots, and tells the broker.

Over HTTP it hears what the gateway tells it: a lot is released there once a person has released it.
"""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from gateway.contract.times import rfc3339
from simulator.mqtt import Publishes
from simulator.rest_systems import Call
from simulator.scenarios import EQUIPMENT, PRODUCT, Pace

TOPIC = "mes/context/bench"


class Mes:
    """Runs one order after the other, each with its lots.

    ``certificates``: the number of the certificate that it has received for a lot. ``released``: the lots that it may
    ship. ``ended_at`` and ``received_at``: when a lot ended and its certificate came, on the performance counter.
    """

    def __init__(
        self,
        participant: Publishes,
        pace: Pace,
        *,
        on_closed: Callable[[str], None] = lambda _lot: None,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._participant = participant
        self._now_ns = now_ns
        self._on_closed = on_closed
        self._pace = pace
        self._closing: set[asyncio.Task[None]] = set()
        self.current_lot: str | None = None
        self.current_order: str | None = None
        self.lots_started = 0
        self.certificates: dict[str, str] = {}
        self.released: set[str] = set()
        self.ended_at: dict[str, float] = {}
        self.received_at: dict[str, float] = {}

    async def run(self) -> None:
        """Open and close orders and lots until cancelled."""
        order_number, lots = 1000, (self._pace.lot_seconds,) * self._pace.lots_per_order
        try:
            if self._pace.opening_lots_seconds:
                await self._order(f"WO-{order_number}", self._pace.opening_lots_seconds)
            while True:
                order_number += 1
                await self._order(f"WO-{order_number}", lots)
        finally:
            for task in self._closing:
                task.cancel()

    def heard(self, call: Call) -> None:
        """Take what the gateway tells by HTTP."""
        document = json.loads(call.body)
        lot = document["material_lot_id"]
        match call.headers.get("x-labline-kind"):
            case "release":
                self.released.add(lot)
            case "hold":
                self.released.discard(lot)
            case "certificate" if document["state"] == "signed":
                self.certificates[lot] = document["number"]
                self.received_at.setdefault(lot, time.perf_counter())
            case "certificate":
                self.certificates.pop(lot, None)

    async def _order(self, order: str, lots_seconds: Sequence[float]) -> None:
        self.current_order = order
        product = {"material_definition_id": PRODUCT, "equipment_id": EQUIPMENT}
        await self._tell("order_started", job_order_id=order, **product, quantity={"value": 1200, "unit": "kg"})
        for at, seconds in enumerate(lots_seconds):
            lot = f"LOT-{order.removeprefix('WO-')}/{at + 1}"
            await self._tell("lot_started", material_lot_id=lot, job_order_id=order, **product)
            consumed = {"consumed_lot_id": f"RM-{order}-{at}", "consumed_definition_id": "MONOMER-A"}
            await self._tell(
                "material_consumed", material_lot_id=lot, **consumed, supplier="Bench Chemicals", equipment_id=EQUIPMENT
            )
            self.current_lot = lot
            self.lots_started += 1
            await asyncio.sleep(seconds)
            self.ended_at[lot] = time.perf_counter()
            await self._tell("lot_ended", material_lot_id=lot, job_order_id=order, equipment_id=EQUIPMENT)
            closing = asyncio.create_task(self._close_later(lot), name=f"close-{lot}")
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        await self._tell("order_ended", job_order_id=order, equipment_id=EQUIPMENT)

    async def _close_later(self, lot: str) -> None:
        await asyncio.sleep(self._pace.close_after_seconds)
        await self._tell("lot_closed", material_lot_id=lot)
        self._on_closed(lot)

    async def _tell(self, event: str, **fields: Any) -> None:
        message = {"event": event, **fields, "at": rfc3339(self._now_ns())}
        await self._participant.publish(TOPIC, json.dumps(message).encode())
