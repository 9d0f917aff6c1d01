"""What the chosen kind reaches when only rows with a laboratory result make it: a file may know more than a plant will.

A file of an analyser knows the analyte at every row, and a model is made from all of them. Where the next training has
only the laboratory's results, this is what to expect.
"""

import numpy as np

from gateway.line.outputs import ValueOutput
from gateway.time_units import SECOND_NS
from gateway.training.backtest import serve
from gateway.training.cross_validation import root_mean_square
from gateway.training.model_selection import chosen_model
from gateway.training.recipe import Recipe
from gateway.training.rows import Rows
from gateway.training.trained_model import Compared, Failed

LEAST_RESULTS = 20


def error_from_results_alone(
    recipe: Recipe, rows: Rows, made_from: slice, test: slice, chosen: Compared, output: ValueOutput
) -> tuple[float, tuple[Failed, ...]]:
    """Return the root mean square error of the test rows as served, NaN where it is not known, and what failed.

    It is not known where there are too few results, and not asked for where every row has one.
    """
    timing = rows.timing_of(made_from)
    results = np.flatnonzero(timing.measured)
    if len(results) < LEAST_RESULTS or len(results) == len(timing.at_ns):
        return float("nan"), ()
    model = chosen_model(recipe, chosen, rows)
    try:
        model.fit(rows.features[results], rows.values[results], timing.at_ns[results] / SECOND_NS)
        predicted = model.predict(rows.features[test])
    except Exception as error:  # noqa: BLE001 - a kind's library may raise anything: it is named, the training goes on
        problem = f"{type(error).__name__}: {error}".splitlines()[0]
        return float("nan"), (Failed(kind=f"{chosen.kind} of laboratory rows alone", problem=problem),)
    served = serve(rows.timing_of(test), predicted, rows.values[test], output=output)
    return root_mean_square(rows.values[test] - served.values), ()
