"""What answers about a lot say of its parts, and of a part: what is said of the one is never taken for the other."""

from gateway.copilot.answers import Saying
from gateway.copilot.ground import Ground
from gateway.facts.lot import is_of_rest
from gateway.store.queries.lot_decisions import decision_of_lot
from gateway.store.queries.lot_parts import parts_of_lot
from gateway.store.queries.lots import LotOnRecord, part_declared

_MOST_NAMED = 8


def say_parts(ground: Ground, known: LotOnRecord, saying: Saying) -> None:
    """Say that it is a part of a lot, or which parts are decided on by themselves: nobody takes one for the other."""
    part = known.part
    if part is not None:
        saying.say("IS_PART", part=part.name, lot=part.material_lot_id, quantity=part.amount)
        saying.fact("part_of", part.material_lot_id)
        if part.undone:
            saying.say("PART_WAS_PUT_BACK", part=part.name, lot=part.material_lot_id)
            saying.fact("put_back", part.name)
        return
    parts = parts_of_lot(ground.state, known.material_lot_id).parts
    for item in parts[:_MOST_NAMED]:
        released = "RELEASED" if item.released else "NOT_RELEASED"
        saying.say(f"PART_{released}", part=item.part.name, quantity=item.part.amount)
        saying.fact("part_released" if item.released else "part_not_released", item.part.name)
        if item.part.undone:
            saying.say("PART_REPORTED_AGAIN", part=item.part.name)
        if item.awaits_certificate:
            saying.say("AWAITS_CERTIFICATE", lot=item.part.part_id)
    if len(parts) > _MOST_NAMED:
        saying.say("MORE_PARTS", count=len(parts) - _MOST_NAMED)
    if any(not item.released for item in parts):
        saying.say("OF_REST_ALONE", lot=known.material_lot_id)


def say_which_are_parts(ground: Ground, lots: list[str], saying: Saying, *, released: bool = False) -> None:
    """Say which names of a list are parts of lots; of ``released`` lots, which are so but for their parts."""
    parts = [lot for lot in lots if part_declared(ground.state, lot).part is not None]
    if parts:
        saying.say("PARTS_AMONG_LOTS", parts=", ".join(parts))
        saying.fact("parts_among_lots", len(parts))
    for lot in lots if released else ():
        if is_of_rest(decision_of_lot(ground.state, lot).decision, parts_of_lot(ground.state, lot).parts):
            saying.say("OF_REST_ALONE", lot=lot)
