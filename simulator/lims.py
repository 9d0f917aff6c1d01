"""A laboratory: draws samples, takes its time, measures with an error, publishes approved results.

Of one lot it may be planted that a result was approved before it was analysed.
"""

import asyncio
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.contract.identity import result_identity
from gateway.contract.times import rfc3339
from simulator.mes import Mes
from simulator.mqtt import Publishes
from simulator.plant import Plant
from simulator.scenarios import EQUIPMENT, SPECIFICATIONS, TEST_NAMES, UNITS, Pace

TOPIC = "lims/results/qc"
SOURCE = "lims"
ERROR = {"viscosity": 0.5, "ph": 0.02}
DECIMALS = {"viscosity": 1, "ph": 2}
_APPROVED_BEFORE_SECONDS = 720.0  # of the planted lot


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """A result as it was sent; ``at`` is on the performance counter."""

    result_id: str
    sample_id: str
    analyte: str
    value: float
    out_of_specification: bool
    at: float


class Lims:
    """Samples the plant and publishes results; each analyte of a sample is a result of its own."""

    def __init__(
        self,
        participant: Publishes,
        plant: Plant,
        mes: Mes,
        pace: Pace,
        *,
        seed: int,
        on_published: Callable[[Published], None],
        planted_lot: str | None = None,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._participant = participant
        self._plant = plant
        self._mes = mes
        self._pace = pace
        self._random = random.Random(f"{seed}/lims")
        self._on_published = on_published
        self._now_ns = now_ns
        self._planted_lot = planted_lot
        self._number = 0
        self._working: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Draw samples until cancelled; what has been drawn is still measured, see ``finish``."""
        while True:
            await asyncio.sleep(self._pace.sample_every_seconds * self._random.uniform(0.9, 1.1))
            if self._mes.current_lot is not None:
                work = asyncio.create_task(self._analyse(self._mes.current_lot), name=f"sample-{self._number}")
                self._working.add(work)
                work.add_done_callback(self._working.discard)

    async def finish(self) -> None:
        """Wait for the samples that are in the laboratory."""
        while self._working:
            await asyncio.wait(set(self._working))

    async def _analyse(self, lot: str) -> None:
        self._number += 1
        sample, sampled_ns, order = f"S-{self._number:05d}", self._now_ns(), self._mes.current_order
        truth = self._plant.truth()
        await asyncio.sleep(self._pace.laboratory_delay_seconds)
        for analyte, true_value in (("viscosity", truth.viscosity), ("ph", truth.ph)):
            value = round(true_value + self._random.gauss(0.0, ERROR[analyte]), DECIMALS[analyte])
            document = {
                "sample_id": sample, "test_id": TEST_NAMES[analyte], "value": value, "unit": UNITS[analyte],
                "status": "approved", "result_version": 1, "sampled_at": rfc3339(sampled_ns),
                "analysed_at": rfc3339(self._now_ns()), "material_lot_id": lot, "job_order_id": order,
                "equipment_id": EQUIPMENT, "analyst": "bench", "method_id": f"M-{analyte}",
            }  # fmt: skip
            if lot == self._planted_lot and analyte == "viscosity":
                document["approved_at"] = rfc3339(self._now_ns() - round(_APPROVED_BEFORE_SECONDS * 1e9))
            await self._publish(document, analyte, value)

    async def _publish(self, document: dict[str, object], analyte: str, value: float) -> None:
        lower, upper = SPECIFICATIONS[analyte]
        published = Published(
            result_id=result_identity(
                source=SOURCE, sample_id=str(document["sample_id"]), test_id=TEST_NAMES[analyte],
                replicate=1, result_version=1,
            ),
            sample_id=str(document["sample_id"]),
            analyte=analyte,
            value=value,
            out_of_specification=not lower <= value <= upper,
            at=time.perf_counter(),
        )  # fmt: skip
        self._on_published(published)
        await self._participant.publish(TOPIC, json.dumps(document).encode())
