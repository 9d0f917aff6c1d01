"""What deciding on a lot stands on."""

from dataclasses import dataclass

from gateway.facts.acts import ActFacts, PointOnRecord
from gateway.records.lot_decisions import LotBasis, LotDecided
from gateway.records.lot_parts import LotDivided
from gateway.records.scope import Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class DecideLotFacts(ActFacts):
    """``basis``: the lot as it is judged now, None where nothing of it was judged; ``decision``: the newest on it.

    ``waits``: whether it is about to be judged again. ``open_points``: those that a release would be over.
    ``inside``: how many of its results ask for a release by themselves. ``damaged_records``: of the lot.
    ``review_stands``: whether a signed review of its record stands; None where a release needs none.
    ``part``: of which lot it is a part; ``set_back``: whether that is put back into it; ``parts``: those of the lot,
    which its release does not release.
    """

    basis: LotBasis | None
    decision: LotDecided | None
    waits: bool
    open_points: tuple[PointOnRecord, ...]
    inside: int
    damaged_records: tuple[str, ...]
    scope: Scope
    review_stands: bool | None
    part: LotDivided | None
    set_back: bool
    parts: tuple[str, ...]
