"""Of what a warning by prediction warns: a value is, may be, or will be beyond a limit. Pure."""

from dataclasses import replace

from gateway.advice.reasons import Action, heading_reason, predicted_reason
from gateway.advice.titles import heading_title, predicted_title
from gateway.records.laboratory import Specification
from gateway.records.prediction import Prediction
from gateway.records.verdicts import Reason
from gateway.setpoints.search import inside


def title_of(prediction: Prediction, limits: Specification, *, outside: bool) -> str:
    """Return a warning's title; ``outside``: whether the value itself is."""
    ahead = _ahead(prediction, limits)
    if ahead is None:
        return predicted_title(prediction, limits, outside=outside)
    return heading_title(prediction, ahead, limits)


def reason_of(
    prediction: Prediction, limits: Specification, *, outside: bool, action: Action | None = Action.TAKE_SAMPLE
) -> Reason:
    """Return a warning's reason; ``outside``: whether the value itself is."""
    ahead = _ahead(prediction, limits)
    if ahead is None:
        return predicted_reason(prediction, limits, outside=outside, action=action)
    return heading_reason(prediction, ahead, limits, action=action)


def _ahead(prediction: Prediction, limits: Specification) -> Prediction | None:
    """Return the prediction as it will be, where it is inside now and only its outlook reaches beyond a limit.

    Its value is the end of the interval that does: how far beyond it comes, an outlook that is not accepted cannot say.
    """
    low, high, outlook = prediction.low, prediction.high, prediction.outlook
    if outlook is None or low is None or high is None or not inside(limits, low, high):
        return None
    above = limits.upper is not None and outlook.high > limits.upper
    end = outlook.high if above else outlook.low
    return replace(prediction, value=end, low=outlook.low, high=outlook.high)
