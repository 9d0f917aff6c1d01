"""Why a model says what it says here: what it would say if one input were a little different. Pure."""

import numpy as np

from gateway.errors import InferenceError
from gateway.line.definition import ModelBundle, Predict
from gateway.records.prediction import FeatureVector, Sensitivity

_SHARE = 0.1  # of an input's validated range: far enough for models that know steps only
MOST = 5


def sensitivities(
    bundle: ModelBundle, predict: Predict, features: FeatureVector, *, column: int, most: int = MOST
) -> tuple[Sensitivity, ...]:
    """Return the inputs that move an output most, around a vector of features, the strongest first.

    The central difference over a tenth of each input's validated range, within it; all in one batch of shape
    (2 inputs, inputs). An input without limits is left out. Empty where the model fails on any of these vectors.
    """
    center = np.array(features.values, np.float64)
    lower, upper = np.array([item.validated for item in bundle.inputs], np.float64).T
    step = _SHARE / 2 * (upper - lower)
    graded = np.array([item.category is None for item in bundle.inputs])  # between two categories nothing lies
    bounded = np.flatnonzero(np.isfinite(step) & (step > 0) & graded)
    if not len(bounded):
        return ()
    low = np.clip(center - step, lower, upper)[bounded]
    high = np.clip(center + step, lower, upper)[bounded]
    rows = np.repeat(center[None, :], 2 * len(bounded), axis=0)
    for at, (number, below, above) in enumerate(zip(bounded, low, high, strict=True)):
        rows[2 * at, number], rows[2 * at + 1, number] = below, above
    try:
        predicted = predict(rows)[:, column]
    except InferenceError:
        return ()  # an explanation that cannot be had keeps no advice back
    with np.errstate(all="ignore"):  # NaN is left out
        effects, widths = predicted[1::2] - predicted[::2], high - low
        per_unit = effects / widths
    effective = [at for at in range(len(bounded)) if np.isfinite(per_unit[at]) and effects[at] != 0]
    order = sorted(effective, key=lambda at: (-abs(effects[at]), at))[:most]
    return tuple(
        Sensitivity(
            input=bundle.inputs[bounded[at]].name,
            tag=bundle.inputs[bounded[at]].tag,
            unit=bundle.inputs[bounded[at]].unit_of_value,
            per_unit=float(per_unit[at]),
            over=float(widths[at]),
        )
        for at in order
    )
