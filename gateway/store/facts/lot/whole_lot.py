"""Of a lot that is divided: what is read once for all of its parts that are judged with one event."""

from dataclasses import dataclass

from gateway.lab.release.assessment import Assessment
from gateway.lab.release.lot_knowledge import LotContext
from gateway.lab.release.parts import Misfit
from gateway.store.facts.lot.context import context_of_lot
from gateway.store.facts.lot.named_by_results import named_by_all, with_names
from gateway.store.facts.reading import Reading
from gateway.store.facts.standing import all_standing
from gateway.store.queries.lot_decisions import decision_of_lot
from gateway.store.queries.lot_parts import parts_declared, quantity_of_lot, remainder_of


@dataclass(frozen=True, kw_only=True, slots=True)
class WholeLot:
    """What counts of a lot for each of its parts: ``context`` with what its results name."""

    context: LotContext


def whole_lot(reading: Reading, lot: str) -> WholeLot:
    """Return what counts of a lot for its parts; what does not hold, such as a rejection taken out, is noted."""
    kept = reading.kept.get(f"whole lot {lot}")
    if isinstance(kept, WholeLot):
        return kept
    reading.note_damaged(decision_of_lot(reading.connection, lot).damaged)
    reading.note_damaged(parts_declared(reading.connection, lot).damaged)
    reading.note_damaged(quantity_of_lot(reading.connection, lot).damaged)
    known = WholeLot(
        context=with_names(context_of_lot(reading, lot), named_by_all(reading, lot)),
    )
    reading.kept[f"whole lot {lot}"] = known
    return known


def standing_of_lot(reading: Reading, lot: str) -> tuple[Assessment, ...]:
    """Return every assessment of a lot, for all of its parts that are judged with the event."""
    kept = reading.kept.get(f"standing of {lot}")
    if isinstance(kept, tuple):
        return kept
    standing = tuple(all_standing(reading, lot).values())
    reading.kept[f"standing of {lot}"] = standing
    return standing


def misfit_of(reading: Reading, lot: str) -> Misfit | None:
    """Return how the parts of a lot do not fit in what production says the lot is: more than that, or nobody knows."""
    declared = parts_declared(reading.connection, lot)
    parts = [part for part, _recommendation in declared.parts]
    left = remainder_of(reading.connection, lot, parts)
    reading.note_damaged((*declared.damaged, *left.damaged))
    if left.exceeded:
        return Misfit(parts=f"{left.set_apart} {left.unit}", total=f"{left.total} {left.unit}", comparable=True)
    if not parts or left.not_comparable is None:
        return None
    return Misfit(parts=", ".join(part.amount for part in parts), total=left.not_comparable, comparable=False)
