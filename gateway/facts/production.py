"""What production context and master data stand on."""

from dataclasses import dataclass

from gateway.facts.base import Facts
from gateway.records.guidance import Guidance
from gateway.records.production import Context


@dataclass(frozen=True, kw_only=True, slots=True)
class LotEndedFacts(Facts):
    """What the end of a lot stands on."""

    context: Context
    lot_started_ns: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LotClosedFacts(Facts):
    """What the closing of a lot stands on; ``open_guidance``: about the lot."""

    open_guidance: tuple[Guidance, ...]
