"""Every record kind that a decision can consist of: one row each, with its writer and the tables that it writes.

A table that no kind of record writes says in its own row (``store/tables.py``) who does.
"""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gateway.decision import (
    ControlJudged,
    EpochBegun,
    IncomingTested,
    Latched,
    LotAssessed,
    LotJudged,
    ModelLearned,
    OpenLotsQuestioned,
    ReferenceFrozen,
    ResponseRecorded,
    ResultAccepted,
    ResultRefused,
    ResultRestated,
    SampleRequested,
    SeriesCharted,
    SpecificationRecorded,
    Unlatched,
)
from gateway.events import Event
from gateway.lab.deviations import Deviation
from gateway.lab.fingerprints import Fingerprint
from gateway.records.guidance import Guidance
from gateway.records.laboratory import ProvisionalHold
from gateway.records.outgoing import DeadLetter, SignedHead
from gateway.records.people import (
    AuditArchived,
    DeadLetterRetry,
    MessageUnparked,
    PointSettled,
    SignedBias,
    VersionChange,
)
from gateway.records.prediction import Prediction
from gateway.records.process import Gap
from gateway.records.production import ContextChange
from gateway.store.transaction import lot_records
from gateway.store.transaction.records import (
    acts,
    control_charts,
    deviations,
    guidance,
    laboratory,
    operation,
    predictions,
    production,
)


class RecordKind(NamedTuple):
    """How a kind of record is written, within the transaction that runs, and into which tables."""

    write: Callable[[sqlite3.Connection, Event, Any], None]
    tables: frozenset[str]


def _kind(write: Callable[[sqlite3.Connection, Event, Any], None], *tables: str) -> RecordKind:
    return RecordKind(write=write, tables=frozenset(tables))


RECORD_KINDS: Mapping[type, RecordKind] = {
    ResultAccepted: _kind(laboratory.result_accepted,
                          "lab_result", "sample_request", "result_without_lot", "lot_to_judge"),
    SpecificationRecorded: _kind(laboratory.specification_recorded, "specification_stated", "lot_to_judge"),
    IncomingTested: _kind(laboratory.incoming_tested, "incoming_result"),
    SampleRequested: _kind(laboratory.sample_requested, "sample_request"),
    ProvisionalHold: _kind(laboratory.provisional_hold, "provisional_hold"),
    LotAssessed: _kind(lot_records.assessed, "assessment", "lot_to_judge"),
    ResultRestated: _kind(lot_records.restated, "restated_result"),
    ResultRefused: _kind(lot_records.refused,
                         "refused_result", "refused_in_place", "refused_of_product", "lot_to_judge"),
    OpenLotsQuestioned: _kind(lot_records.question_open_lots, "lot_to_judge"),
    SeriesCharted: _kind(control_charts.series_charted, "series", "series_sample"),
    ControlJudged: _kind(control_charts.control_judged, "control_point"),
    ReferenceFrozen: _kind(control_charts.reference_frozen, "analytes_together"),
    ContextChange: _kind(production.context_changed,
                         "context_change", "job_order", "lot", "material_use", "sample_request", "lot_to_judge"),
    LotJudged: _kind(production.lot_judged, "disposition", "lot"),
    Prediction: _kind(predictions.prediction_made, "prediction"),
    ModelLearned: _kind(predictions.model_learned, "feedback", "model_learned"),
    Guidance: _kind(guidance.guidance_changed, "guidance", "guidance_state"),
    ResponseRecorded: _kind(guidance.response_recorded, "response"),
    Deviation: _kind(deviations.deviation_version, "deviation"),
    Fingerprint: _kind(deviations.lot_fingerprint, "lot_fingerprint"),
    Latched: _kind(operation.latched, "latch"),
    Unlatched: _kind(operation.unlatched, "latch"),
    Gap: _kind(operation.gap_recorded, "gap"),
    DeadLetter: _kind(operation.dead_letter, "dead_letter", "dead_letter_payload"),
    SignedHead: _kind(operation.head_signed, "signed_head"),
    EpochBegun: _kind(operation.epoch_begun, "store"),
    PointSettled: _kind(acts.point_settled, "settlement", "lot_to_judge"),
    VersionChange: _kind(acts.version_changed, "version_change"),
    SignedBias: _kind(acts.bias_signed, "signed_bias"),
    MessageUnparked: _kind(acts.message_unparked, "outbox"),
    DeadLetterRetry: _kind(acts.dead_letter_retry, "retry"),
    AuditArchived: _kind(acts.audit_archived, "audit_archive", "audit"),
}  # fmt: skip
