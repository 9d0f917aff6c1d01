"""From the tables: what settling exceptions and signing a review stand on. Runs inside the writer's transaction.

The whole review is made again here, from the same statements as it is shown by: a signature is over what the store
holds at that instant, and nothing that a page or a command hands over is taken for it.
"""

from gateway.events import ActRequested
from gateway.facts.review import ReviewFacts
from gateway.records.acts import SettleException, SignReview
from gateway.records.scope import Scope
from gateway.store.facts.acts import act_base
from gateway.store.facts.loaders import loader
from gateway.store.facts.reading import Reading
from gateway.store.queries.reviews import review_on_record
from gateway.store.statements import value_of


@loader
def review_facts_of_act(reading: Reading, event: ActRequested) -> ReviewFacts:
    """Return the review of the lot as it is now."""
    act = event.act
    if not isinstance(act, SettleException | SignReview):
        raise TypeError(f"{act.kind} is about no review")
    lot = act.material_lot_id
    client = value_of(reading.connection, "client_of_lot", material_lot_id=lot)
    return ReviewFacts(
        **act_base(reading, event),
        shown=review_on_record(reading.connection, reading.line, lot, at_ns=event.at_ns),
        waits=value_of(reading.connection, "lot_waits_to_be_judged", material_lot_id=lot) is not None,
        scope=Scope(client_id=client or None),
    )
