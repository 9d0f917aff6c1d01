"""What deciding on a lot stands on."""

from dataclasses import dataclass

from gateway.facts.acts import ActFacts
from gateway.records.lot_decisions import LotBasis, LotDecided
from gateway.records.scope import Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class DecideLotFacts(ActFacts):
    """``basis``: the lot as it is judged now, None where nothing of it was judged; ``decision``: the newest on it.

    ``waits``: whether it is about to be judged again. ``open_points``: their codes, the worst first.
    ``damaged_records``: of the lot.
    """

    basis: LotBasis | None
    decision: LotDecided | None
    waits: bool
    open_points: tuple[str, ...]
    damaged_records: tuple[str, ...]
    scope: Scope
