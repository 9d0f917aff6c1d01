"""A setpoint on its way to the PLC: the intent that an approval leaves, its states, and what came of the move."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.deadlines import Deadline
from gateway.records.record import Record
from gateway.records.verdicts import Reason

AUTOMATIC = "automatic"  # in the place of a person's name
ALL_WRITES = "setpoint-writes"  # in the place of a guidance's id: a signed rejection of it stops all writing


class WriteState(StrEnum):
    """Where an intent stands. Only the first four are open; a closed intent is never written again."""

    OPEN = "open"  # approved, not begun
    WRITING = "writing"  # the gateway may have written it from here on
    UNKNOWN = "unknown"  # a write was cut off: what is read back decides
    FOLLOWING = "following"  # the setpoint stands; the feedback has not reached it yet
    WRITTEN = "written"  # and the feedback, where one is configured, has reached it
    NOT_FOLLOWED = "not_followed"  # the setpoint stands, but the feedback has not reached it in its time
    NOT_TAKEN = "not_taken"  # the PLC stands where it stood
    MISMATCH = "mismatch"  # the PLC stands neither here nor there
    REFUSED = "refused"  # a gate refused it; nothing was written
    OVERRIDDEN = "overridden"  # a person at the PLC was first, or took the setpoint over meanwhile
    STOPPED = "stopped"  # the global stop; nothing came into force
    EXPIRED = "expired"
    CAUSE_ENDED = "cause_ended"  # of a closed intent: what the plant had against it has ended; it stays closed


OPEN_WRITES = frozenset({WriteState.OPEN, WriteState.WRITING, WriteState.UNKNOWN, WriteState.FOLLOWING})
FOLLOWING_WRITES = {
    WriteState.OPEN: frozenset({
        WriteState.WRITING, WriteState.REFUSED, WriteState.OVERRIDDEN, WriteState.STOPPED, WriteState.EXPIRED,
    }),
    WriteState.WRITING: frozenset(WriteState) - {
        WriteState.OPEN, WriteState.WRITING, WriteState.NOT_FOLLOWED, WriteState.CAUSE_ENDED,
    },
    WriteState.UNKNOWN: frozenset({
        WriteState.FOLLOWING, WriteState.WRITTEN, WriteState.NOT_TAKEN, WriteState.MISMATCH, WriteState.OVERRIDDEN,
    }),
    WriteState.FOLLOWING: frozenset({WriteState.WRITTEN, WriteState.NOT_FOLLOWED, WriteState.OVERRIDDEN}),
    WriteState.OVERRIDDEN: frozenset({WriteState.CAUSE_ENDED}),
    WriteState.REFUSED: frozenset({WriteState.CAUSE_ENDED}),
    WriteState.STOPPED: frozenset({WriteState.CAUSE_ENDED}),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class SetpointIntent(Record):
    """An approved move that is to be written: from where to where, by which approval, and until when.

    ``approved_by``: the printed name, or ``automatic``. ``approval``: the id of the event that approved it.
    """

    intent_id: str
    guidance_id: str
    tag: str
    unit: str
    from_value: float
    to_value: float
    model: str
    model_sha256: str
    analyte: str
    expected_value: float
    expected_low: float
    expected_high: float
    approved_by: str
    approval: str
    issued_ns: int
    expires: Deadline

    @property
    def automatic(self) -> bool:
        """Return whether no person has approved it."""
        return self.approved_by == AUTOMATIC


@dataclass(frozen=True, kw_only=True, slots=True)
class IntentMoved(Record):
    """An intent comes into a state; values in the tag's unit, None where they were not read or not written.

    ``follow_until``: of the state ``following``, until when the feedback must have reached the value.
    """

    intent_id: str
    tag: str
    state: WriteState
    before: float | None = None
    written: float | None = None
    read_back: float | None = None
    feedback: float | None = None
    follow_until: Deadline | None = None
    reason: Reason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WritesSwitched(Record):
    """All writing is stopped, or allowed again, by a person."""

    stopped: bool
    person: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LastMove:
    """What became of the last approved move of a setpoint.

    ``cause``: the code of what kept it from coming into force, None where nothing did, or where that has ended.
    ``in_force``: it came into force, at ``stands_at``. ``holds``: whether the records of it match their hashes.
    """

    intent_id: str
    model: str
    model_sha256: str
    product: str | None
    stands_at: float
    in_force: bool
    cause: str | None
    holds: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class WritesOfModel:
    """What stands of writes to a model's setpoints: stopped, under way, and moves by themselves in the last hour.

    ``alarmed``: setpoints of which an alarm stands. ``last``: what became of the last move, by setpoint.
    """

    stopped: bool
    under_way: frozenset[str]
    automatic_moves: Mapping[str, int]
    alarmed: frozenset[str] = frozenset()
    last: Mapping[str, LastMove] = field(default_factory=dict)


class Followed(StrEnum):
    """By what a move was followed."""

    PREDICTED = "predicted"  # the first prediction after the move had its effect
    MEASURED = "measured"  # the first laboratory result of a sample drawn after that


@dataclass(frozen=True, kw_only=True, slots=True)
class StopOnRecord:
    """Who has stopped all writing, when and why."""

    person: str
    reason: str
    at_ns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SetpointOutcome(Record):
    """What came of a move; ``by``: the prediction or result. ``as_expected``: within the expected interval."""

    intent_id: str
    followed: Followed
    by: str
    expected: float
    value: float
    as_expected: bool
