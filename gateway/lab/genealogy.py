"""Which lots are related by their materials. Pure."""

from collections.abc import Mapping, Sequence

from gateway.lab.fingerprints import MaterialUse


def relatives(lot: str, uses: Sequence[MaterialUse]) -> tuple[str, ...]:
    """Return the lots that share a material with a lot, or that it went into, at any distance; loops end.

    ``uses``: what is known of the genealogy around it.
    """
    went_into: dict[str, set[str]] = {}
    made_of: dict[str, set[str]] = {}
    for use in uses:
        went_into.setdefault(use.consumed_lot_id, set()).add(use.material_lot_id)
        made_of.setdefault(use.material_lot_id, set()).add(use.consumed_lot_id)
    related = _reached({lot}, went_into)
    for material in made_of.get(lot, set()):
        related |= _reached({material}, went_into)
    return tuple(sorted(related - {lot}))


def _reached(start: set[str], follows: Mapping[str, set[str]]) -> set[str]:
    reached, waiting = set[str](), list(start)
    while waiting:
        for lot in follows.get(waiting.pop(), set()):
            if lot not in reached:
                reached.add(lot)
                waiting.append(lot)
    return reached
