"""What a part takes over from its lot: all of it, or of a lot with many results only what has changed since.

A part has a copy of each assessment of its lot. Each copy names the hash of what it was copied of, so what differs is
known by comparing, whatever happened in which order, and what was missed once is taken over with the next look. Of a
part with many the others are counted, as those of a lot with many are (``store/facts/standing.py``).
"""

import json
import sqlite3
from collections.abc import Mapping
from typing import NamedTuple, cast

from gateway.lab.release.assessment import Assessment, Tally
from gateway.lab.release.parts import OF_WHOLE_LOT
from gateway.records.lot_parts import LotDivided
from gateway.store.facts.lot.at_a_glance import LotAtAGlance
from gateway.store.facts.lot.whole_lot import standing_of_lot
from gateway.store.facts.reading import Reading
from gateway.store.facts.standing import MOST_READ, Standing, all_standing, counted, standing_of
from gateway.store.statements import SQL

MOST_CHANGED = MOST_READ  # assessments of a lot that are taken over one by one
MOST_COPIED = MOST_READ  # of a lot with no more assessments all are compared, and each is checked against its hash


class PartCopies(NamedTuple):
    """How a part stands, and what of its lot is taken over now.

    ``whole_lot``: assessments of the lot; ``standing``: those of the part that are looked at; ``rest``: the others.
    ``copied``: by the subject of the copy the hash of what is copied, where it is another than before.
    """

    whole_lot: tuple[Assessment, ...]
    standing: Standing
    rest: Tally
    copied: Mapping[str, str]


def part_copies(reading: Reading, glance: LotAtAGlance, part: LotDivided) -> PartCopies:
    """Return what a part takes over from its lot."""
    lot, part_id = part.material_lot_id, part.part_id
    originals = _originals(reading, lot)
    copies = dict(map(tuple, reading.connection.execute(SQL["copies_of_part"], {"part_id": part_id}).fetchall()))
    differing = [name for name, digest in originals.items() if not digest or copies.get(name) != digest]
    copied = {f"{OF_WHOLE_LOT}{name}": originals[name] for name in differing}
    if len(differing) > MOST_CHANGED or not _is_uniform(reading, glance, part):
        return PartCopies(standing_of_lot(reading, lot), all_standing(reading, part_id), Tally(), copied)
    gone = [f"{OF_WHOLE_LOT}{name}" for name in copies.keys() - originals.keys()]
    own = reading.values("own_subjects_of_part", part_id=part_id)
    standing, rest = counted(reading.connection, reading, part_id, (*copied, *gone, *own))
    return PartCopies(tuple(standing_of(reading, lot, differing).values()), standing, rest, copied)


def _originals(reading: Reading, lot: str) -> Mapping[str, str]:
    """Return the assessments of a lot that are copied for each of its parts, by their hashes."""
    kept = reading.kept.get(f"originals of {lot}")
    if isinstance(kept, dict):
        return kept
    rows = reading.connection.execute(SQL["originals_to_copy"], {"material_lot_id": lot}).fetchall()
    originals = {str(row["subject"]): row["hash"] or "" for row in rows}
    reading.kept[f"originals of {lot}"] = originals
    return originals


def _is_uniform(reading: Reading, glance: LotAtAGlance, part: LotDivided) -> bool:
    """Return whether a lot has many assessments, all of the product and client that are known of it.

    Else what is required of it, or settled once for all lots, is looked for in all of them.
    """
    row = _lot_to_be_copied(reading, part.material_lot_id)
    products, clients = set(json.loads(row["products"])), {row["first_client"], row["last_client"]} - {None}
    known = products <= set(glance.context.products) and clients <= {glance.context.client_id}
    return row["assessments"] > MOST_COPIED and not row["of_specification"] and known


def _lot_to_be_copied(reading: Reading, lot: str) -> sqlite3.Row:
    kept = reading.kept.get(f"to be copied {lot}")
    if isinstance(kept, sqlite3.Row):
        return kept
    (row,) = reading.connection.execute(SQL["lot_to_be_copied"], {"material_lot_id": lot, "most": MOST_COPIED + 1})
    reading.kept[f"to be copied {lot}"] = row
    return cast("sqlite3.Row", row)
