"""From the tables: what deciding on a lot stands on. Runs inside the writer's transaction."""

from gateway.events import ActRequested
from gateway.facts.lot_decision import DecideLotFacts
from gateway.records.acts import DecideLot
from gateway.records.lot_decisions import Verdict
from gateway.records.scope import Scope
from gateway.store.facts.acts import act_base
from gateway.store.facts.loaders import loader
from gateway.store.facts.reading import Reading
from gateway.store.queries.lot_decisions import basis_of, decision_of_lot
from gateway.store.queries.lots import lot_on_record
from gateway.store.queries.reviews import has_lapsed, signed_review_of


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
        review_stands=_review_stands(reading, act, at_ns=event.at_ns),
    )


def _review_stands(reading: Reading, act: DecideLot, *, at_ns: int) -> bool | None:
    """Return whether a signed review of the lot's record stands; None where the decision needs none."""
    if not reading.line.review.required_for_release or act.verdict is not Verdict.RELEASE:
        return None
    signed, _damaged = signed_review_of(reading.connection, act.material_lot_id)
    return signed is not None and not has_lapsed(reading.connection, reading.line, signed, at_ns=at_ns)
