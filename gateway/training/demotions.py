"""How often the charts of errors would have put a model into shadow: on left-out blocks, and on the test rows. Pure."""

import numpy as np
from numpy.typing import NDArray

from gateway.inference.interval import width_factors
from gateway.training.calibration import Calibrated
from gateway.training.drift_limits import alarms
from gateway.training.rows import Rows
from gateway.training.trained_model import Demotions


def demotions_of(
    rows: Rows,
    made_from: slice,
    test: slice,
    calibrated: Calibrated,
    errors: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
) -> Demotions:
    """Return the demotions that the charts would have made, each of them acknowledged.

    ``errors``: as served, of the rows before the test by models of the other blocks, by models of the blocks before
    (NaN where there is none), and of the test rows.
    """
    by_others, later, of_test = errors
    counted = [
        _counted(rows, made_from, calibrated, by_others), _counted(rows, made_from, calibrated, later),
        _counted(rows, test, calibrated, of_test),
    ]  # fmt: skip
    (left_out, left_out_results), (of_later, later_results), (tested, test_results) = counted
    return Demotions(
        left_out=left_out, left_out_results=left_out_results, later=of_later, later_results=later_results, test=tested,
        test_results=test_results,
    )  # fmt: skip


def _counted(rows: Rows, part: slice, calibrated: Calibrated, errors: NDArray[np.float64]) -> tuple[int, int]:
    """Return (demotions, laboratory results that were charted)."""
    by_arrival = rows.timing.of(part).by_arrival
    results = by_arrival[np.isfinite(errors[by_arrival])]
    served = rows.values[part][results] - errors[results]
    relative = errors[results] / width_factors(calibrated.output.proportional, served)
    return alarms(relative, calibrated.charted), len(results)
