"""A person divides a lot: a part of it, with its quantity, gets a disposition and decisions of its own. Pure.

What is declared again gets its quantity corrected; a release of the part lapses by that, as it was of another quantity.
"""

import unicodedata
from fractions import Fraction

from gateway.advice.publication import cleared_disposition
from gateway.contract.lims.names import normalised
from gateway.contract.lims.result_fields import lot_names, perhaps_several
from gateway.decision import Decision
from gateway.decisions.changes import audit_entry
from gateway.events import ActRequested
from gateway.facts.lot_division import DivideLotFacts
from gateway.lab.quantities import in_unit, plain_number, read_quantity, total_in
from gateway.latches import in_doubt
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Answer, done, refused
from gateway.records.lot_parts import BETWEEN, DivideLot, LotDivided, part_id_of
from gateway.records.production import Quantity

MOST_PARTS = 10  # of a lot: with few other lots, they are judged in the transaction that has the lot judged
MOST_NAMES = 15  # with those that were put back, whose names are used by nothing else
_LONGEST_NAME = 60  # characters
_MOST_NAMED = 3


def on_divide_lot(event: ActRequested, facts: DivideLotFacts) -> Decision:
    """Put a part of a lot on record; it is judged at once, and rests on whatever is known of its lot."""
    act = event.act
    if not isinstance(act, DivideLot):
        raise TypeError(f"{act.kind} is no DivideLot")
    quantity = read_quantity(act.quantity)
    refusal = _not_divided(act, facts) or _unclear_name(act, facts) or _wrong_quantity(act, quantity, facts)
    if refusal is not None or quantity is None:
        return Decision(answer=refusal)
    part = LotDivided(
        part_id=part_id_of(act.material_lot_id, act.part),
        material_lot_id=act.material_lot_id,
        name=act.part,
        quantity=quantity.number,
        unit=quantity.unit,
        person=event.person,
        reason=event.reason,
        at_ns=event.at_ns,
        event_id=event.event_id,
        undone=False,
    )
    before = _before(act, facts)
    again = {} if before is None else {"quantity_before": before.amount}
    entry = audit_entry("lot_divided", act.material_lot_id, scope=facts.scope, part=part.name,
                        part_id=part.part_id, quantity=part.quantity, unit=part.unit, **again, person=event.person,
                        reason=event.reason)  # fmt: skip
    if before is None:  # what was said of the name as of a lot is no disposition of the part
        as_lot = cleared_disposition(part.part_id, line=facts.line, cause=event.event_id)
        return Decision(
            records=(part,), audit=(entry,), messages=(as_lot,), answer=done(part_id=part.part_id, quantity=part.amount)
        )
    return Decision(records=(part,), audit=(entry,), answer=done(part_id=part.part_id, quantity=part.amount))


def _before(act: DivideLot, facts: DivideLotFacts) -> LotDivided | None:
    return next((item.part for item in facts.parts if item.part.name == act.part), None)


def _not_divided(act: DivideLot, facts: DivideLotFacts) -> Answer | None:
    """Return why a lot is not divided now, whatever the part is."""
    lot = act.material_lot_id
    if not facts.known:
        return refused(ActRefusal.PART_OF_UNKNOWN_LOT, lot=lot)
    if facts.damaged_records or in_doubt(facts.latches):
        return refused(ActRefusal.LOT_RECORDS_IN_DOUBT, lot=lot)
    if facts.part_of is not None:
        return refused(ActRefusal.PART_OF_A_PART, lot=lot, whole=facts.part_of.material_lot_id)
    if part_id_of(lot, act.part) in facts.undone:
        return refused(ActRefusal.PART_NAME_UNDONE, part=act.part)
    names = len(facts.parts) + len(facts.undone)
    if _before(act, facts) is None and (len(facts.parts) >= MOST_PARTS or names >= MOST_NAMES):
        return refused(ActRefusal.PARTS_TOO_MANY, lot=lot, most=MOST_PARTS)
    return None


def _unclear_name(act: DivideLot, facts: DivideLotFacts) -> Answer | None:
    """Return why a name could mean another part, or another lot."""
    part_id = part_id_of(act.material_lot_id, act.part)
    if not _is_plain(act.part) or perhaps_several(part_id) or lot_names(part_id) != [part_id]:
        return refused(ActRefusal.PART_NAME_UNCLEAR, part=act.part[:_LONGEST_NAME], most=_LONGEST_NAME)
    if facts.decided_as_lot:
        return refused(ActRefusal.PART_DECIDED_AS_LOT, part=part_id)
    if facts.own_lot:
        return refused(ActRefusal.PART_IS_A_LOT, part=part_id)
    if facts.alike:
        return refused(ActRefusal.PART_NAMED_ALIKE, part=act.part, others=", ".join(facts.alike[:_MOST_NAMED]))
    return None


def _is_plain(name: str) -> bool:
    """Return whether a name is written as messages and people write it, and ends where it seems to end."""
    shown = all(unicodedata.category(character)[0] not in "CM" for character in name)
    return bool(name) and len(name) <= _LONGEST_NAME and normalised(name) == name and shown and BETWEEN not in name


def _wrong_quantity(act: DivideLot, quantity: Quantity | None, facts: DivideLotFacts) -> Answer | None:
    """Return why a quantity cannot be set apart: it is not certain, or more than there is."""
    if quantity is None:
        return refused(ActRefusal.PART_QUANTITY_UNCLEAR, quantity=act.quantity[:_LONGEST_NAME])
    before = _before(act, facts)
    if before is not None and (before.quantity, before.unit) == (quantity.number, quantity.unit):
        return refused(ActRefusal.PART_DECLARED_ALREADY, part=act.part, quantity=str(quantity))
    others = [item.part.as_quantity for item in facts.parts if item.part != before]
    unit = facts.total.unit if facts.total is not None else next((item.unit for item in others), quantity.unit)
    apart, own = total_in(unit, others), in_unit(quantity, unit)
    if own is None or (apart is None and before is None):  # else no part could be corrected where several differ
        return refused(ActRefusal.PART_UNIT_DIFFERS, quantity=str(quantity), unit=unit)
    if facts.total is not None and apart is not None and apart + own > facts.total.exact:
        left = max(facts.total.exact - apart, Fraction(0))
        return refused(ActRefusal.PART_TOO_MUCH, lot=act.material_lot_id, quantity=str(quantity),
                       total=str(facts.total), rest=f"{plain_number(left)} {unit}")  # fmt: skip
    return None
