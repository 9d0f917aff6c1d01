"""A season judged again: ten thousand lots with six results each, by the replay, which decides as the gateway does.

Unlike the gateway, a replay keeps no audit trail and waits for no disk.

One lot in fifty fails a test, one result in a hundred is corrected, and each series is charted.
"""

import json
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from gateway.contract.identity import sha256_hex
from gateway.contract.lims.lab_results import LimsInterface, lab_result
from gateway.contract.mes_messages import context_change
from gateway.contract.times import rfc3339
from gateway.database.opening import open_for_writing
from gateway.events import ContextChanged, ResultArrived
from gateway.history.file.statements import HISTORY, HISTORY_FILE
from gateway.history.reader.recorded import RecordedHistory
from gateway.history.reader.windows_as_of import KnownThen
from gateway.line.definition import LineDefinition
from gateway.records.deliveries import Origin
from gateway.records.laboratory import ResultStatus, Specification
from gateway.replay.recorded import Recorded, Recording, Stretch, moment
from gateway.replay.rerun import rerun
from gateway.time_units import SECOND_NS
from simulator.bench.measuring import Figure, Goal

LOTS, SMALL_LOTS = 10_000, 300
_ANALYTES = ("viscosity", "ph", "density", "solids", "colour", "water")
_BEGUN_NS = 1_800_000_000 * SECOND_NS
_LOT_NS = 600 * SECOND_NS


def measure(small: bool) -> dict[str, Figure]:  # noqa: FBT001 - every bench takes it
    """Return how long a season takes to be judged."""
    lots = SMALL_LOTS if small else LOTS
    recorded = list(_season(lots))
    stretch = Stretch(from_ns=_BEGUN_NS, until_ns=_BEGUN_NS + (lots + 1) * _LOT_NS)
    with (
        tempfile.TemporaryDirectory(prefix="labline-bench-") as name,
        closing(open_for_writing(Path(name) / HISTORY_FILE, HISTORY)) as connection,
    ):
        known = KnownThen(RecordedHistory(connection, []), {}, start_ns=stretch.from_ns, end_ns=stretch.until_ns)
        begun, folder = time.perf_counter(), Path(name) / "replay"
        recording = Recording(events=recorded, stretch=stretch)
        season = rerun(recording, line=bare_line(), history=known, folder=folder)
        seconds = time.perf_counter() - begun
    results = sum(isinstance(past.event, ResultArrived) for past in recorded)
    return {
        "lots": Figure(value=lots, unit="lots"),
        "results": Figure(value=results, unit="results"),
        "dispositions": Figure(
            value=len(season.output.dispositions), unit="messages", goal=Goal(op="==", value=results)
        ),
        "season": Figure(value=seconds, unit="s", goal=Goal(op="<=", value=60)),
    }


def bare_line() -> LineDefinition:
    """Return a line without tags and models, with a product of six analytes."""
    return LineDefinition(
        path="bench/lab/polymers/line-1",
        topic_root="bench/lab/polymers/line-1/quality",
        tags={},
        specifications=tuple(
            Specification(product="FG-100", analyte=analyte, lower=95.0, upper=105.0, target=100.0, version="1",
                          required=True)
            for analyte in _ANALYTES
        ),
    )  # fmt: skip


def _season(lots: int) -> Iterator[Recorded]:
    chance, place = random.Random(3), 0
    for number in range(lots):
        at_ns, lot = _BEGUN_NS + number * _LOT_NS, f"LOT-{number:05d}"
        messages: list[tuple[str, dict[str, object]]] = [
            ("mes/context/x", {"event": "lot_started", "material_lot_id": lot, "equipment_id": "R1"})
        ]
        bad = chance.random() < 0.02
        for analyte in _ANALYTES:
            value = round(chance.gauss(108.0 if bad and analyte == "ph" else 100.0, 1.0), 3)
            result: dict[str, object] = {
                "sample_id": f"S-{number:05d}", "test_id": analyte, "value": value, "status": "approved",
                "result_version": 1, "material_lot_id": lot, "product": "FG-100",
                "sampled_at": rfc3339(at_ns + 300 * SECOND_NS),
            }  # fmt: skip
            messages.append(("lims/results/x", result))
            if chance.random() < 0.01:
                messages.append(("lims/results/x", {**result, "result_version": 2, "value": value + 0.1}))
        for offset, (topic, message) in enumerate(messages, start=1):
            place += 1
            yield _recorded(topic, message, at_ns + 400 * SECOND_NS + offset * SECOND_NS, place)


def _recorded(topic: str, message: dict[str, object], at_ns: int, place: int) -> Recorded:
    if topic.startswith("mes"):
        message = {**message, "at": rfc3339(at_ns - 400 * SECOND_NS)}
    payload = json.dumps(message).encode()
    origin = Origin(session="bench", topic=topic, message_number=place, redelivered=False,
                    payload_sha256=sha256_hex(payload))  # fmt: skip
    if topic.startswith("mes"):
        change = context_change(payload, now_ns=at_ns)
        context = ContextChanged(at=moment(at_ns), origin=origin, change=change, payload=payload)
        return Recorded(event=context, place=(place, 0))
    result = lab_result(
        payload, LimsInterface(source="lims", analytes={}, assume_status=ResultStatus.APPROVED), now_ns=at_ns
    )
    return Recorded(
        event=ResultArrived(at=moment(at_ns), origin=origin, result=result, payload=payload), place=(place, 0)
    )
