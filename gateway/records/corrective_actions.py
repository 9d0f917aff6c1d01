"""Corrective and preventive actions after a deviation (CAPA): what somebody is to do, and that it was done."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.records.record import Record
from gateway.records.scope import Scope


class ActionKind(StrEnum):
    """Whether an action removes a cause that has shown itself, or one that could."""

    CORRECTIVE = "corrective"
    PREVENTIVE = "preventive"


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionRecorded(Record):
    """An action that a person has put on record; the failure that it is against is that of its deviation.

    ``owner``: who is to do it; ``due``: until which day (ISO 8601).
    """

    action_id: str
    deviation_id: str
    kind: ActionKind
    action: str
    owner: str
    due: str | None
    at_ns: int
    person: str
    product: str | None
    analyte: str
    failures: tuple[str, ...]
    equipment_id: str | None
    material_lot_id: str | None
    client_id: str | None = None
    study_id: str | None = None

    @property
    def scope(self) -> Scope:
        """Return for whom the result that failed was measured."""
        return Scope(client_id=self.client_id, study_id=self.study_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionDone(Record):
    """An action was done; from then on it is judged whether the same failure comes back."""

    action_id: str
    at_ns: int
    person: str
    note: str
