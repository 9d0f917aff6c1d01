"""What the decisions on writes to the PLC stand on."""

from dataclasses import dataclass

from gateway.facts.acts import ActFacts
from gateway.facts.base import Facts
from gateway.records.guidance import Guidance
from gateway.records.setpoints import Followed, SetpointIntent, StopOnRecord, WriteState


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteFacts(Facts):
    """The intent as it stands, its guidance, and what the records say of writing its tag.

    ``since_move_ns``: how long ago the gateway last wrote it. ``automatic_moves``: within the last hour.
    """

    intent: SetpointIntent | None
    state: WriteState | None
    guidance: Guidance | None
    stopped: bool
    since_move_ns: int | None
    automatic_moves: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StopFacts(ActFacts):
    """The stop that stands, None where writing is allowed."""

    stop: StopOnRecord | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowedMove:
    """A move that was written, with a value that shows what came of it; ``by``: its prediction or result."""

    intent: SetpointIntent
    followed: Followed
    by: str
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowFacts(Facts):
    """Moves whose outcome can be told now."""

    moves: tuple[FollowedMove, ...]
