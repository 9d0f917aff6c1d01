"""Production context: orders, lots, materials and equipment (ISA-95)."""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from gateway.records.record import Record
from gateway.records.scope import Scope


class ContextKind(StrEnum):
    """What a manufacturing execution system reports of orders, lots and equipment."""

    ORDER_STARTED = "order_started"
    ORDER_ENDED = "order_ended"
    LOT_STARTED = "lot_started"
    LOT_ENDED = "lot_ended"
    LOT_CLOSED = "lot_closed"
    MATERIAL_CONSUMED = "material_consumed"
    EQUIPMENT_STATE = "equipment_state"
    PHASE_STARTED = "phase_started"
    PHASE_ENDED = "phase_ended"
    ORDER_PLANNED = "order_planned"
    ORDER_CANCELLED = "order_cancelled"


PLANS = frozenset({ContextKind.ORDER_PLANNED, ContextKind.ORDER_CANCELLED})  # they say what is to come, of no lot


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderPlan:
    """From when until when an order is to run, and how many lots it is to make."""

    start_ns: int
    end_ns: int
    lots: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantity:
    """An amount in a unit; ``number``: a decimal number as text."""

    number: str
    unit: str

    @property
    def exact(self) -> Fraction:
        """Return the number without rounding."""
        return Fraction(self.number)

    def __str__(self) -> str:
        """Return how people write it."""
        return f"{self.number} {self.unit}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ContextChange(Record):
    """One message of the manufacturing execution system, checked.

    ``plan``: of an order that is planned; ``quantity``: how much a lot is; ``quantity_unclear``: what the message says
    instead, where that is no quantity that is certain.
    """

    kind: ContextKind
    at_ns: int
    equipment_id: str | None = None
    material_lot_id: str | None = None
    job_order_id: str | None = None
    material_definition_id: str | None = None
    client_id: str | None = None
    consumed_lot_id: str | None = None
    consumed_definition_id: str | None = None
    supplier: str | None = None
    state: str | None = None
    phase: str | None = None
    plan: OrderPlan | None = None
    quantity: Quantity | None = None
    quantity_unclear: str | None = None

    @property
    def scope(self) -> Scope:
        """Return the client that production works for; production names no study."""
        return Scope(client_id=self.client_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """Which order, lot and product hold on an equipment, or for a lot."""

    equipment_id: str | None = None
    material_lot_id: str | None = None
    job_order_id: str | None = None
    material_definition_id: str | None = None
    client_id: str | None = None

    @property
    def scope(self) -> Scope:
        """Return the client that is produced for; production names no study."""
        return Scope(client_id=self.client_id)

    def scope_of(self, study_id: str | None) -> Scope:
        """Return the client of production with the study of a sample; production names no study."""
        return Scope(client_id=self.client_id, study_id=study_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class PhaseEvent:
    """The start or the end of a phase of a batch."""

    phase: str
    started: bool
    at_ns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ProductionThen:
    """What was made on an equipment at an instant: the product, since when the batch runs, its phases until then.

    ``batch_started_ns``: None outside a batch. ``phases`` in the order of time. A batch is a lot that has begun before
    the instant and not ended before it: at the instant of its end it still counts.
    """

    product: str | None = None
    batch_started_ns: int | None = None
    phases: tuple[PhaseEvent, ...] = ()


NOTHING_MADE = ProductionThen()
