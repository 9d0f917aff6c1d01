"""The recording's laboratory: measures every so many rows, and tells the result when it would have been ready."""

import json
from collections.abc import Callable

from gateway.contract.identity import result_identity
from gateway.contract.times import rfc3339
from simulator.lims import SOURCE, TOPIC, Published
from simulator.mqtt import Participant
from simulator.play.file import Recording, Timetable
from simulator.play.plant import until

EQUIPMENT, LOT = "played", "PLAYED"
_WITHIN_ROW = 0.25  # drawn a little after the row's values are there


async def measure(
    recording: Recording,
    timetable: Timetable,
    participant: Participant,
    *,
    on_published: Callable[[Published], None],
    clock: Callable[[], float],
) -> None:
    """Publish the result of each measured row, late as the laboratory is; returns after the last that is ready."""
    for row in range(timetable.first, timetable.end - recording.delay_rows):
        if row % recording.every_rows:
            continue
        await until(timetable.instant_ns(row + recording.delay_rows))
        sample, value = f"ROW-{row:07d}", float(recording.truth[row])
        document = {
            "sample_id": sample, "test_id": recording.analyte, "value": value, "unit": recording.unit,
            "status": "approved", "result_version": 1, "equipment_id": EQUIPMENT, "material_lot_id": LOT,
            "sampled_at": rfc3339(timetable.instant_ns(row + _WITHIN_ROW)),
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
