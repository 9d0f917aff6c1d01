"""Every reason for abstaining, one sentence each. The sentence is filled with the numbers of the case."""

from enum import StrEnum
from typing import Any

from gateway.records import Reason


class Abstention(StrEnum):
    """Why a gate did not let something pass; the value is the sentence's template."""

    UNKNOWN_TAG = "Input {input} needs tag {tag}, which the line does not have."
    BAD_QUALITY = "The last value of {tag} has bad or unaccepted quality (status {status})."
    NO_VALUE = "Nothing usable is known of {tag} in the window of {input}."
    STALE = "The last value of {tag} is {age_seconds:.1f} s old; at most {max_age_seconds:.1f} s is accepted."
    LOW_COVERAGE = "Only {coverage:.0%} of the window of {input} is known; {minimum:.0%} is needed."
    OUTSIDE_VALIDATED_RANGE = "{input} is {value:.6g}, outside its validated range {lower:.6g} to {upper:.6g}."
    MODEL_FAILED = "Model {model} could not be evaluated: {error}."
    NOT_FINITE = "Model {model} gave a value that is not finite."
    OUTSIDE_OUTPUT_RANGE = "The prediction {value:.6g} lies outside the valid outputs {lower:.6g} to {upper:.6g}."
    STAGE_TOO_LOW = "Stage {stage} gives no suggestions."
    NO_SPECIFICATION = "There is no specification of {analyte} in {unit} for product {product}."
    SETPOINT_UNKNOWN = "The current value of {tag} is not known well enough to move it."
    SETPOINT_OUTSIDE_RANGE = "{tag} {proposed:.6g} lies outside its validated range {lower:.6g} to {upper:.6g}."
    SETPOINT_NOT_FINITE = "The proposed value of {tag} is not finite."
    STEP_TOO_LARGE = "A move of {tag} by {step:.6g} exceeds the largest step of {max_step:.6g}."
    TOO_SOON = "{tag} was moved or suggested {elapsed_seconds:.0f} s ago; {minimum_seconds:.0f} s must pass."
    NO_IMPROVING_MOVE = "No allowed move of {tags} brings {analyte} closer to {target:.6g} by more than it is unsure."
    NO_MANIPULATED_TAG = "Model {model} names no setpoint that may be moved."
    NOT_WITHIN_LINE = "{tag} is no setpoint that the gateway may suggest."
    EXPIRED = "The advice expired before it could be sent."
    UNREADABLE = "The message to be sent could not be checked: {error}."


def abstain(code: Abstention, **parameters: Any) -> Reason:
    """Return the reason of that code with its sentence filled in."""
    return Reason(code=code.name, parameters=parameters, text=code.value.format(**parameters))
