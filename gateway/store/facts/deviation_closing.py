"""From the tables: what closing a deviation stands on. Runs inside the writer's transaction."""

from gateway.events import ActRequested
from gateway.facts.deviation_closing import CloseDeviationFacts
from gateway.lab.deviations import Deviation
from gateway.records.acts import CloseDeviation
from gateway.store.facts.acts import act_base
from gateway.store.facts.loaders import loader
from gateway.store.facts.reading import Reading
from gateway.store.queries.corrective_actions import actions_of
from gateway.store.queries.deviation_states import closing_of
from gateway.store.statements import SQL


@loader
def close_deviation_facts(reading: Reading, event: ActRequested) -> CloseDeviationFacts:
    """Return the deviation that is closed, and the actions against it."""
    key = event.act.deviation_id if isinstance(event.act, CloseDeviation) else ""
    rows = reading.connection.execute(SQL["deviation"], {"deviation_id": key}).fetchall()
    damaged = [f"deviation {key}" for row in rows if not row["holds"]]
    damaged += reading.values("actions_that_do_not_hold", deviation_id=key)
    newest = None if damaged or not rows else next(iter(reading.decoded(Deviation, rows)), None)
    return CloseDeviationFacts(
        **act_base(reading, event),
        deviation=newest,
        closed=closing_of(reading.connection, key),
        actions=actions_of(reading.connection, key),
        not_holding=tuple(damaged),
    )
