"""Every reason for abstaining, one sentence each. The sentence is filled with the numbers of the case."""

from enum import StrEnum
from typing import Any

from gateway.records.verdicts import Reason


class Abstention(StrEnum):
    """Why a gate did not let something pass; the value is the sentence's template."""

    BAD_QUALITY = "The last value of {tag} has bad or unaccepted quality (status {status})."
    NO_VALUE = "Nothing usable is known of {tag} in the window of {input}."
    STALE = "The last value of {tag} is {age_seconds:.1f} s old; at most {max_age_seconds:.1f} s is accepted."
    LOW_COVERAGE = "Only {coverage:.0%} of the window of {input} is known; {minimum:.0%} is needed."
    OUTSIDE_VALIDATED_RANGE = "{input} is {value:.6g}, outside its validated range {lower:.6g} to {upper:.6g}."
    CHANGES_TOO_FAST = "{tag} changes by {rate:.6g} per second; at most {max_rate:.6g} is believable."
    FROZEN = "{tag} has shown the very same value for {seconds:.0f} s; its sensor is taken to be stuck."
    OUTSIDE_DOMAIN_T2 = (
        "The inputs are too far from what the model has learned: T2 {t2:.4g}, limit {limit:.4g} ({inputs})."
    )
    OUTSIDE_DOMAIN_SPE = (
        "The inputs stand together as they never did in training: SPE {spe:.4g}, limit {limit:.4g} ({inputs})."
    )
    MODEL_FAILED = "Model {model} could not be evaluated: {error}."
    NOT_FINITE = "Model {model} gave a value that is not finite."
    OUTSIDE_OUTPUT_RANGE = "The prediction {value:.6g} lies outside the valid outputs {lower:.6g} to {upper:.6g}."
    NO_HONEST_INTERVAL = "Model {model} misses too often for an interval that its calibration could vouch for."
    INTERVAL_TOO_WIDE = (
        "The interval of +-{half_width:.6g} is wider than the +-{max_half_width:.6g} that may be acted on."
    )
    MODEL_TOO_SLOW = "Model {model} was stopped: {error}."
    STAGE_TOO_LOW = "Stage {stage} gives no suggestions."
    MODEL_NOT_IN_SERVICE = "Model {model} is not in service any more."
    VERSION_NOT_IN_SERVICE = "Version {version} of model {model} is not in service any more."
    LIMITS_CHANGED = "The limits of {tag} are other ones than those its move was judged by."
    NO_SPECIFICATION = "There is no specification of {analyte} in {unit} for product {product}."
    SETPOINT_UNKNOWN = "The current value of {tag} is not known well enough to move it."
    SETPOINT_OUTSIDE_RANGE = "{tag} {proposed:.6g} lies outside its validated range {lower:.6g} to {upper:.6g}."
    SETPOINT_NOT_FINITE = "The proposed value of {tag} is not finite."
    STEP_TOO_LARGE = "A move of {tag} by {step:.6g} exceeds the largest step of {max_step:.6g}."
    INTERLOCKED = "{tag} may be moved only while {interlock} lies within {lower:.6g} to {upper:.6g}; it is {value}."
    NOT_IN_STATE = "{tag} may be moved only while {interlock} is {states}; it is {value}."
    REACTION_NOT_SHOWN = (
        "The bundle suggests no move of {tag}: its data do not confirm what a move does, or its recipe says so."
    )
    TOO_SOON = "{tag} was moved or suggested {elapsed_seconds:.0f} s ago; {minimum_seconds:.0f} s must pass."
    NO_IMPROVING_MOVE = "No allowed move of {tags} brings {analyte} closer to {target:.6g} by more than it is unsure."
    SIDE_EFFECT_UNKNOWN = "{tag} also moves {analyte}, and model {model} cannot say at present where it would go."
    MOVE_UNDER_WAY = "{tag} waits until the move of {other} that model {model} suggested has had its effect."
    NO_MANIPULATED_TAG = "Model {model} names no setpoint that may be moved."
    NOT_WITHIN_LINE = "{tag} is no setpoint that the gateway may suggest."
    UNREADABLE = "The message to be sent could not be checked: {error}."


def abstain(code: Abstention, **parameters: Any) -> Reason:
    """Return the reason of that code with its sentence filled in."""
    return Reason(code=code.name, parameters=parameters, text=code.value.format(**parameters))
