"""One row for each kind of event: the function that decides, its facts, and the history windows that it reads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import get_annotations
from typing import Any

from gateway.decision import Decision
from gateway.decisions.acts import (
    on_acknowledge_alarm,
    on_archive_audit,
    on_promote_model,
    on_retry_messages,
    on_roll_back_model,
    on_settle_point,
    on_sign_biases,
)
from gateway.decisions.alarms import (
    on_acknowledge,
    on_end_shelves,
    on_gateway_alarm,
    on_return_to_service,
    on_shelve,
    on_take_out_of_service,
    on_unshelve,
)
from gateway.decisions.answer_guidance import on_answer_guidance
from gateway.decisions.by_right import by_right
from gateway.decisions.certificate_acts import on_sign_certificate, on_withdraw_certificate
from gateway.decisions.certificate_drafting import on_draft_certificate, on_reissue_certificate
from gateway.decisions.certificates import on_certificate_due, on_certificate_mailed, on_certificate_printed
from gateway.decisions.corrective_action import on_complete_action, on_record_action
from gateway.decisions.deviation import on_deviation
from gateway.decisions.deviation_closing import on_close_deviation
from gateway.decisions.fingerprint import on_fingerprint
from gateway.decisions.follow_ups import windows_of_follow_up
from gateway.decisions.housekeeping import (
    on_board_due,
    on_configuration_reloaded,
    on_expiry_due,
    on_gap,
    on_head_witnessed,
    on_sign_head_due,
    on_started,
    on_stopped,
    on_store_checked,
    on_version_taken,
    on_withheld,
)
from gateway.decisions.lab_result import on_result, windows_of_result
from gateway.decisions.laboratory_plan import on_approve_laboratory_plan, on_laboratory_planned
from gateway.decisions.lot_decision import on_decide_lot
from gateway.decisions.lot_division import on_divide_lot
from gateway.decisions.lots_again import on_lots_judged_again
from gateway.decisions.model_due import on_model_due, windows_of_model
from gateway.decisions.model_stage import on_change_stage
from gateway.decisions.passwords import on_confirm_password, on_set_password, on_set_second_device
from gateway.decisions.production import on_context, on_lot_closed, on_lot_ended, on_specification
from gateway.decisions.question import on_phrasing_noted, on_question_answered
from gateway.decisions.refused_message import on_message_refused, on_terminals_message_refused
from gateway.decisions.response import on_response
from gateway.decisions.review import on_settle_exception, on_sign_review
from gateway.decisions.sample_request import on_sample_request
from gateway.decisions.setpoint_write import (
    on_follow_due,
    on_resume_writes,
    on_stop_writes,
    on_write_begun,
    on_write_ended,
)
from gateway.decisions.sign_in import on_sign_in_tried
from gateway.decisions.signed import on_withdraw_pending, sign_pending, signed
from gateway.decisions.suppression import on_suppressions_due, windows_of_suppressions
from gateway.decisions.undone_division import on_undo_division
from gateway.decisions.users import (
    on_add_user,
    on_change_user,
    on_end_sessions,
    on_enroll_key,
    on_revoke_key,
    on_unlock_user,
)
from gateway.event_base import EventBase
from gateway.events import (
    ActRequested,
    AdviceWithheld,
    CertificateMailed,
    CertificatePrinted,
    ConfigurationReloaded,
    ContextChanged,
    Event,
    FollowUpDue,
    GapNoticed,
    GatewayAlarmChanged,
    GatewayStarted,
    GatewayStopped,
    HeadWitnessed,
    LaboratoryPlanned,
    LotsJudgedAgain,
    MessageRefused,
    ModelDue,
    PhrasingNoted,
    QuestionAnswered,
    ResponseArrived,
    ResultArrived,
    SetpointWriteBegun,
    SetpointWriteEnded,
    SignInTried,
    SpecificationStated,
    StoreChecked,
    TimerDue,
    VersionTaken,
)
from gateway.facts.base import Facts
from gateway.history.windows import WindowRequest
from gateway.line.definition import LineDefinition
from gateway.records.act_kinds import ActKind
from gateway.records.follow_ups import FollowUpKind
from gateway.records.production import ContextKind
from gateway.records.timers import Timer


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """How a kind of event is decided: the function, the facts that it stands on, and its history windows.

    ``facts``: the type that the function takes as its second argument, or the union of several.
    """

    decide: Callable[[Any, Any], Decision]
    facts: object
    windows: Callable[[Any, LineDefinition], tuple[WindowRequest, ...]]


def _no_windows(_event: Event, _line: LineDefinition) -> tuple[WindowRequest, ...]:
    return ()


def _row(
    decide: Callable[[Any, Any], Decision],
    *,
    windows: Callable[[Any, LineDefinition], tuple[WindowRequest, ...]] = _no_windows,
) -> Row:
    _event, facts, _decision = get_annotations(decide).values()
    return Row(decide=decide, facts=facts, windows=windows)


def _act(decide: Callable[[Any, Any], Decision]) -> Row:
    """Return the row of what a person does: decided only where the person may (``people/rights.py``)."""
    row = _row(decide)
    return Row(decide=by_right(row.decide), facts=row.facts, windows=row.windows)


def _signed(kind: ActKind) -> Row:
    """Return the row of an act that a plant can have signed (``people/signing.py``)."""
    row = _row(_SIGNABLE[kind])
    return Row(decide=by_right(signed(row.decide)), facts=row.facts, windows=row.windows)


def _nothing(_event: Event, _facts: Facts) -> Decision:
    return Decision()


_SIGNABLE: Mapping[ActKind, Callable[[Any, Any], Decision]] = {
    ActKind.DECIDE_LOT: on_decide_lot,
    ActKind.SIGN_REVIEW: on_sign_review,
    ActKind.CHANGE_STAGE: on_change_stage,
    ActKind.CLOSE_DEVIATION: on_close_deviation,
    ActKind.COMPLETE_ACTION: on_complete_action,
    ActKind.SETTLE_POINT: on_settle_point,
    ActKind.ANSWER_GUIDANCE: on_answer_guidance,
    ActKind.PROMOTE_MODEL: on_promote_model,
    ActKind.ROLL_BACK_MODEL: on_roll_back_model,
    ActKind.SIGN_BIASES: on_sign_biases,
    ActKind.ADD_USER: on_add_user,
    ActKind.CHANGE_USER: on_change_user,
    ActKind.ENROLL_KEY: on_enroll_key,
    ActKind.RESUME_WRITES: on_resume_writes,
    ActKind.SIGN_CERTIFICATE: on_sign_certificate,
    ActKind.WITHDRAW_CERTIFICATE: on_withdraw_certificate,
}

# the kind of event, and where it has several: which one
DECISIONS: Mapping[tuple[type[EventBase], object], Row] = {
    (ModelDue, None): _row(on_model_due, windows=windows_of_model),
    (ResultArrived, None): _row(on_result, windows=windows_of_result),
    (LotsJudgedAgain, None): _row(on_lots_judged_again),
    (ContextChanged, None): _row(on_context),
    (ContextChanged, ContextKind.LOT_ENDED): _row(on_lot_ended),
    (ContextChanged, ContextKind.LOT_CLOSED): _row(on_lot_closed),
    (SpecificationStated, None): _row(on_specification),
    (MessageRefused, None): _row(on_message_refused),
    (MessageRefused, "terminal"): _row(on_terminals_message_refused),
    (ResponseArrived, None): _row(on_response),
    (FollowUpDue, FollowUpKind.FINGERPRINT): _row(on_fingerprint, windows=windows_of_follow_up),
    (FollowUpDue, FollowUpKind.DEVIATION): _row(on_deviation, windows=windows_of_follow_up),
    (FollowUpDue, FollowUpKind.SAMPLE_REQUEST): _row(on_sample_request),
    (FollowUpDue, FollowUpKind.CERTIFICATE): _row(on_certificate_due),
    (CertificatePrinted, None): _row(on_certificate_printed),
    (CertificateMailed, None): _row(on_certificate_mailed),
    (FollowUpDue, FollowUpKind.JUDGE_AGAIN): _row(_nothing),  # the lots are events of their own
    (TimerDue, Timer.SIGN_HEAD): _row(on_sign_head_due),
    (TimerDue, Timer.REFRESH_BOARD): _row(on_board_due),
    (TimerDue, Timer.EXPIRE_GUIDANCE): _row(on_expiry_due),
    (VersionTaken, None): _row(on_version_taken),
    (AdviceWithheld, None): _row(on_withheld),
    (HeadWitnessed, None): _row(on_head_witnessed),
    (QuestionAnswered, None): _row(on_question_answered),
    (PhrasingNoted, None): _row(on_phrasing_noted),
    (StoreChecked, None): _row(on_store_checked),
    (GapNoticed, None): _row(on_gap),
    (SetpointWriteBegun, None): _row(on_write_begun),
    (SetpointWriteEnded, None): _row(on_write_ended),
    (TimerDue, Timer.FOLLOW_SETPOINTS): _row(on_follow_due),
    (GatewayAlarmChanged, None): _row(on_gateway_alarm),
    (LaboratoryPlanned, None): _row(on_laboratory_planned),
    (TimerDue, Timer.END_SHELVES): _row(on_end_shelves),
    (TimerDue, Timer.SUPPRESS_ALARMS): _row(on_suppressions_due, windows=windows_of_suppressions),
    (ActRequested, ActKind.ACKNOWLEDGE): _act(on_acknowledge),
    (ActRequested, ActKind.SHELVE): _act(on_shelve),
    (ActRequested, ActKind.UNSHELVE): _act(on_unshelve),
    (ActRequested, ActKind.TAKE_OUT_OF_SERVICE): _act(on_take_out_of_service),
    (ActRequested, ActKind.RETURN_TO_SERVICE): _act(on_return_to_service),
    (SignInTried, None): _row(on_sign_in_tried),
    (ActRequested, ActKind.ACKNOWLEDGE_ALARM): _act(on_acknowledge_alarm),
    (ActRequested, ActKind.SETTLE_POINT): _signed(ActKind.SETTLE_POINT),
    (ActRequested, ActKind.PROMOTE_MODEL): _signed(ActKind.PROMOTE_MODEL),
    (ActRequested, ActKind.ROLL_BACK_MODEL): _signed(ActKind.ROLL_BACK_MODEL),
    (ActRequested, ActKind.RETRY_MESSAGES): _act(on_retry_messages),
    (ActRequested, ActKind.SIGN_BIASES): _signed(ActKind.SIGN_BIASES),
    (ActRequested, ActKind.ARCHIVE_AUDIT): _act(on_archive_audit),
    (ActRequested, ActKind.ADD_USER): _signed(ActKind.ADD_USER),
    (ActRequested, ActKind.CHANGE_USER): _signed(ActKind.CHANGE_USER),
    (ActRequested, ActKind.SET_PASSWORD): _act(on_set_password),
    (ActRequested, ActKind.CONFIRM_PASSWORD): _act(on_confirm_password),
    (ActRequested, ActKind.UNLOCK_USER): _act(on_unlock_user),
    (ActRequested, ActKind.END_SESSIONS): _act(on_end_sessions),
    (ActRequested, ActKind.SET_SECOND_DEVICE): _act(on_set_second_device),
    (ActRequested, ActKind.ENROLL_KEY): _signed(ActKind.ENROLL_KEY),
    (ActRequested, ActKind.REVOKE_KEY): _act(on_revoke_key),
    (ActRequested, ActKind.DECIDE_LOT): _signed(ActKind.DECIDE_LOT),
    (ActRequested, ActKind.DIVIDE_LOT): _act(on_divide_lot),
    (ActRequested, ActKind.UNDO_DIVISION): _act(on_undo_division),
    (ActRequested, ActKind.SETTLE_EXCEPTION): _act(on_settle_exception),
    (ActRequested, ActKind.SIGN_REVIEW): _signed(ActKind.SIGN_REVIEW),
    (ActRequested, ActKind.CHANGE_STAGE): _signed(ActKind.CHANGE_STAGE),
    (ActRequested, ActKind.SIGN_PENDING): _act(sign_pending(_SIGNABLE)),
    (ActRequested, ActKind.WITHDRAW_PENDING): _act(on_withdraw_pending),
    (ActRequested, ActKind.STOP_WRITES): _act(on_stop_writes),
    (ActRequested, ActKind.RESUME_WRITES): _signed(ActKind.RESUME_WRITES),
    (ActRequested, ActKind.ANSWER_GUIDANCE): _signed(ActKind.ANSWER_GUIDANCE),
    (ActRequested, ActKind.RECORD_ACTION): _act(on_record_action),
    (ActRequested, ActKind.COMPLETE_ACTION): _signed(ActKind.COMPLETE_ACTION),
    (ActRequested, ActKind.CLOSE_DEVIATION): _signed(ActKind.CLOSE_DEVIATION),
    (ActRequested, ActKind.APPROVE_LABORATORY_PLAN): _act(on_approve_laboratory_plan),
    (ActRequested, ActKind.DRAFT_CERTIFICATE): _act(on_draft_certificate),
    (ActRequested, ActKind.SIGN_CERTIFICATE): _signed(ActKind.SIGN_CERTIFICATE),
    (ActRequested, ActKind.WITHDRAW_CERTIFICATE): _signed(ActKind.WITHDRAW_CERTIFICATE),
    (ActRequested, ActKind.REISSUE_CERTIFICATE): _act(on_reissue_certificate),
    (GatewayStarted, None): _row(on_started),
    (ConfigurationReloaded, None): _row(on_configuration_reloaded),
    (GatewayStopped, None): _row(on_stopped),
}


def row_of(event: Event) -> Row:
    """Return the row of an event."""
    return DECISIONS.get((type(event), event.variant)) or DECISIONS[type(event), None]


def decide(event: Event, facts: Facts) -> Decision:
    """Return everything that follows from an event, by the facts that its row names."""
    return row_of(event).decide(event, facts)


def windows_needed(event: Event, line: LineDefinition) -> tuple[WindowRequest, ...]:
    """Return the history windows that the decision on an event reads."""
    return row_of(event).windows(event, line)
