"""Which lots a message is about, and how that is known: by name, else by equipment and time, sample, or order."""

from dataclasses import dataclass

from gateway.lab.release.lot_knowledge import Relation
from gateway.records.laboratory import LabResult
from gateway.store.facts.reading import Reading


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """The place and time in a message that names no lot; ``drawn_ns``: None where only its arrival is known."""

    source: str
    sample_id: str | None
    equipment_id: str | None
    job_order_id: str | None
    drawn_ns: int | None
    arrived_ns: int


def lots_of(reading: Reading, result: LabResult, arrived_ns: int) -> tuple[tuple[str, ...], Relation]:
    """Return the lots that a result, as its own message states it, concerns, and how that is known."""
    if result.lots:
        return result.lots, Relation.STATED
    place = Place(
        source=result.source,
        sample_id=result.sample_id,
        equipment_id=result.equipment_id,
        job_order_id=result.job_order_id,
        drawn_ns=result.sampled_ns,
        arrived_ns=arrived_ns,
    )
    return lots_in(reading, place)


def lots_in(reading: Reading, place: Place) -> tuple[tuple[str, ...], Relation]:
    """Return the lots that a message without a lot concerns, and how that is known."""
    at_equipment = _on_equipment(reading, place.equipment_id, place.drawn_ns)
    of_sample: tuple[str, ...] = ()
    if place.sample_id is not None:
        of_sample = reading.values("lots_of_sample", sample_id=place.sample_id, source=place.source)
    lots = tuple(dict.fromkeys((*at_equipment, *of_sample)))
    if lots:
        return lots, Relation.FOUND
    if place.job_order_id is not None:
        return reading.values("lots_of_order", job_order_id=place.job_order_id), Relation.POSSIBLE
    # drawn while nothing was made there, it may be of the lot that was made last
    last = _on_equipment(reading, place.equipment_id, place.drawn_ns, ended_too=True)
    here = _on_equipment(reading, place.equipment_id, place.arrived_ns)
    return tuple(dict.fromkeys((*last, *here))), Relation.POSSIBLE


def _on_equipment(
    reading: Reading, equipment_id: str | None, at_ns: int | None, *, ended_too: bool = False
) -> tuple[str, ...]:
    """Return the newest lots on an equipment at an instant; ``ended_too``: also if they had ended by then."""
    if equipment_id is None or at_ns is None:
        return ()
    rows = reading.rows("lots_on_equipment", {"equipment_id": equipment_id, "at_ns": at_ns, "ended_too": ended_too})
    return tuple(row["material_lot_id"] for row in rows)
