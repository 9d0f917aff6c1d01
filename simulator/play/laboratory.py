"""The recording's laboratory: measures every so many rows, and tells the result when it would have been ready."""

import json
import time
from collections.abc import Callable

from gateway.contract.identity import result_identity
from gateway.contract.times import rfc3339
from simulator.lims import SOURCE, TOPIC, Published
from simulator.mqtt import Publishes
from simulator.play.file import Recording, Timetable
from simulator.play.plant import until
from simulator.play.production import lot_at

EQUIPMENT, LOT = "played", "PLAYED"


async def measure(
    recording: Recording,
    timetable: Timetable,
    participant: Publishes,
    *,
    on_published: Callable[[Published], None],
    clock: Callable[[], float],
    ahead_ns: int = 0,
    now_ns: Callable[[], int] = time.time_ns,
) -> None:
    """Publish the results of an analyte of the played rows, each when it was known; returns after the last.

    ``ahead_ns``: so long before, as rows are written: what is known at the instant of a row or of the next sample must
    not come an instant after it.
    """
    results = recording.measured_in(timetable.first, timetable.end)
    for result in sorted(results, key=lambda item: item.arrives_ns):
        await until(max(timetable.at_ns(result.arrives_ns) - ahead_ns, timetable.at_ns(result.at_ns)), now_ns)
        sample, value = f"ROW-{result.number:07d}", result.value
        made = lot_at(recording.batches, recording.begin_ns + result.at_ns, equipment_id=EQUIPMENT)
        document = {
            "sample_id": sample, "test_id": recording.analyte, "value": value, "unit": recording.unit,
            "status": "approved", "result_version": 1, "equipment_id": EQUIPMENT, "material_lot_id": made or LOT,
            "sampled_at": rfc3339(timetable.at_ns(result.at_ns)),
        }  # fmt: skip
        on_published(
            Published(
                result_id=result_identity(
                    source=SOURCE, sample_id=sample, test_id=recording.analyte, replicate=1, result_version=1
                ),
                sample_id=sample,
                analyte=recording.analyte,
                value=value,
                out_of_specification=False,
                at=clock(),
            )
        )
        await participant.publish(TOPIC, json.dumps(document).encode())
