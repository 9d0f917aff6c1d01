"""What decisions on answered or ending guidance stand on."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.facts.base import Facts
from gateway.records.guidance import Guidance


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenGuidanceFacts(Facts):
    """The open guidance that an event is about; for the board, the guidance that it shows.

    ``announced_ns``: by equipment of which guidance waits, when operators were called to some within the period.
    """

    open_guidance: tuple[Guidance, ...]
    announced_ns: Mapping[str | None, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ResponseFacts(Facts):
    """The guidance that a person has answered, where it is on record."""

    answered: Guidance | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StartFacts(OpenGuidanceFacts):
    """What a start stands on; ``previous_configuration_sha256``: None before the first start."""

    previous_configuration_sha256: str | None
