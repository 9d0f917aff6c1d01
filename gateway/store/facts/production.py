"""What production context stands on."""

from gateway.events import (
    ContextChanged,
)
from gateway.facts.production import LotClosedFacts, LotEndedFacts
from gateway.records.production import Context
from gateway.store.facts.loaders import loader
from gateway.store.facts.reading import Reading
from gateway.store.queries.lot_parts import PartsDeclared, parts_declared
from gateway.store.queries.lots import part_declared
from gateway.store.statements import SQL


@loader
def lot_ended_facts(reading: Reading, event: ContextChanged) -> LotEndedFacts:
    """Return what is known of a lot that has ended."""
    lot = event.change.material_lot_id
    context = None if lot is None else reading.context("context_of_lot", material_lot_id=lot)
    started_ns = _lot_started_ns(reading, lot)
    return LotEndedFacts(**reading.base(), context=context or Context(), lot_started_ns=started_ns)


@loader
def lot_closed_facts(reading: Reading, event: ContextChanged) -> LotClosedFacts:
    """Return the open guidance of a lot that is closed, and of its parts; also where it is a part itself."""
    lot = event.change.material_lot_id
    of_lot = PartsDeclared((), (), ()) if lot is None else parts_declared(reading.connection, lot)
    reading.note_damaged(of_lot.damaged)
    own = None if lot is None else part_declared(reading.connection, lot).part
    parts = (*(part for part, _recommendation in of_lot.parts), *(() if own is None else (own,)))
    open_guidance = tuple(
        guidance
        for name in dict.fromkeys((lot, *(part.part_id for part in parts)))
        for guidance in reading.guidance("open_guidance_of_lot", material_lot_id=name)
    )
    return LotClosedFacts(**reading.base(), open_guidance=open_guidance, parts=parts)


def _lot_started_ns(reading: Reading, lot: str | None) -> int | None:
    row = reading.connection.execute(SQL["lot_times"], {"material_lot_id": lot}).fetchone()
    return None if row is None else row["started_ns"]
