"""What decisions on production context stand on."""

from dataclasses import dataclass

from gateway.facts.base import Facts
from gateway.records.guidance import Guidance
from gateway.records.lot_parts import LotDivided
from gateway.records.production import Context


@dataclass(frozen=True, kw_only=True, slots=True)
class LotEndedFacts(Facts):
    """What the decision on an ended lot stands on."""

    context: Context
    lot_started_ns: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LotClosedFacts(Facts):
    """What the decision on a closed lot stands on; ``open_guidance``: about the lot and its ``parts``."""

    open_guidance: tuple[Guidance, ...]
    parts: tuple[LotDivided, ...]
