"""A person puts a part of a lot back into it: nothing was decided on it, reported for it or issued of it. Pure.

Its name stays its own. Whoever still reports something for it, reports it for the part: that is a part again then, on
which nobody has decided, so that its lot is not released by what speaks of the part alone.
"""

from dataclasses import replace

from gateway.advice.publication import cleared_part, lot_part_message
from gateway.contract.identity import identity_of
from gateway.decision import Decision
from gateway.decisions.changes import audit_entry
from gateway.events import ActRequested
from gateway.facts.undone_division import UndoDivisionFacts
from gateway.latches import in_doubt
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Answer, done, refused
from gateway.records.laboratory import Recommendation
from gateway.records.lot_parts import PART_UNDONE, LotDivided, UndoDivision
from gateway.records.outgoing import OutgoingMessage


def on_undo_division(event: ActRequested, facts: UndoDivisionFacts) -> Decision:
    """Put on record that a part is put back; its last message says so, and then it is taken from the broker."""
    act, part = event.act, facts.part
    if not isinstance(act, UndoDivision):
        raise TypeError(f"{act.kind} is no UndoDivision")
    refusal = _not_a_part(act, facts) or _would_lose_facts(act, facts)
    if refusal is not None or part is None:
        return Decision(answer=refusal)
    undone = replace(
        part, undone=True, person=event.person, reason=event.reason, at_ns=event.at_ns, event_id=event.event_id
    )
    entry = audit_entry("lot_division_undone", part.material_lot_id, scope=facts.scope, part=part.name,
                        part_id=part.part_id, quantity=part.quantity, unit=part.unit, person=event.person,
                        reason=event.reason)  # fmt: skip
    answer = done(part_id=part.part_id, quantity=part.amount)
    return Decision(records=(undone,), audit=(entry,), messages=_last_messages(event, facts, undone), answer=answer)


def _last_messages(event: ActRequested, facts: UndoDivisionFacts, undone: LotDivided) -> tuple[OutgoingMessage, ...]:
    """Return the part's last message, which is kept by no broker, and the empty one that clears what was kept."""
    cleared = cleared_part(undone.part_id, line=facts.line, cause=event.event_id)
    if facts.disposition is None:
        return (cleared,)
    last = replace(
        facts.disposition,
        disposition_id=identity_of("part-undone", event.event_id, undone.part_id),
        recommendation=Recommendation.PENDING,
        previous=facts.disposition.recommendation,
        reasons=(),
        flags=(PART_UNDONE,),
    )
    message = lot_part_message(undone, last, line=facts.line, cause=event.event_id, at_ns=event.at_ns)
    return (replace(message, retain=False), cleared)


def _not_a_part(act: UndoDivision, facts: UndoDivisionFacts) -> Answer | None:
    """Return why there is no part that could be put back."""
    if facts.damaged_records or in_doubt(facts.latches):
        return refused(ActRefusal.LOT_RECORDS_IN_DOUBT, lot=act.material_lot_id)
    if facts.part is None:
        return refused(ActRefusal.NO_SUCH_PART, lot=act.material_lot_id, part=act.part)
    return refused(ActRefusal.PART_UNDONE_ALREADY, part=act.part) if facts.part.undone else None


def _would_lose_facts(act: UndoDivision, facts: UndoDivisionFacts) -> Answer | None:
    """Return that somebody has decided, certified, reported or looked at something of the part by itself."""
    if facts.decided:
        return refused(ActRefusal.PART_IS_DECIDED, part=act.part)
    if facts.certified:
        return refused(ActRefusal.PART_IS_CERTIFIED, part=act.part)
    if facts.reported:
        return refused(ActRefusal.PART_HAS_RECORDS, part=act.part)
    return refused(ActRefusal.PART_IS_LOOKED_AT, part=act.part) if facts.looked_at else None
