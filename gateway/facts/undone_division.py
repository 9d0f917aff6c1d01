"""What putting a part back into its lot stands on."""

from dataclasses import dataclass

from gateway.facts.acts import ActFacts
from gateway.records.laboratory import Disposition
from gateway.records.lot_parts import LotDivided
from gateway.records.scope import Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class UndoDivisionFacts(ActFacts):
    """``part``: as it was declared last; ``disposition``: of it, as it was published last, None where none was.

    What there is of the part by itself: whether people have ``decided`` on it or a decision waits for a signature;
    whether a certificate of it is on record (``certified``); whether anything was ``reported`` for it, or used of it;
    whether people have settled, answered or reviewed anything of it (``looked_at``). ``damaged_records``: of lot and
    parts.
    """

    part: LotDivided | None
    disposition: Disposition | None
    decided: bool
    certified: bool
    reported: bool
    looked_at: bool
    damaged_records: tuple[str, ...]
    scope: Scope
