"""What was made on an equipment at an instant, as far as it is on record: inputs of models look at it besides tags."""

from gateway.line.definition import ModelBundle
from gateway.records.production import NOTHING_MADE, ContextKind, PhaseEvent, ProductionThen
from gateway.store.facts.reading import Reading
from gateway.store.statements import SQL


def production_of(reading: Reading, bundle: ModelBundle, equipment_id: str, at_ns: int) -> ProductionThen:
    """Return what a bundle's inputs know of production at an instant; nothing is read where none looks at it."""
    if not any(item.looks_at_production for item in bundle.inputs):
        return NOTHING_MADE
    return production_then(reading, equipment_id, at_ns)


def production_then(reading: Reading, equipment_id: str, at_ns: int) -> ProductionThen:
    """Return the batch on an equipment at an instant, its product and phases; outside a batch only the product."""
    batch = reading.row("batch_on_equipment", equipment_id=equipment_id, at_ns=at_ns)
    if batch is None:
        return ProductionThen(product=reading.context_of_equipment(equipment_id, at_ns).material_definition_id)
    lot, started_ns = batch["material_lot_id"], batch["started_ns"]
    context = reading.context("context_of_lot", material_lot_id=lot)
    return ProductionThen(
        product=None if context is None else context.material_definition_id,
        batch_started_ns=started_ns,
        phases=_phases(reading, equipment_id, lot, started_ns, at_ns),
    )


def _phases(reading: Reading, equipment_id: str, lot: str, started_ns: int, at_ns: int) -> tuple[PhaseEvent, ...]:
    """Return the starts and ends of a batch's phases; none where one is damaged: another would be taken for it."""
    parameters = {"equipment_id": equipment_id, "material_lot_id": lot, "started_ns": started_ns, "at_ns": at_ns}
    rows = reading.connection.execute(SQL["phases_of_batch"], parameters).fetchall()
    if len(reading.that_hold(rows)) < len(rows):
        return ()
    return tuple(
        PhaseEvent(phase=row["phase"], started=row["kind"] == ContextKind.PHASE_STARTED.value, at_ns=row["at_ns"])
        for row in rows
    )
