"""From the tables: what deciding on a lot stands on. Runs inside the writer's transaction."""

from gateway.events import ActRequested
from gateway.facts.lot_decision import DecideLotFacts
from gateway.records.acts import DecideLot
from gateway.records.lot_decisions import Verdict
from gateway.records.lot_parts import LotDivided
from gateway.records.scope import Scope
from gateway.store.facts.acts import act_base
from gateway.store.facts.loaders import loader
from gateway.store.facts.reading import Reading
from gateway.store.queries.lot_decisions import basis_of, decision_of_lot
from gateway.store.queries.lot_parts import is_set_back, parts_declared, parts_of_lot, quantity_of_lot
from gateway.store.queries.lots import LotOnRecord, lot_on_record
from gateway.store.queries.reviews import reviews_stand


@loader
def decide_lot_facts(reading: Reading, event: ActRequested) -> DecideLotFacts:
    """Return the lot as it is judged now, and the newest decision on it."""
    act = event.act
    if not isinstance(act, DecideLot):
        raise TypeError(f"{act.kind} is no DecideLot")
    known = lot_on_record(reading.connection, act.material_lot_id)
    decided = decision_of_lot(reading.connection, act.material_lot_id)
    parts = parts_of_lot(reading.connection, act.material_lot_id)
    of_lot = _damaged_of_whole_lot(reading, known)
    quantity = quantity_of_lot(reading.connection, act.material_lot_id).damaged if parts.parts else ()
    return DecideLotFacts(
        **act_base(reading, event),
        basis=None if known is None else basis_of(reading.connection, known),
        decision=decided.decision,
        waits=known is not None and known.waits_to_be_judged,
        open_points=() if known is None else known.against_release,
        inside=0 if known is None else known.inside,
        damaged_records=(
            *decided.damaged,
            *(() if known is None else known.damaged),
            *of_lot,
            *parts.damaged,
            *quantity,
        ),
        scope=Scope(client_id=None if known is None else known.client_id),
        review_stands=_reviews_stand(reading, act, None if known is None else known.part, at_ns=event.at_ns),
        part=None if known is None else known.part,
        set_back=known is not None and known.part is not None and is_set_back(reading.connection, known.part),
        parts=tuple(item.part.name for item in parts.parts),
    )


def _damaged_of_whole_lot(reading: Reading, known: LotOnRecord | None) -> tuple[str, ...]:
    """Return the damaged records of the lot that a part is of, its decision and parts, and how much it is."""
    if known is None or known.part is None:
        return ()
    lot = lot_on_record(reading.connection, known.part.material_lot_id)
    decided = decision_of_lot(reading.connection, known.part.material_lot_id)
    parts = parts_declared(reading.connection, known.part.material_lot_id)
    quantity = quantity_of_lot(reading.connection, known.part.material_lot_id)
    return (*decided.damaged, *(() if lot is None else lot.damaged), *parts.damaged, *quantity.damaged)


def _reviews_stand(reading: Reading, act: DecideLot, part: LotDivided | None, *, at_ns: int) -> bool | None:
    """Return whether the signed reviews that a release rests on stand; None where the decision needs none."""
    if not reading.line.review.required_for_release or act.verdict is not Verdict.RELEASE:
        return None
    return reviews_stand(reading.connection, reading.line, act.material_lot_id, part, at_ns=at_ns)
