"""Of a lot that is divided: what is read once for all of its parts that are judged with one event."""

from dataclasses import dataclass

from gateway.lab.release.assessment import Assessment
from gateway.lab.release.lot_knowledge import LotContext
from gateway.lab.release.parts import Excess
from gateway.store.facts.lot.context import context_of_lot
from gateway.store.facts.lot.named_by_results import named_by_all, with_names
from gateway.store.facts.reading import Reading
from gateway.store.facts.standing import all_standing
from gateway.store.queries.lot_decisions import decision_of_lot
from gateway.store.queries.lot_parts import parts_declared, remainder_of


@dataclass(frozen=True, kw_only=True, slots=True)
class WholeLot:
    """What counts of a lot for each of its parts: ``context`` with what its results name, ``standing`` assessments."""

    context: LotContext
    standing: tuple[Assessment, ...]
    excess: Excess | None


def whole_lot(reading: Reading, lot: str) -> WholeLot:
    """Return what counts of a lot for its parts; what does not hold, such as a rejection taken out, is noted."""
    kept = reading.kept.get(f"whole lot {lot}")
    if isinstance(kept, WholeLot):
        return kept
    reading.note_damaged(decision_of_lot(reading.connection, lot).damaged)
    known = WholeLot(
        context=with_names(context_of_lot(reading, lot), named_by_all(reading, lot)),
        standing=tuple(all_standing(reading, lot).values()),
        excess=_excess(reading, lot),
    )
    reading.kept[f"whole lot {lot}"] = known
    return known


def _excess(reading: Reading, lot: str) -> Excess | None:
    """Return how much the parts of a lot are together, where that is more than production says the lot is."""
    declared = parts_declared(reading.connection, lot)
    left = remainder_of(reading.connection, lot, (part for part, _recommendation in declared.parts))
    reading.note_damaged((*declared.damaged, *left.damaged))
    return Excess(parts=f"{left.set_apart} {left.unit}", total=f"{left.total} {left.unit}") if left.exceeded else None
