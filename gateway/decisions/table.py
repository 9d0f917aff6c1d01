"""One row for each kind of event: what follows from it, and which windows deciding it looks at."""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.advice.investigation import (
    on_deviation,
    on_fingerprint,
    windows_of_follow_up,
)
from gateway.advice.sampling import on_sample_request
from gateway.advice.windows_read import windows_of_inputs, windows_of_tick
from gateway.decision import (
    Decision,
)
from gateway.decisions.housekeeping import (
    on_gap,
    on_head_witnessed,
    on_started,
    on_stopped,
    on_store_checked,
    on_timer,
    on_version_taken,
    on_withheld,
)
from gateway.decisions.lab_result import on_result
from gateway.decisions.lots_again import on_lots_judged_again
from gateway.decisions.model_due import on_model_due
from gateway.decisions.production import on_context, on_specification
from gateway.decisions.refused_message import on_message_refused
from gateway.decisions.response import on_response
from gateway.events import (
    AdviceWithheld,
    ContextChanged,
    Event,
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
    TimerDue,
    VersionTaken,
)
from gateway.history.windows import WindowRequest
from gateway.line.definition import LineDefinition
from gateway.facts.situation import Situation


def decide(event: Event, situation: Situation) -> Decision:
    """Return everything that follows from an event in a situation."""
    return _DECISIONS[type(event)](event, situation)


def windows_needed(event: Event, line: LineDefinition) -> tuple[WindowRequest, ...]:
    """Return the history windows that deciding an event will look at."""
    match event:
        case ModelDue():
            model = line.model_named(event.model)
            if model is None:
                return ()
            return windows_of_tick(model, line, event.at_ns)
        case ResultArrived() if event.result.sampled_ns is not None:
            models = line.models_of(event.result.analyte)
            return tuple(request for model in models for request in windows_of_inputs(model, event.result.sampled_ns))
        case FollowUpDue():
            return windows_of_follow_up(event.follow_up, line)
        case _:
            return ()


def on_follow_up(event: FollowUpDue, situation: Situation) -> Decision:
    """Return what follows from work that an earlier decision has left."""
    return _FOLLOW_UPS[event.follow_up.kind](event, situation)


_FOLLOW_UPS: Mapping[FollowUpKind, Callable[[FollowUpDue, Situation], Decision]] = {
    FollowUpKind.FINGERPRINT: on_fingerprint,
    FollowUpKind.DEVIATION: on_deviation,
    FollowUpKind.SAMPLE_REQUEST: on_sample_request,
    FollowUpKind.JUDGE_AGAIN: lambda _event, _situation: Decision(),  # the lots themselves are events of their own
}

_DECISIONS: Mapping[type, Callable[[Any, Situation], Decision]] = {
    ModelDue: on_model_due,
    ResultArrived: on_result,
    ContextChanged: on_context,
    SpecificationStated: on_specification,
    ResponseArrived: on_response,
    MessageRefused: on_message_refused,
    TimerDue: on_timer,
    GapNoticed: on_gap,
    HeadWitnessed: on_head_witnessed,
    StoreChecked: on_store_checked,
    GatewayStarted: on_started,
    GatewayStopped: on_stopped,
    VersionTaken: on_version_taken,
    AdviceWithheld: on_withheld,
    FollowUpDue: on_follow_up,
    LotsJudgedAgain: on_lots_judged_again,
}
