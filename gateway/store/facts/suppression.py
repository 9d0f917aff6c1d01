"""What alarms that are suppressed by design stand on. Runs inside the writer's transaction."""

from collections.abc import Mapping

from gateway.advice.suppression import rules_in_force, suppressed_warnings
from gateway.events import TimerDue
from gateway.facts.suppression import EquipmentNow, SuppressionFacts
from gateway.line.alarm_rules import Production, SuppressionRule
from gateway.records.alarms import SuppressionInForce
from gateway.records.production import ContextChange
from gateway.store.facts.loaders import loader
from gateway.store.facts.reading import Reading
from gateway.store.queries.alarms import MOST_ALARMS, read_alarm
from gateway.store.statements import SQL


@loader
def suppression_facts(reading: Reading, event: TimerDue) -> SuppressionFacts:
    """Return the alarms that stand, the rules that held, and what production says of their equipment."""
    rules = reading.line.suppressions
    held = _held(reading)
    rows = reading.connection.execute(SQL["alarms"], {"most": MOST_ALARMS}) if rules or held else ()
    return SuppressionFacts(
        **reading.base(),
        windows=reading.windows,
        equipment={rule.equipment_id: _equipment(reading, rule.equipment_id, event.at_ns) for rule in rules},
        standing=tuple(read_alarm(row) for row in rows),
        in_force=held,
    )


def suppressing(reading: Reading) -> tuple[SuppressionRule, ...]:
    """Return the rules that keep alarms from calling now."""
    return rules_in_force(reading.line, _held(reading)) if reading.line.suppressions else ()


def suppressed_by_design(reading: Reading) -> Mapping[str, str]:
    """Return by alarm of which models could warn the rule that keeps it from calling now."""
    return suppressed_warnings(reading.line, _held(reading)) if reading.line.suppressions else {}


def silenced(reading: Reading) -> frozenset[str]:
    """Return the alarms that call nobody now: shelved, out of service, or suppressed by design."""
    return frozenset((*reading.values("silenced_alarms"), *suppressed_by_design(reading)))


def _held(reading: Reading) -> tuple[SuppressionInForce, ...]:
    rows = reading.connection.execute(SQL["suppressions_held"])
    return tuple(
        SuppressionInForce(name=row["name"], since_ns=row["since_ns"], used_up=bool(row["used_up"])) for row in rows
    )


def _equipment(reading: Reading, equipment_id: str, at_ns: int) -> EquipmentNow:
    """Return what production says of an equipment; of a record that does not hold, nothing is known."""
    of_equipment = {"equipment_id": equipment_id, "at_ns": at_ns}
    newest = reading.row("newest_lot_of_equipment", **of_equipment)
    production = None
    if newest is not None:
        production = Production.LOT_RUNS if newest["runs"] else Production.BETWEEN_LOTS
    states = reading.decoded(ContextChange, reading.rows("newest_state_of_equipment", of_equipment))
    context = reading.context_of_equipment(equipment_id, at_ns)
    return EquipmentNow(
        production=production,
        state=states[0].state if states else None,
        product=context.material_definition_id,
    )
