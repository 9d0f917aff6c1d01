"""Deviations that people have closed, and those that new facts have opened again."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.records.corrective_actions import ActionKind
from gateway.records.record import Record
from gateway.records.scope import Scope
from gateway.records.users import Role


class DeviationState(StrEnum):
    """Where a deviation is in its life; one without a row is open."""

    CLOSED = "closed"
    REOPENED = "reopened"  # something new is known since: it is closed again, or not


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionJudged:
    """An action as it had done when its deviation was closed: in how many lots the failure had come since, and before.

    ``effectiveness``: as ``gateway.lab.effectiveness`` names it.
    """

    action_id: str
    kind: ActionKind
    action: str
    owner: str
    done_by: str
    done_ns: int
    effectiveness: str
    failed_lots: int
    lots: int
    failed_lots_before: int
    lots_before: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviationClosed(Record):
    """A version of a deviation is closed with a signature. ``conclusion``: its cause, and why nothing is left to do.

    ``no_action``: why no action is needed, where none is on record. ``check_by``: the day (ISO 8601) on which it is
    looked at whether the actions were effective, where it was too early to say. Who and when are those of the last
    signature.
    """

    deviation_id: str
    version: int
    material_lot_id: str | None
    conclusion: str
    no_action: str
    check_by: str | None
    actions: tuple[ActionJudged, ...]
    record_id: str
    printed_name: str
    role: Role
    meaning: str
    signature_id: str
    signed_by: tuple[str, ...]
    at_ns: int
    state: DeviationState = DeviationState.CLOSED

    def is_to_check(self, today: str) -> bool:
        """Return whether the day has come on which the effect of its actions is looked at."""
        return self.check_by is not None and self.check_by <= today


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviationReopened(Record):
    """A deviation that was closed has a new version: of this result. ``scope``: for whom it was measured."""

    deviation_id: str
    version: int
    result_id: str
    at_ns: int
    scope: Scope
    state: DeviationState = DeviationState.REOPENED
