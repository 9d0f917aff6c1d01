"""Every record kind that a decision can consist of: one row each, with its writer and the tables that it writes.

A table that no kind of record writes says in its own row (``store/tables.py``) who does.
"""

import sqlite3
from collections.abc import Callable, Mapping
from inspect import get_annotations
from typing import Any, NamedTuple

from gateway.events import Event
from gateway.records.record import Record
from gateway.store.transaction import lot_records
from gateway.store.transaction.records import (
    acts,
    alarms,
    certificates,
    control_charts,
    corrective_actions,
    deviation_states,
    deviations,
    guidance,
    laboratory,
    lot_decisions,
    operation,
    predictions,
    production,
    reviews,
    setpoints,
    signatures,
    users,
    workload,
)


class RecordKind(NamedTuple):
    """How a kind of record is written, within the transaction that runs, and into which tables."""

    write: Callable[[sqlite3.Connection, Event, Any], None]
    tables: frozenset[str]


def _kind(write: Callable[[sqlite3.Connection, Event, Any], None], *tables: str) -> tuple[type[Record], RecordKind]:
    _connection, _event, kind, _nothing = get_annotations(write).values()
    return kind, RecordKind(write=write, tables=frozenset(tables))


RECORD_KINDS: Mapping[type[Record], RecordKind] = dict((
    _kind(laboratory.result_accepted,
          "lab_result", "sample_request", "result_without_lot", "lot_name", "lot_to_judge"),
    _kind(laboratory.specification_recorded, "specification_stated", "lot_to_judge"),
    _kind(laboratory.incoming_tested, "incoming_result"),
    _kind(laboratory.sample_requested, "sample_request"),
    _kind(laboratory.provisional_hold, "provisional_hold", "lot_to_judge"),
    _kind(lot_records.assessed, "assessment", "lot_to_judge"),
    _kind(lot_records.restated, "restated_result"),
    _kind(lot_records.refused,
          "refused_result", "refused_in_place", "refused_of_product", "lot_name", "lot_to_judge"),
    _kind(lot_records.question_open_lots, "lot_to_judge"),
    _kind(lot_records.question_lots, "lot_to_judge"),
    _kind(control_charts.series_charted, "series", "series_sample"),
    _kind(control_charts.control_judged, "control_point"),
    _kind(control_charts.reference_frozen, "analytes_together"),
    _kind(production.context_changed,
          "context_change", "job_order", "lot", "lot_name", "material_use", "sample_request", "lot_to_judge"),
    _kind(production.lot_judged, "disposition", "lot"),
    _kind(predictions.prediction_made, "prediction"),
    _kind(predictions.model_learned, "feedback", "model_learned"),
    _kind(guidance.guidance_changed, "guidance", "guidance_state", "alarm", "alarm_event", "rejected_advice"),
    _kind(guidance.rejection_over, "rejected_advice", "alarm", "alarm_event"),
    _kind(guidance.response_recorded, "response"),
    _kind(setpoints.intent_made, "setpoint_intent", "setpoint_intent_state"),
    _kind(setpoints.intent_moved, "setpoint_intent", "setpoint_intent_state"),
    _kind(setpoints.writes_switched, "setpoint_stop"),
    _kind(setpoints.outcome_recorded, "setpoint_outcome"),
    _kind(guidance.refused_responses, "refused_responses"),
    _kind(deviations.deviation_version, "deviation"),
    _kind(deviations.lot_fingerprint, "lot_fingerprint"),
    _kind(deviations.lot_process, "lot_process"),
    _kind(operation.latched, "latch"),
    _kind(operation.unlatched, "latch"),
    _kind(alarms.alarm_changed, "alarm", "alarm_event"),
    _kind(alarms.suppression_in_force, "alarm_suppression"),
    _kind(alarms.suppression_over, "alarm_suppression"),
    _kind(operation.phrased, "phrasing"),
    _kind(operation.gap_recorded, "gap"),
    _kind(operation.dead_letter, "dead_letter", "dead_letter_payload"),
    _kind(operation.head_signed, "signed_head"),
    _kind(operation.epoch_begun, "store"),
    _kind(acts.point_settled, "settlement", "lot_to_judge"),
    _kind(acts.version_changed, "version_change"),
    _kind(acts.stage_changed, "stage_change"),
    _kind(acts.bias_signed, "signed_bias"),
    _kind(acts.message_unparked, "outbox"),
    _kind(acts.dead_letter_retry, "retry"),
    _kind(acts.delivery_retried, "delivery"),
    _kind(acts.audit_archived, "audit_archive", "audit"),
    _kind(users.user_changed, "user_version"),
    _kind(users.password_set, "user_password", "sign_in"),
    _kind(users.key_changed, "user_key"),
    _kind(signatures.record_to_sign, "signed_record"),
    _kind(signatures.signature_given, "signature"),
    _kind(signatures.signing_state_changed, "signing_state"),
    _kind(lot_decisions.lot_decided, "lot_decision", "lot_to_judge"),
    _kind(lot_decisions.lot_divided, "lot_part", "lot_name", "lot_to_judge"),
    _kind(reviews.exception_answered, "review_answer"),
    _kind(reviews.review_signed, "lot_review"),
    _kind(corrective_actions.action_recorded, "corrective_action"),
    _kind(corrective_actions.action_done, "corrective_action_done"),
    _kind(deviation_states.deviation_closed, "deviation_state"),
    _kind(deviation_states.deviation_reopened, "deviation_state"),
    _kind(workload.plan_drafted, "laboratory_plan"),
    _kind(workload.plan_approved, "laboratory_plan_approval"),
    _kind(certificates.certificate_drafted, "certificate", "lot_to_judge"),
    _kind(certificates.certificate_changed, "certificate_state", "lot_to_judge"),
    _kind(certificates.certificate_made, "certificate_document"),
    _kind(certificates.certificate_sent, "certificate_sent"),
    _kind(users.sign_in_counted, "sign_in"),
    _kind(users.failures_forgotten, "sign_in"),
    _kind(users.sessions_ended, "console_session"),
    _kind(users.code_used, "code_used"),
))  # fmt: skip
