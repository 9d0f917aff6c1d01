"""What a model reaches on the test rows, over all of them and over those the gates accept."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.training.backtest import Served, Timing
from gateway.training.calibration import coverage
from gateway.training.cross_validation import changing, r_squared, root_mean_square
from gateway.training.trained_model import Trained

_GRADE_SHARE = 0.15  # of the value: a larger move within so many rows is a change of grade


def figures_reached(trained: Trained) -> dict[str, float]:
    """Return what the test rows say: over all of them, and over those the gates accept."""
    rows, test, recipe, served, accepted = trained.rows, trained.test, trained.recipe, trained.served, trained.accepted
    values = rows.values[test]
    predicted = trained.predict(rows.features[test])[:, 0]
    by_grade = _by_grade(rows.timing, values, served, accepted) if recipe.output.logarithmic else {}
    return {
        "rows": float(len(rows)),
        "test_rows": float(len(values)),
        "r2_by_itself": r_squared(values, predicted),
        "r2_as_served": r_squared(values, served.values),
        "rmse_as_served": root_mean_square(values - served.values),
        "coverage": coverage(served, values),
        "mean_half_width": float(np.nanmean(served.half_widths)),
        "accepted_share": float(np.mean(accepted)),
        "r2_accepted": r_squared(values[accepted], served.values[accepted]) if accepted.sum() > 1 else float("nan"),
        **by_grade,
    }


def _by_grade(
    timing: Timing, values: NDArray[np.float64], served: Served, accepted: NDArray[np.bool_]
) -> dict[str, float]:
    """Return how accepted rows do within a grade and while it changes, where values span grades of different size."""
    changes = changing(values, within_rows=timing.rows_to_a_result, share=_GRADE_SHARE)
    errors = np.abs(values - served.values)
    within, between = accepted & ~changes, accepted & changes
    figures = {"changing_share": float(np.mean(changes)), "accepted_share_changing": _mean(accepted[changes])}
    figures |= {"rmse_within_grade": root_mean_square(errors[within]) if within.any() else float("nan")}
    figures |= {"median_relative_error_within_grade": _median((errors / values)[within])}
    figures |= {"rmse_changing": root_mean_square(errors[between]) if between.any() else float("nan")}
    figures |= {"coverage_changing": _mean(errors[between] <= served.half_widths[between])}
    return figures


def _mean(of: NDArray[Any]) -> float:
    return float(np.mean(of)) if len(of) else float("nan")


def _median(of: NDArray[np.float64]) -> float:
    return float(np.median(of)) if len(of) else float("nan")
