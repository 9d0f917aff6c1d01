"""The choice of a model: kinds compared on blocks of time that they have not seen, each as it would be served.

A block is predicted twice: by a model of all other blocks, and by one of the blocks before it, which is what service
will be. Several kinds are also averaged, with weights from their errors. A kind that cannot be made is named, and the
others go on.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count

import numpy as np
from numpy.typing import NDArray

from gateway.errors import LablineError
from gateway.line.outputs import FunctionSpaceLimits
from gateway.time_units import SECOND_NS
from gateway.training.backtest import Timing
from gateway.training.biases import bias_allowed
from gateway.training.calibration import Correction, uncorrected
from gateway.training.candidates.combined import WeightedMean
from gateway.training.candidates.regressor import Regressor
from gateway.training.candidates.table import candidate
from gateway.training.corrected_values import values_served
from gateway.training.correction_choices import corrections_of
from gateway.training.cross_validation import blocks, later_blocks, left_out, r_squared, root_mean_square
from gateway.training.recipe import Recipe
from gateway.training.rough_serving import least_errors
from gateway.training.rows import Rows
from gateway.training.stacking import stacked_weights
from gateway.training.trained_model import Compared, Failed, Progress

STACK = "stack"
_AS_WELL = 1.02  # times the least error: no worse, as far as a few blocks can tell
_LEAST_SHARE = 0.1  # of the least value: of a smaller prediction the logarithm is not taken
Part = tuple[NDArray[np.int64], NDArray[np.int64]]  # rows to fit on, rows to leave out


@dataclass(frozen=True, kw_only=True)
class _Predicted:
    """What models say of rows that they have not seen, shape (n,): ``later`` by those of earlier blocks, else NaN.

    ``setting``: of the kind, with which they say it.
    """

    by_others: NDArray[np.float64]
    later: NDArray[np.float64]
    setting: int = 0


@dataclass(frozen=True, kw_only=True)
class _Ground:
    """What kinds are compared on: the rows before the test."""

    recipe: Recipe
    timing: Timing
    values: NDArray[np.float64]

    def served_errors(self, predicted: _Predicted, correction: Correction) -> NDArray[np.float64]:
        """Return the errors as served with a correction: of all rows, then of those that later models predict.

        Of a model of the logarithm they are those of the logarithm: else the grades of large values decide alone.
        """
        output = uncorrected(self.recipe, correction=correction)
        known = np.isfinite(predicted.later)
        everything = values_served(self.timing, predicted.by_others, self.values, output=output)
        timing = self.timing.of(np.flatnonzero(known))
        later = values_served(timing, predicted.later[known], self.values[known], output=output)
        served, values = np.concatenate([everything, later]), np.concatenate([self.values, self.values[known]])
        if not self.recipe.output.logarithmic:
            plain: NDArray[np.float64] = values - served
            return plain
        errors: NDArray[np.float64] = np.log(values) - np.log(np.maximum(served, _LEAST_SHARE * self.values.min()))
        return errors

    def r2_served(self, predicted: _Predicted, correction: Correction) -> float:
        """Return the coefficient of determination of all rows as served with a correction."""
        output = uncorrected(self.recipe, correction=correction)
        return r_squared(self.values, values_served(self.timing, predicted.by_others, self.values, output=output))


def gap_rows(rows: Rows) -> int:
    """Return over how many rows the longest window reaches."""
    return rows.reach_ns // rows.timing.row_ns + 1


def compare(
    recipe: Recipe, rows: Rows, made_from: slice, on_progress: Progress
) -> tuple[tuple[Compared, ...], tuple[Failed, ...]]:
    """Return how each kind of the recipe does on the rows before the test, best first, and those that failed.

    Raises LablineError where no kind could be made.
    """
    ground = _Ground(recipe=recipe, timing=rows.timing_of(made_from), values=rows.values[made_from])
    predicted, failed = _predictions(recipe, rows, made_from, on_progress)
    if not predicted:
        problems = "; ".join(f"{item.kind}: {item.problem}" for item in failed)
        raise LablineError(f"no kind of model could be made: {problems}", hint="change the kinds in [candidates]")
    compared = [_compared(ground, kind, of_kind) for kind, of_kind in predicted.items()]
    if recipe.candidates.stack and len(predicted) > 1:
        compared.append(_stack(ground, predicted, compared))
    return tuple(sorted(compared, key=lambda candidate: candidate.error_as_served)), failed


def _predictions(
    recipe: Recipe, rows: Rows, made_from: slice, on_progress: Progress
) -> tuple[dict[str, _Predicted], tuple[Failed, ...]]:
    """Return by kind what its models say of rows that they have not seen, and the kinds that could not be made."""
    total, folds, gap = len(rows.values[made_from]), recipe.candidates.folds, gap_rows(rows)
    schemes = [[*blocks(total, folds=folds, gap=gap)], [*_long_enough(total, folds=folds, gap=gap)]]
    kinds, folds_of_kind = recipe.candidates.kinds, sum(len(parts) for parts in schemes)
    predicted, failed = dict[str, _Predicted](), list[Failed]()
    for number, kind in enumerate(kinds):
        done = count(number * folds_of_kind + 1)
        on_fold = partial(_tell, on_progress, done, len(kinds) * folds_of_kind)
        make = model_of_kind(recipe, kind, rows)
        try:
            predicted[kind] = _tuned(recipe, rows, made_from, _left_out(make, rows, made_from, schemes, on_fold))
        except Exception as error:  # noqa: BLE001 - a kind's library may raise anything: it is named, the next one tried
            failed.append(Failed(kind=kind, problem=f"{type(error).__name__}: {error}".splitlines()[0]))
    return predicted, tuple(failed)


def _tell(on_progress: Progress, done: Iterator[int], total: int) -> None:
    on_progress("models", next(done), total)


def _left_out(
    make: Callable[[], Regressor],
    rows: Rows,
    made_from: slice,
    schemes: Sequence[Sequence[Part]],
    on_fold: Callable[[], None],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what models say of blocks that they have not seen with each setting: of the others, of those before.

    Raises ArithmeticError where it is no number.
    """
    features, values = rows.features[made_from], rows.values[made_from]
    at_seconds = rows.timing.of(made_from).at_ns / SECOND_NS
    by_others, later = (left_out(make, features, values, at_seconds, parts, on_fold=on_fold) for parts in schemes)
    if not np.isfinite(by_others).all():
        raise ArithmeticError("it says something else than numbers of rows that it has not seen")
    return by_others, np.broadcast_to(later, by_others.shape)


def _tuned(
    recipe: Recipe, rows: Rows, made_from: slice, said: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> _Predicted:
    """Return what a kind says with the setting that serves best on rows that it has not seen."""
    by_others, later = said
    setting = best_setting(recipe, rows, made_from, by_others, later)
    return _Predicted(by_others=by_others[:, setting], later=later[:, setting], setting=setting)


def best_setting(
    recipe: Recipe,
    rows: Rows,
    made_from: slice,
    by_others: NDArray[np.float64],
    later: NDArray[np.float64] | None = None,
) -> int:
    """Return the number of the setting with the least error, about as served, of what is said with each of them."""
    if by_others.shape[1] == 1:
        return 0
    timing, values, corrected = rows.timing.of(made_from), rows.values[made_from], bias_allowed(recipe)
    squares = least_errors(timing, _differences(recipe, values, by_others), corrected=corrected) ** 2
    known = np.flatnonzero(np.isfinite(later).all(axis=1)) if later is not None else np.array([], np.int64)
    if later is not None and len(known):
        errors = _differences(recipe, values[known], later[known])
        of_later = least_errors(timing.of(known), errors, corrected=corrected) ** 2
        squares = (len(values) * squares + len(known) * of_later) / (len(values) + len(known))
    return int(np.argmin(squares))


def _differences(recipe: Recipe, values: NDArray[np.float64], said: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return errors, shape (n, settings): of a model of the logarithm those of the logarithm."""
    if not recipe.output.logarithmic:
        return values[:, None] - said
    errors: NDArray[np.float64] = np.log(values)[:, None] - np.log(np.maximum(said, _LEAST_SHARE * values.min()))
    return errors


def _long_enough(total: int, *, folds: int, gap: int) -> Sequence[Part]:
    """Return the blocks before which there are as many rows as a block has."""
    return [part for part in later_blocks(total, folds=folds, gap=gap) if len(part[0]) >= len(part[1]) // 2]


def model_of_kind(recipe: Recipe, kind: str, rows: Rows, setting: int | None = None) -> Callable[[], Regressor]:
    """Return what makes a model of a kind, with one of its settings.

    Raises LablineError where the values have no logarithm and need one.
    """
    logarithmic = recipe.output.logarithmic
    if logarithmic and not (rows.values > 0).all():
        least = rows.names[int(np.argmin(rows.values))]
        raise LablineError(
            f"{least} has the value {rows.values.min():g}, which has no logarithm", hint="set logarithmic = false"
        )
    inputs = rows.features.shape[1]
    return partial(candidate, kind, seed=recipe.seed, inputs=inputs, logarithmic=logarithmic, setting=setting)


def chosen_model(recipe: Recipe, chosen: Compared, rows: Rows) -> Regressor:
    """Return a candidate, unfitted: a model of its kind, or the weighted mean of several."""
    if not chosen.weights:
        return model_of_kind(recipe, chosen.kind, rows, chosen.settings[chosen.kind])()
    parts = [model_of_kind(recipe, kind, rows, chosen.settings[kind])() for kind in chosen.weights]
    return WeightedMean(parts, list(chosen.weights.values()))


def _compared(ground: _Ground, kind: str, predicted: _Predicted) -> Compared:
    """Return a candidate with the correction that serves it best."""
    choices = corrections_of(ground.recipe, ground.timing, ground.values - predicted.by_others)
    options = [(ground.served_errors(predicted, correction), correction) for correction in choices]
    errors, correction = _plainest(options)
    values = ground.values
    return Compared(
        kind=kind,
        error=root_mean_square(values - predicted.by_others),
        r2=r_squared(values, predicted.by_others),
        error_as_served=root_mean_square(errors),
        r2_as_served=ground.r2_served(predicted, correction),
        correction=correction,
        left_out=predicted.by_others,
        later=predicted.later,
        settings={kind: predicted.setting},
    )


def _plainest(options: Sequence[tuple[NDArray[np.float64], Correction]]) -> tuple[NDArray[np.float64], Correction]:
    """Return the correction with the least errors, or a plainer one that does as well.

    Of dozens that are tried on a few blocks the best one is best by luck, too: what is plainer has fewer ways to be.
    """
    by_size = [(root_mean_square(errors), errors, correction) for errors, correction in options]
    enough = _AS_WELL * min(size for size, _errors, _correction in by_size)
    good = [option for option in by_size if option[0] <= enough]
    _size, errors, correction = min(good, key=lambda option: (_intricacy(option[2]), option[0]))
    return errors, correction


def _intricacy(correction: Correction) -> int:
    """Return how intricate a correction is: none, a bias, one for each product, one in function space."""
    if correction is None:
        return 0
    return 3 if isinstance(correction, FunctionSpaceLimits) else 1 + correction.per_product


def _stack(ground: _Ground, predicted: dict[str, _Predicted], compared: list[Compared]) -> Compared:
    """Return the weighted mean of all kinds, weighted by their errors as served with the best one's correction."""
    best = min(compared, key=lambda candidate: candidate.error_as_served)
    errors = np.column_stack([ground.served_errors(of_kind, best.correction) for of_kind in predicted.values()])
    weights = dict(zip(predicted, stacked_weights(errors).tolist(), strict=True))
    mean = _Predicted(
        by_others=np.asarray(sum(weights[kind] * of_kind.by_others for kind, of_kind in predicted.items())),
        later=np.asarray(sum(weights[kind] * of_kind.later for kind, of_kind in predicted.items())),
    )
    stack = _compared(ground, STACK, mean)
    kept = {kind: weight for kind, weight in weights.items() if weight > 0}
    return replace(stack, weights=kept, settings={kind: predicted[kind].setting for kind in kept})
