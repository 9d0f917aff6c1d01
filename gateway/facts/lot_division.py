"""What dividing a lot stands on."""

from dataclasses import dataclass

from gateway.facts.acts import ActFacts
from gateway.facts.lot import PartOnRecord
from gateway.records.lot_parts import LotDivided
from gateway.records.production import Quantity
from gateway.records.scope import Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class DivideLotFacts(ActFacts):
    """``known``: whether anything is on record of the lot; ``part_of``: of which lot it is a part itself.

    ``parts``: those that it has, the one that is declared again among them; ``total``: how much production says that it
    is, None where it says nothing. ``alike``: other names that only look like that of the part; ``own_lot``: whether
    production speaks of a lot by the part's name; ``decided_as_lot``: whether a person has.
    ``undone``: the names, as messages know them, of parts that were put back into the lot.
    ``damaged_records``: of the lot and its parts.
    """

    known: bool
    part_of: LotDivided | None
    parts: tuple[PartOnRecord, ...]
    undone: tuple[str, ...]
    total: Quantity | None
    alike: tuple[str, ...]
    own_lot: bool
    decided_as_lot: bool
    damaged_records: tuple[str, ...]
    scope: Scope
