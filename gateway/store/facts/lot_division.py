"""From the tables: what dividing a lot stands on. Runs inside the writer's transaction."""

from gateway.events import ActRequested
from gateway.facts.lot_division import DivideLotFacts
from gateway.lab.lookalike_names import likeness_key
from gateway.records.lot_parts import DivideLot, part_id_of
from gateway.records.scope import Scope
from gateway.store.facts.acts import act_base
from gateway.store.facts.loaders import loader
from gateway.store.facts.lot.other_lots import MOST_ALIKE
from gateway.store.facts.reading import Reading
from gateway.store.queries.lot_parts import parts_of_lot, quantity_of_lot
from gateway.store.queries.lots import lot_on_record, part_declared
from gateway.store.statements import value_of


@loader
def divide_lot_facts(reading: Reading, event: ActRequested) -> DivideLotFacts:
    """Return the lot with its parts, and what else is called by the part's name."""
    act = event.act
    if not isinstance(act, DivideLot):
        raise TypeError(f"{act.kind} is no DivideLot")
    lot, part_id = act.material_lot_id, part_id_of(act.material_lot_id, act.part)
    known = lot_on_record(reading.connection, lot)
    of_lot, own = parts_of_lot(reading.connection, lot), part_declared(reading.connection, lot)
    total, _unclear, damaged = quantity_of_lot(reading.connection, lot)
    named = reading.values("lots_named_alike", likeness=likeness_key(part_id), most=MOST_ALIKE)
    return DivideLotFacts(
        **act_base(reading, event),
        known=known is not None,
        part_of=own.part,
        parts=of_lot.parts,
        undone=tuple(reading.values("parts_undone", material_lot_id=lot)),
        total=total,
        alike=tuple(name for name in named if name != part_id),
        own_lot=value_of(reading.connection, "is_lot_of_production", material_lot_id=part_id) is not None,
        decided_as_lot=value_of(reading.connection, "is_decided_as_lot", material_lot_id=part_id) is not None,
        damaged_records=(*of_lot.damaged, *own.damaged, *damaged, *(() if known is None else known.damaged)),
        scope=Scope(client_id=None if known is None else known.client_id),
    )
