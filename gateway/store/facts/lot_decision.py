"""From the tables: what deciding on a lot stands on. Runs inside the writer's transaction."""

from gateway.events import ActRequested
from gateway.facts.lot_decision import DecideLotFacts
from gateway.records.acts import DecideLot
from gateway.records.scope import Scope
from gateway.store.facts.acts import act_base
from gateway.store.facts.loaders import loader
from gateway.store.facts.reading import Reading
from gateway.store.queries.lot_decisions import basis_of, decision_of_lot
from gateway.store.queries.lots import lot_on_record


@loader
def decide_lot_facts(reading: Reading, event: ActRequested) -> DecideLotFacts:
    """Return the lot as it is judged now, and the newest decision on it."""
    act = event.act
    if not isinstance(act, DecideLot):
        raise TypeError(f"{act.kind} is no DecideLot")
    known = lot_on_record(reading.connection, act.material_lot_id)
    decided = decision_of_lot(reading.connection, act.material_lot_id)
    return DecideLotFacts(
        **act_base(reading, event),
        basis=None if known is None else basis_of(reading.connection, known),
        decision=decided.decision,
        waits=known is not None and known.waits_to_be_judged,
        open_points=() if known is None else known.against_release,
        inside=0 if known is None else known.inside,
        damaged_records=(*decided.damaged, *(() if known is None else known.damaged)),
        scope=Scope(client_id=None if known is None else known.client_id),
    )
