"""A store of a season, written at once: lots with their results, materials, guidance and deviations; for searches."""

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from gateway.lab.deviations import DeviationInShort
from gateway.records.guidance import Guidance, GuidanceKind, GuidanceState, Severity
from gateway.records.laboratory import LabResult, ResultStatus
from gateway.records.verdicts import Reason
from gateway.store.codec import encode
from gateway.store.database import open_state
from gateway.time_units import SECOND_NS

BEGIN_NS, EVERY_NS = 1_790_000_000 * SECOND_NS, 1800 * SECOND_NS
_TESTS = (
    ("Viscosity", "viscosity", 100.0, 3.0, "mPa.s"),
    ("pH", "ph", 7.1, 0.1, None),
    ("Density", "density", 1.02, 0.01, "g/cm3"),
)
_SUPPLIERS = ("Acme", "Bolt", "Cyan", "Dorn", "Elm")
_CAUSES = ("pressure", "temperature", "feed rate", "filter", "monomer purity")


def lot_name(number: int) -> str:
    """Return the name of a lot of the season."""
    return f"LOT-{number:05d}"


def write_season(directory: Path, *, lots: int) -> None:
    """Write a season of lots into a new store; every fortieth failed."""
    chance, connection = random.Random(3), open_state(directory)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO event VALUES ('e', 'ResultArrived', 1, 's', 't', 1, 'p', NULL)")
    for number in range(lots):
        _write_lot(connection, chance, number, failed=number % 40 == 7)
    connection.execute("COMMIT")
    connection.close()


def _write_lot(connection: sqlite3.Connection, chance: random.Random, number: int, *, failed: bool) -> None:
    lot, at_ns = lot_name(number), BEGIN_NS + number * EVERY_NS
    supplier = chance.choice(_SUPPLIERS)
    connection.execute(
        "INSERT INTO lot (material_lot_id, job_order_id, material_definition_id, equipment_id, started_ns, ended_ns,"
        " recommendation, latched) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (lot, f"WO-{number // 20}", f"FG-{100 + number % 5}", f"R{1 + number % 3}", at_ns, at_ns + EVERY_NS,
         "hold" if failed else "release", failed),
    )  # fmt: skip
    connection.execute(
        "INSERT INTO material_use (material_lot_id, consumed_lot_id, consumed_definition_id, supplier, at_ns)"
        " VALUES (?, ?, 'MONOMER-A', ?, ?)",
        (lot, f"RM-{number // 8}", supplier, at_ns),
    )
    results = list(_results(chance, number, lot, at_ns, failed=failed))
    for result in results:
        connection.execute(
            "INSERT INTO lab_result (result_id, source, sample_id, test_id, replicate, result_version, current,"
            " analyte, material_lot_id, sampled_ns, payload_sha256, payload, body, event_id)"
            " VALUES (?, 'lims', ?, ?, 1, 1, 1, ?, ?, ?, 'p', x'', ?, 'e')",
            (result.result_id, result.sample_id, result.test_id, result.analyte, lot, at_ns, encode(result)),
        )
    if failed:
        _write_failure(connection, chance, results[0], at_ns)


def _results(chance: random.Random, number: int, lot: str, at_ns: int, *, failed: bool) -> Iterator[LabResult]:
    for test, analyte, mean, sigma, unit in _TESTS:
        value = round(chance.gauss(mean, sigma) + (4 * sigma if failed and analyte == "viscosity" else 0), 3)
        yield LabResult(
            result_id=f"r-{number}-{analyte}", source="lims", sample_id=f"S-{number:05d}", test_id=test,
            analyte=analyte, replicate=1, value_text=str(value), value=value, qualifier=None, unit=unit,
            status=ResultStatus.APPROVED, result_version=1, sampled_ns=at_ns, material_lot_id=lot,
            material_definition_id=f"FG-{100 + number % 5}", analyst=f"analyst {number % 7}",
            instrument_id=f"I-{number % 4}",
        )  # fmt: skip


def _write_failure(connection: sqlite3.Connection, chance: random.Random, result: LabResult, at_ns: int) -> None:
    lot, cause = result.material_lot_id or "", chance.choice(_CAUSES)
    reason = Reason(
        code="OUT_OF_SPECIFICATION",
        text=f"Viscosity {result.value_text} is above the upper limit of 105; {cause} was unusual.",
    )
    guidance = Guidance(
        guidance_id=f"g-{lot}", kind=GuidanceKind.HOLD, state=GuidanceState.PROPOSED, severity=Severity.CRITICAL,
        title=f"Hold lot {lot}: Viscosity {result.value_text} above 105", reasons=(reason,), issued_ns=at_ns,
        expires=None, material_lot_id=lot, analyte="viscosity", measured=result, equipment_id="R1",
    )  # fmt: skip
    connection.execute(
        "INSERT INTO guidance (guidance_id, kind, state, open, issued_ns, body)"
        " VALUES (?, 'hold', 'proposed', 0, ?, ?)",
        (guidance.guidance_id, at_ns, encode(guidance)),
    )
    deviation = DeviationInShort(
        deviation_id=f"d-{lot}", at_ns=at_ns, result=result, reasons=(reason,), causes=(), similar=(), affected_lots=(),
        equipment_id="R1", opened_ns=at_ns,
    )  # fmt: skip
    connection.execute(
        "INSERT INTO deviation (deviation_id, result_id, sample_id, material_lot_id, product, analyte, at_ns, body)"
        " VALUES (?, ?, ?, ?, ?, 'viscosity', ?, ?)",
        (deviation.deviation_id, result.result_id, result.sample_id, lot, result.material_definition_id, at_ns,
         encode(deviation)),
    )  # fmt: skip
    connection.execute(
        "INSERT INTO settlement (point_id, material_lot_id, person, reason, at_ns, event_id)"
        " VALUES (?, ?, ?, ?, ?, 'e')",
        (f"p-{lot}", lot, f"quality {at_ns % 5}", f"looked at the {cause}, cleaned and measured again", at_ns),
    )
