"""From the tables: what putting a part back into its lot stands on. Runs inside the writer's transaction."""

from gateway.events import ActRequested
from gateway.facts.undone_division import UndoDivisionFacts
from gateway.records.lot_parts import UndoDivision, part_id_of
from gateway.records.scope import Scope
from gateway.store.facts.acts import act_base
from gateway.store.facts.loaders import loader
from gateway.store.facts.reading import Reading
from gateway.store.queries.certificates import certificates_of_lot
from gateway.store.queries.lot_parts import parts_of_lot
from gateway.store.queries.lots import lot_on_record, part_declared
from gateway.store.statements import value_of


@loader
def undo_division_facts(reading: Reading, event: ActRequested) -> UndoDivisionFacts:
    """Return a part, and what there is of it by itself."""
    act = event.act
    if not isinstance(act, UndoDivision):
        raise TypeError(f"{act.kind} is no UndoDivision")
    lot, part_id = act.material_lot_id, part_id_of(act.material_lot_id, act.part)
    known, own = lot_on_record(reading.connection, lot), part_declared(reading.connection, part_id)
    of_part, of_lot = lot_on_record(reading.connection, part_id), parts_of_lot(reading.connection, lot)
    certificates, damaged = certificates_of_lot(reading.connection, lot)
    of_records = (*(() if known is None else known.damaged), *(() if of_part is None else of_part.damaged))

    def there_is(statement: str) -> bool:
        return value_of(reading.connection, statement, material_lot_id=part_id) is not None

    return UndoDivisionFacts(
        **act_base(reading, event),
        part=own.part if own.part is not None and own.part.material_lot_id == lot else None,
        disposition=None if of_part is None else of_part.disposition,
        decided=there_is("has_decision_of_its_own"),
        certified=any(item.drafted.content.part_name == act.part for item in certificates),
        reported=there_is("is_reported_by_itself"),
        looked_at=there_is("is_looked_at_by_itself"),
        damaged_records=(*own.damaged, *of_lot.damaged, *damaged, *of_records),
        scope=Scope(client_id=None if known is None else known.client_id),
    )
