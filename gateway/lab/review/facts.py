"""What the review of a lot stands on: the rows of its record, as they were read. Times in UTC ns. Pure.

They are named tuples, as a lot can have thousands of results, and each is made from a row at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.lab.in_force import SpecificationsOnRecord
from gateway.lab.review.process_window import LotProcess
from gateway.line.review_rules import ReviewRules


class LotRow(NamedTuple):
    """The lot and its order, as production has told them; ``holds``: whether the row matches its hash."""

    material_lot_id: str
    product: str | None
    client_id: str | None
    job_order_id: str | None
    equipment_id: str | None
    started_ns: int | None
    ended_ns: int | None
    closed_ns: int | None
    recommendation: str
    order_product: str | None = None
    order_client: str | None = None
    order_equipment: str | None = None


class ResultRow(NamedTuple):
    """One version of a result."""

    result_id: str
    sample_id: str
    test_id: str
    analyte: str
    replicate: int
    version: int
    current: int
    value: float | None
    value_text: str
    qualifier: str | None
    censored_at: float | None
    unit: str | None
    status: str
    sampled_ns: int | None
    analysed_ns: int | None
    approved_ns: int | None
    arrived_ns: int
    retest_of: str | None
    product: str | None
    client_id: str | None
    instrument_id: str | None


class PointRow(NamedTuple):
    """A point against a release, open or settled; ``subject``: what it is about, ``kind``: of which sort that is."""

    point_id: str
    code: str
    text: str
    asks: str
    settled: int
    subject: str
    kind: str
    sample_id: str | None
    analyte: str | None
    parent: str | None
    at_ns: int


class ControlRow(NamedTuple):
    """A result of a control material of the laboratory."""

    result_id: str
    material: str
    analyte: str
    instrument_id: str | None
    at_ns: int
    rejected: int


class StatedRow(NamedTuple):
    """A specification that was stated or withdrawn."""

    event_id: str
    product: str
    analyte: str
    version: str
    withdrawn: int
    at_ns: int


class GapRow(NamedTuple):
    """Missing data."""

    gap_id: str
    kind: str
    subject: str
    from_ns: int
    until_ns: int | None


class AlarmRow(NamedTuple):
    """What happened to an alarm."""

    seq: int
    at_ns: int
    alarm_id: str
    change: str
    title: str
    severity: str
    person: str
    reason: str


class GuidanceRow(NamedTuple):
    """A guidance about the lot; ``reason``: of the newest answer that changed it."""

    guidance_id: str
    kind: str
    state: str
    severity: str
    title: str
    issued_ns: int
    answers: int
    reason: str | None


class WriteRow(NamedTuple):
    """A move of a setpoint."""

    intent_id: str
    tag: str
    state: str
    automatic: int
    issued_ns: int
    from_value: float
    to_value: float


class StopRow(NamedTuple):
    """All writing was stopped."""

    seq: int
    at_ns: int
    person: str
    reason: str


class LineRow(NamedTuple):
    """A line of the audit trail about the gateway or a model; ``changed``: what it says of a changed configuration."""

    seq: int
    at_ns: int
    kind: str
    subject: str
    changed: int | None


class MessageRow(NamedTuple):
    """A message about the lot that waits to be sent; ``parked``: why it is not sent."""

    message_id: str
    topic: str
    created_ns: int
    parked: str | None


class DeliveryRow(NamedTuple):
    """A delivery about the lot to a system over HTTP."""

    delivery_id: str
    sink: str
    kind: str
    state: str
    created_ns: int
    answer: str


class SignedRow(NamedTuple):
    """A signature on an act about the lot, or an act without one (``user_id`` None)."""

    record_id: str
    kind: str
    state: str
    made_ns: int
    over_open_points: int
    user_id: str | None
    printed_name: str | None
    signed_ns: int | None


class DecisionRow(NamedTuple):
    """A decision of a person on the lot, in one of its states."""

    seq: int
    record_id: str
    verdict: str
    state: str
    at_ns: int
    printed_name: str


class SettlementRow(NamedTuple):
    """Who has settled a point against the lot's release."""

    point_id: str
    person: str
    at_ns: int


class DispositionRow(NamedTuple):
    """What was recommended."""

    disposition_id: str
    recommendation: str
    at_ns: int


class ContextRow(NamedTuple):
    """A message of production about the lot or its equipment's phases."""

    event_id: str
    kind: str
    at_ns: int
    equipment_id: str | None
    job_order_id: str | None
    product: str | None
    client_id: str | None
    phase: str | None


class UseRow(NamedTuple):
    """A lot that went into this one; ``recommendation``: of it, None where nothing is known of such a lot."""

    consumed_lot_id: str
    product: str | None
    supplier: str | None
    at_ns: int
    recommendation: str | None


class CertificateRow(NamedTuple):
    """A version of a certificate of the lot that was issued, as it stands; ``why``: it is in question, or withdrawn."""

    certificate_id: str
    version: int
    customer: str
    state: str
    at_ns: int
    person: str
    why: str


class DeviationRow(NamedTuple):
    """A deviation, in its newest version; ``closed_by``: who has closed it, None where it is open."""

    deviation_id: str
    analyte: str
    sample_id: str
    at_ns: int
    version: int
    closed_by: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LotReviewFacts:
    """Everything that is on record of a lot and of the time in which it was made.

    ``from_ns`` and ``until_ns``: that time; None where nobody says when the lot was begun. ``at_ns``: now. ``cut``:
    kinds of rows of which there are more than are looked at. ``signatures_needed``: by kind of act, as configured.
    """

    lot: LotRow
    rules: ReviewRules
    at_ns: int
    from_ns: int | None
    until_ns: int | None
    specifications: SpecificationsOnRecord
    signatures_needed: Mapping[str, int] = field(default_factory=dict)
    missing_tests: tuple[str, ...] = ()
    results: tuple[ResultRow, ...] = ()
    points: tuple[PointRow, ...] = ()
    controls: tuple[ControlRow, ...] = ()
    stated: tuple[StatedRow, ...] = ()
    process: LotProcess | None = None
    gaps: tuple[GapRow, ...] = ()
    alarms: tuple[AlarmRow, ...] = ()
    guidance: tuple[GuidanceRow, ...] = ()
    dispositions: tuple[DispositionRow, ...] = ()
    writes: tuple[WriteRow, ...] = ()
    stops: tuple[StopRow, ...] = ()
    lines: tuple[LineRow, ...] = ()
    messages: tuple[MessageRow, ...] = ()
    deliveries: tuple[DeliveryRow, ...] = ()
    signed: tuple[SignedRow, ...] = ()
    decisions: tuple[DecisionRow, ...] = ()
    settlements: tuple[SettlementRow, ...] = ()
    certificates: tuple[CertificateRow, ...] = ()
    context: tuple[ContextRow, ...] = ()
    phases: tuple[ContextRow, ...] = ()
    uses: tuple[UseRow, ...] = ()
    deviations: tuple[DeviationRow, ...] = ()
    damaged: tuple[str, ...] = ()
    latches: tuple[str, ...] = ()
    in_doubt: bool = False
    cut: tuple[str, ...] = ()

    @property
    def standing(self) -> tuple[ResultRow, ...]:
        """Return the versions of results that count."""
        return tuple(row for row in self.results if row.current)

    @property
    def products(self) -> tuple[str, ...]:
        """Return the products that are named for the lot, its own first."""
        named = (self.lot.product, self.lot.order_product, *(row.product for row in self.context))
        return tuple(dict.fromkeys(name for name in named if name))
