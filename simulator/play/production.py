"""The recording's production: tells when batches, phases and products begin and end, as an execution system would."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from gateway.contract.times import rfc3339
from gateway.training.file_production import FileBatch
from simulator.mes import TOPIC
from simulator.mqtt import Publishes
from simulator.play.file import Timetable
from simulator.play.plant import until


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Something of production that happens so long after the recording's first row, and the fields of its message."""

    since_first_ns: int
    fields: Mapping[str, str]


def changes_of(batches: tuple[FileBatch, ...], *, begin_ns: int, equipment_id: str) -> tuple[Change, ...]:
    """Return what production tells of the batches of a file, in the order of time; ``begin_ns``: of its first row."""
    made = (change for batch in batches for change in _of_batch(batch, equipment_id))
    return tuple(
        Change(since_first_ns=at_ns - begin_ns, fields={"equipment_id": equipment_id, **fields})
        for at_ns, fields in sorted(made, key=lambda change: change[0])
    )


def lot_at(batches: tuple[FileBatch, ...], at_ns: int, *, equipment_id: str) -> str | None:
    """Return the lot that is made at an instant of the file, None where none is; a batch's end belongs to it."""
    running = [batch for batch in batches
               if batch.started_ns <= at_ns and (batch.ended_ns is None or at_ns <= batch.ended_ns)]  # fmt: skip
    return _lot_of(max(running, key=lambda batch: batch.started_ns), equipment_id) if running else None


def _lot_of(batch: FileBatch, equipment_id: str) -> str:
    return f"{equipment_id}-{batch.name}-{batch.started_ns}"  # a name may come again


def _of_batch(batch: FileBatch, equipment_id: str) -> Iterator[tuple[int, dict[str, str]]]:
    lot = _lot_of(batch, equipment_id)
    product = {} if batch.product is None else {"material_definition_id": batch.product}
    yield batch.started_ns, {"event": "lot_started", "material_lot_id": lot, **product}
    for phase in batch.phases:
        event = "phase_started" if phase.started else "phase_ended"
        yield phase.at_ns, {"event": event, "phase": phase.phase, "material_lot_id": lot}
    if batch.ended_ns is not None:
        yield batch.ended_ns, {"event": "lot_ended", "material_lot_id": lot}


def told_from(changes: tuple[Change, ...], since_first_ns: int) -> tuple[Change, ...]:
    """Return the changes of the batch that runs at an instant, and all later ones."""
    starts = [change.since_first_ns for change in changes
              if change.fields["event"] == "lot_started" and change.since_first_ns <= since_first_ns]  # fmt: skip
    first_ns = max(starts, default=since_first_ns)
    return tuple(change for change in changes if change.since_first_ns >= first_ns)


async def tell(
    changes: tuple[Change, ...],
    timetable: Timetable,
    participant: Publishes,
    *,
    ahead_ns: int,
    now_ns: Callable[[], int] = time.time_ns,
) -> None:
    """Publish what production tells until the last played row, each a little before its time, as rows are written."""
    first_ns = int(timetable.since_first_ns[timetable.first])
    last_ns = int(timetable.since_first_ns[timetable.end - 1])
    for change in told_from(changes, first_ns):
        if change.since_first_ns > last_ns:
            return
        at_ns = timetable.at_ns(change.since_first_ns)
        await until(at_ns - ahead_ns, now_ns)
        await participant.publish(TOPIC, json.dumps({**change.fields, "at": rfc3339(at_ns)}).encode())
