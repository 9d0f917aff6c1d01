"""What a model reaches on the test rows, over all of them and over those the gates accept."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.training.backtest import Served, Timing
from gateway.training.calibration import Calibrated, coverage
from gateway.training.cross_validation import blocks, changing, r_squared, root_mean_square
from gateway.training.recipe import Recipe
from gateway.training.rows import Rows
from gateway.training.trained_model import Block, Trained

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
        **_in_service(values, served, accepted, trained.demoted),
        **_laboratory_alone(rows.timing.of(test), values, served, trained.error_from_results_alone),
        **_beside_baselines(trained, values),
        **by_grade,
    }


def _in_service(
    values: NDArray[np.float64], served: Served, accepted: NDArray[np.bool_], demoted: NDArray[np.bool_]
) -> dict[str, float]:
    """Return what a gateway would have shown of the test rows: ``labline play`` comes to the same.

    After a drift of its errors a model is in shadow.
    """
    shown = accepted & ~demoted
    inside = np.abs(values - served.values) <= served.half_widths
    return {
        "demoted_share": float(np.mean(demoted)),
        "accepted_share_in_service": float(np.mean(shown)),
        "r2_in_service": r_squared(values[shown], served.values[shown]) if shown.sum() > 1 else float("nan"),
        "coverage_in_service": _mean(inside[shown]),
    }


def _laboratory_alone(
    timing: Timing, values: NDArray[np.float64], served: Served, error_from_results_alone: float
) -> dict[str, float]:
    """Return how the rows do that have a laboratory result: in service there are no others to be judged by."""
    measured = timing.measured
    errors = np.abs(values - served.values)[measured]
    return {
        "laboratory_rows": float(measured.sum()),
        "r2_laboratory": r_squared(values[measured], served.values[measured]) if len(errors) > 1 else float("nan"),
        "rmse_laboratory": root_mean_square(errors) if len(errors) else float("nan"),
        "rmse_from_results_alone": error_from_results_alone,
        "coverage_laboratory": _mean(errors <= served.half_widths[measured]),
    }


def _beside_baselines(trained: Trained, values: NDArray[np.float64]) -> dict[str, float]:
    """Return the spread of the test rows, and by which share the error is smaller than the best baselines' errors."""
    error = root_mean_square(values - trained.served.values)
    plain = [baseline.error for baseline in trained.baselines if not baseline.model]
    models = [baseline.error for baseline in trained.baselines if baseline.model]
    return {
        "spread": float(values.std()),
        "gain_over_baselines": _gain(error, plain),
        "gain_over_plain_models": _gain(error, models),
    }


def _gain(error: float, others: list[float]) -> float:
    """Return by which share an error is smaller than the smallest of others; -1 where it is twice as large or more."""
    known = [other for other in others if np.isfinite(other)]
    if not known:
        return float("nan")
    least = min(known)
    return max(-1.0, 1 - error / least) if least > 0 else -1.0


def blocks_served(
    recipe: Recipe, rows: Rows, made_from: slice, served: Served, calibration: Calibrated
) -> tuple[Block, ...]:
    """Return how left-out blocks do, ``served`` with what models say that have not seen them, shape (n,).

    Each block's coverage is that of an interval which the other blocks have calibrated.
    """
    values, coverages = rows.values[made_from], calibration.block_coverages
    errors = np.abs(values - served.values)
    return tuple(
        Block(
            first=rows.names[int(block[0])],
            last=rows.names[int(block[-1])],
            rows=len(block),
            error=root_mean_square(errors[block]),
            coverage=coverages[number],
            half_width=float(np.nanmean(served.half_widths[block])),
        )
        for number, (_others, block) in enumerate(blocks(len(values), folds=recipe.candidates.folds, gap=0))
    )


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
