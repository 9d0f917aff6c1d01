"""The other lots that a lot's release hangs on: its parents that are in question, and those with a like name."""

import json
from collections.abc import Iterable

from gateway.contract.identity import identity_of
from gateway.lab.ambiguous_lot_names import parts_of
from gateway.lab.lookalike_names import likeness_key
from gateway.lab.release.lot_knowledge import LotsNamedAlike, Parent
from gateway.records.laboratory import Recommendation
from gateway.store.facts.reading import Reading
from gateway.store.statements import SQL, value_of

MOST_ALIKE = 20  # lots with names that only look alike: more are counted


def parents_in_question(reading: Reading, lot: str) -> tuple[Parent, ...]:
    """Return the lots that went into a lot, directly or not, and are on hold or for review."""
    rows = reading.connection.execute(SQL["parents_in_question"], {"material_lot_id": lot})
    return tuple(
        Parent(
            material_lot_id=row["material_lot_id"],
            asks=Recommendation.HOLD if row["on_hold"] else Recommendation.REVIEW,
            evidence=identity_of(*sorted(json.loads(row["holding"]))) if row["on_hold"] else None,
        )
        for row in rows
    )


def lots_that_look_alike(reading: Reading, lot: str, named_with_it: Iterable[str]) -> LotsNamedAlike | None:
    """Return the lots whose names only look alike, with this one; None where there is no other.

    ``named_with_it``: lots that the arriving result names.
    """
    key = likeness_key(lot)
    arriving = {lot, *(other for other in named_with_it if likeness_key(other) == key)}
    on_record = reading.values("lots_named_alike", likeness=key, most=MOST_ALIKE)
    names = tuple(sorted({*on_record, *arriving}))
    if names == (lot,):
        return None
    count = len(names)
    if len(on_record) == MOST_ALIKE:
        count = value_of(reading.connection, "count_lots_named_alike", likeness=key) or count
    return LotsNamedAlike(
        names=names[:MOST_ALIKE],
        count=count,
        evidence=identity_of(*reading.values("holding_of_lots", lots=json.dumps(names))),
    )


def lots_parted_by_bars(reading: Reading, lot: str) -> tuple[str, ...]:
    """Return the known lots whose names may mean a known lot by their bars, or which its own name may mean."""
    wholes = [name for name in reading.values("names_with_bars") if lot in parts_of(name)]
    known = [name for name in wholes if _known_parts(reading, name, (lot,))]
    return tuple(sorted({*known, *_known_parts(reading, lot, parts_of(lot))}))


def _known_parts(reading: Reading, name: str, parts: tuple[str, ...]) -> tuple[str, ...]:
    return reading.values("known_parts", material_lot_id=name, parts=json.dumps(parts)) if parts else ()
