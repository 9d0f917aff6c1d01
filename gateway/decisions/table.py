"""One row for each kind of event: the function that decides, its facts, and the history windows that it reads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.decision import (
    Decision,
)
from gateway.decisions.acts import (
    on_acknowledge_alarm,
    on_archive_audit,
    on_promote_model,
    on_retry_messages,
    on_roll_back_model,
    on_settle_point,
    on_sign_biases,
)
from gateway.decisions.deviation import on_deviation
from gateway.decisions.fingerprint import on_fingerprint
from gateway.decisions.follow_ups import windows_of_follow_up
from gateway.decisions.housekeeping import (
    on_board_due,
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
from gateway.decisions.lots_again import on_lots_judged_again
from gateway.decisions.model_due import on_model_due, windows_of_model
from gateway.decisions.production import on_context, on_lot_closed, on_lot_ended, on_specification
from gateway.decisions.refused_message import on_message_refused
from gateway.decisions.response import on_response
from gateway.decisions.sample_request import on_sample_request
from gateway.events import (
    ActRequested,
    AdviceWithheld,
    ContextChanged,
    Event,
    EventBase,
    FollowUpDue,
    FollowUpKind,
    GapNoticed,
    GatewayStarted,
    GatewayStopped,
    HeadWitnessed,
    LotsJudgedAgain,
    MessageRefused,
    ModelDue,
    ResponseArrived,
    ResultArrived,
    SpecificationStated,
    StoreChecked,
    Timer,
    TimerDue,
    VersionTaken,
)
from gateway.facts.acts import ArchiveFacts, RetryFacts, SettlePointFacts, SignBiasFacts, VersionFacts
from gateway.facts.audit_head import SignHeadFacts, WitnessFacts
from gateway.facts.base import Facts
from gateway.facts.deviation import DeviationFacts, FingerprintFacts
from gateway.facts.guidance import OpenGuidanceFacts, ResponseFacts, StartFacts
from gateway.facts.lab_result import LabResultFacts
from gateway.facts.lot import LotsAgainFacts
from gateway.facts.model_due import ModelDueFacts
from gateway.facts.production import LotClosedFacts, LotEndedFacts
from gateway.facts.sample_request import SampleRequestFacts
from gateway.history.windows import WindowRequest
from gateway.line.definition import LineDefinition
from gateway.records.acts import ActKind
from gateway.records.production import ContextKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """How a kind of event is decided: the function, the facts that it stands on, and its history windows."""

    decide: Callable[[Any, Any], Decision]
    facts: type[Facts]
    windows: Callable[[Any, LineDefinition], tuple[WindowRequest, ...]] = lambda _event, _line: ()


def _nothing(_event: Event, _facts: Facts) -> Decision:
    return Decision()


# the kind of event, and where it has several: which one
DECISIONS: Mapping[tuple[type[EventBase], object], Row] = {
    (ModelDue, None): Row(decide=on_model_due, facts=ModelDueFacts, windows=windows_of_model),
    (ResultArrived, None): Row(decide=on_result, facts=LabResultFacts, windows=windows_of_result),
    (LotsJudgedAgain, None): Row(decide=on_lots_judged_again, facts=LotsAgainFacts),
    (ContextChanged, None): Row(decide=on_context, facts=Facts),
    (ContextChanged, ContextKind.LOT_ENDED): Row(decide=on_lot_ended, facts=LotEndedFacts),
    (ContextChanged, ContextKind.LOT_CLOSED): Row(decide=on_lot_closed, facts=LotClosedFacts),
    (SpecificationStated, None): Row(decide=on_specification, facts=Facts),
    (MessageRefused, None): Row(decide=on_message_refused, facts=Facts),
    (ResponseArrived, None): Row(decide=on_response, facts=ResponseFacts),
    (FollowUpDue, FollowUpKind.FINGERPRINT): Row(
        decide=on_fingerprint, facts=FingerprintFacts, windows=windows_of_follow_up
    ),
    (FollowUpDue, FollowUpKind.DEVIATION): Row(decide=on_deviation, facts=DeviationFacts, windows=windows_of_follow_up),
    (FollowUpDue, FollowUpKind.SAMPLE_REQUEST): Row(decide=on_sample_request, facts=SampleRequestFacts),
    (FollowUpDue, FollowUpKind.JUDGE_AGAIN): Row(decide=_nothing, facts=Facts),  # the lots are events of their own
    (TimerDue, Timer.SIGN_HEAD): Row(decide=on_sign_head_due, facts=SignHeadFacts),
    (TimerDue, Timer.REFRESH_BOARD): Row(decide=on_board_due, facts=OpenGuidanceFacts),
    (TimerDue, Timer.EXPIRE_GUIDANCE): Row(decide=on_expiry_due, facts=OpenGuidanceFacts),
    (VersionTaken, None): Row(decide=on_version_taken, facts=OpenGuidanceFacts),
    (AdviceWithheld, None): Row(decide=on_withheld, facts=OpenGuidanceFacts),
    (HeadWitnessed, None): Row(decide=on_head_witnessed, facts=WitnessFacts),
    (StoreChecked, None): Row(decide=on_store_checked, facts=Facts),
    (GapNoticed, None): Row(decide=on_gap, facts=Facts),
    (ActRequested, ActKind.ACKNOWLEDGE_ALARM): Row(decide=on_acknowledge_alarm, facts=Facts),
    (ActRequested, ActKind.SETTLE_POINT): Row(decide=on_settle_point, facts=SettlePointFacts),
    (ActRequested, ActKind.PROMOTE_MODEL): Row(decide=on_promote_model, facts=VersionFacts),
    (ActRequested, ActKind.ROLL_BACK_MODEL): Row(decide=on_roll_back_model, facts=VersionFacts),
    (ActRequested, ActKind.RETRY_MESSAGES): Row(decide=on_retry_messages, facts=RetryFacts),
    (ActRequested, ActKind.SIGN_BIASES): Row(decide=on_sign_biases, facts=SignBiasFacts),
    (ActRequested, ActKind.ARCHIVE_AUDIT): Row(decide=on_archive_audit, facts=ArchiveFacts),
    (GatewayStarted, None): Row(decide=on_started, facts=StartFacts),
    (GatewayStopped, None): Row(decide=on_stopped, facts=Facts),
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
