"""Work that a decision leaves for later, as an event of its own."""

from dataclasses import dataclass
from enum import StrEnum


class FollowUpKind(StrEnum):
    """The kinds of work that follow a decision later, each with a decision of its own."""

    FINGERPRINT = "fingerprint"  # of a lot that has ended: how the process ran
    DEVIATION = "deviation"  # of a result that failed: the draft of a deviation
    SAMPLE_REQUEST = "sample_request"  # of a lot that has ended: the tests that the laboratory is asked for
    CERTIFICATE = "certificate"  # of a lot: its certificates are drafted, again or for the first time, or questioned
    JUDGE_AGAIN = "judge_again"  # the next few of very many lots that are to be judged again


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowUp:
    """Work that a decision leaves for later; it is committed with the decision, and delays no disposition."""

    kind: FollowUpKind
    subject: str  # the lot, or the result's id
    equipment_id: str | None  # the work looks at its tags between the two instants
    from_ns: int
    until_ns: int
    begins_with_lot: bool = False  # whether the first instant is the lot's begin
    material_lot_id: str | None = None  # of a result that names no lot: the lot for which it failed
